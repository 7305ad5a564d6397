"""Past events and verdicts, read from the audit log."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from governance.audit.folder import log_event, log_lines


@dataclass(frozen=True)
class PastVerdict:
    """One verdict of one rule, as it was recorded."""

    seq: int
    time: str
    run: str
    rule: str
    verdict: str
    part: str
    observed: str
    reason: str


def events(audit_folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a log in order; raises Refused at a line that is no event.

    Verify the log first: this function checks neither the chain nor the signatures.
    """
    for number, line in enumerate(log_lines(audit_folder)):
        yield log_event(line, number)


def first_published(audit_folder: Path) -> date | None:
    """Return the day on which a run first published a release; None where none did, or there is no log."""
    if not os.path.lexists(audit_folder / "audit.jsonl"):
        return None
    for event in events(audit_folder):
        if event["event"] == "run_end" and event["verdict"] == "published":
            return datetime.fromisoformat(event["ts"]).date()
    return None


def withdrawn_waivers(audit_folder: Path) -> frozenset[str]:
    """Return the waivers (ids) that one run had and a later run did not; none if there is no log.

    Such a waiver is only in an older copy of the decisions, so it does not count again.
    """
    if not os.path.lexists(audit_folder / "audit.jsonl"):
        return frozenset()
    seen: set[str] = set()
    withdrawn: set[str] = set()
    for event in events(audit_folder):
        if event["event"] == "run_start" and "waivers" in (event["evidence"] or {}):
            present = set(event["evidence"]["waivers"])
            withdrawn |= seen - present
            seen |= present
    return frozenset(withdrawn)


def verdicts(audit_folder: Path) -> tuple[PastVerdict, ...]:
    """Return every verdict of every rule, oldest first; none if there is no log yet."""
    if not os.path.lexists(audit_folder / "audit.jsonl"):
        return ()
    return tuple(
        PastVerdict(
            seq=event["seq"],
            time=event["ts"],
            run=event["run"],
            rule=event["rule"],
            verdict=event["verdict"],
            part=(event["evidence"] or {}).get("part", "all"),
            observed=(event["evidence"] or {}).get("observed", ""),
            reason=(event["evidence"] or {}).get("reason", ""),
        )
        for event in events(audit_folder)
        if event["event"] == "rule"
    )


def last_verdicts(audit_folder: Path, rule_id: str, most: int = 10) -> tuple[PastVerdict, ...]:
    """Return the last verdicts of one rule, newest first."""
    return tuple(item for item in verdicts(audit_folder) if item.rule == rule_id)[::-1][:most]
