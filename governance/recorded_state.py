"""State that a decision rests on, as the signed audit log has it: what was received, sent, used or released.

A file next to the log can be edited, deleted or replaced by an older copy. The log cannot, without a trace.
So what happened in earlier runs is read here. Where a file is kept as well, it must be the one that the log
names.

    state      one line of the log: the new state of one name and part, in full or as a digest
    finding    one line of the log: a file was not the one on record, and what was done about it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.audit.log import AuditLog

#: Names of states. Of a package: the last one admitted from, or sent by, a controller.
PACKAGE_ADMITTED, PACKAGE_SENT = "package admitted", "package sent"
#: Pairs of pseudonyms that were used, by the digest of their package.
PAIRS_USED = "pairs used"
#: The last line of the release ledger, in full.
LEDGER = "release ledger"
#: The ledger's fields of a release that is staged, and what the attacks on one found: digests.
STAGED, ATTACKS = "staged release", "attacks on a release"
#: The record keys that were carried over a rotation: a digest of their file.
CARRIED_KEYS = "carried record keys"


@dataclass(frozen=True)
class RecordedState:
    """The states in one audit log, as one run reads and adds to them. policy: digest of the agreement."""

    audit: AuditLog
    run_id: str
    actor: str
    policy: str | None = None

    def last(self, name: str, part: str = "all") -> Mapping[str, Any]:
        """Return the last state of that name and part; empty where the log has none."""
        return self.audit.state(name, part)

    def record(self, name: str, facts: Mapping[str, Any], part: str = "all") -> None:
        """Put a new state on record; it is on disk and signed when this returns."""
        self._append("state", "done", {**facts, "name": name, "part": part})

    def report(self, name: str, code: str, done: str, part: str = "all") -> None:
        """Put on record that a file was not the one of its record. done: what was done about it."""
        self._append("finding", None, {"name": name, "part": part, "code": code, "done": done})

    def _append(self, event: str, verdict: str | None, facts: Mapping[str, Any]) -> None:
        self.audit.append(
            self.run_id, self.actor, None, event, verdict=verdict, evidence=facts, policy=self.policy
        )
        if self.audit.is_signing:
            self.audit.checkpoint()
