"""P7, the ledger: the list of all releases ever published, so that none can be removed, changed or forgotten.

`controlled/ledger/ledger.jsonl` contains one canonical JSON object a line; `prev` is the SHA-256 of the line
before. The list of a release's cells (digest of the value, epoch, specification version) is a file in the
same folder, named by its digest; releases of one epoch share it. The head of the chain is stored separately,
in the keys zone, with a MAC made with the record-key secret. Each line is in the audit log before it is in
the ledger, so a ledger that was replaced together with its head is detected.

A release is published in these steps. After a crash in any of them, the next run completes the rest:

    log -> intent (line) -> head -> rename of the staged folder -> log -> revealed (line) -> head

The run is refused if the ledger is missing, shortened, edited or not the one in the audit log, or if there is
a release folder that is not in the ledger.
"""

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.canonical import canonical_json
from governance.errors import Refused
from governance.recorded_state import LEDGER, RecordedState
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.workspace import Workspace
from schemas.storage.durable_write import sync, write_durably

GENESIS = "0" * 64
FOLDER = "ledger"
FILE = "ledger.jsonl"
HEAD = "release-ledger.head"
EVENTS = ("intent", "revealed", "void")
_FIELDS = frozenset(
    {
        "v",
        "seq",
        "prev",
        "event",
        "release_id",
        "fingerprint",
        "reference_date",
        "epoch",
        "specification_version",
        "manifest_sha256",
        "cells",
        "cells_sha256",
        "state_sha256",
    }
)


@dataclass(frozen=True)
class LedgerEntry:
    """One line of the ledger.

    event: "intent" (the staged folder will be renamed next), "revealed" (published), "void" (never
    published). cells: number of rows of all tables. cells_sha256: digest of the list of cell digests.
    state_sha256: digest of the record of the households that each area counted (P6); None if there is none.
    """

    seq: int
    prev: str
    event: str
    release_id: str
    fingerprint: str
    reference_date: str
    epoch: str
    specification_version: str
    manifest_sha256: str
    cells: int
    cells_sha256: str
    state_sha256: str | None

    def line(self) -> bytes:
        """Return the line as canonical JSON, without the line break."""
        return canonical_json({"v": 1, **self.__dict__})


class Ledger:
    """The ledger of one workspace, verified when it was opened."""

    def __init__(
        self, folder: Path, head_file: Path, secret: RecordKeySecret, recorded: RecordedState
    ) -> None:
        self.folder = folder
        self._head_file = head_file
        self._secret = secret
        self._recorded = recorded
        self.entries: tuple[LedgerEntry, ...] = ()
        self.head = GENESIS

    @classmethod
    def open(cls, workspace: Workspace, secret: RecordKeySecret, recorded: RecordedState) -> "Ledger":
        """Read and verify the ledger, and compare it with the audit log and with the published releases.

        If the last line in the audit log is missing, because a run was killed before writing it, it is added.

        Raises Refused: LEDGER_LOST, LEDGER_EDITED, RELEASE_NOT_IN_LEDGER.
        """
        folder = workspace.zone("controlled") / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        ledger = cls(folder, workspace.zone("keys") / HEAD, secret, recorded)
        published = sorted(
            p.name for p in workspace.zone("releases").iterdir() if p.is_dir() and not p.name.startswith(".")
        )
        ledger._read(bool(published))
        ledger._compare_with_record()
        known = {entry.release_id for entry in ledger.entries if entry.event != "void"}
        unknown = [name for name in published if name not in known]
        if unknown:
            raise Refused(
                "RELEASE_NOT_IN_LEDGER",
                f"{len(unknown)} folders among the releases were never entered in the ledger.",
                "Find out who put them there and remove them; nothing is released until then.",
            )
        return ledger

    def last(self, release_id: str) -> LedgerEntry | None:
        """Return the latest line of a release; None if it has none."""
        return next((e for e in reversed(self.entries) if e.release_id == release_id), None)

    def latest_revealed(self) -> LedgerEntry | None:
        """Return the line of the release that was published last; None if there is none."""
        return next((e for e in reversed(self.entries) if e.event == "revealed"), None)

    def pending(self) -> tuple[LedgerEntry, ...]:
        """Return the intents of releases that were neither published nor made void."""
        last = {entry.release_id: entry for entry in self.entries}
        return tuple(entry for entry in last.values() if entry.event == "intent")

    def append(self, event: str, of: dict[str, Any]) -> LedgerEntry:
        """Write a line to the audit log, append it, and update the head; all are on disk when this returns.

        event: see `LedgerEntry`. of: its other fields, except seq and prev.
        """
        if event not in EVENTS:
            raise ValueError(f"no ledger event {event}")
        entry = LedgerEntry(seq=len(self.entries), prev=self.head, event=event, **of)
        self._recorded.record(LEDGER, {"line": {"v": 1, **entry.__dict__}})
        self._write(entry)
        return entry

    def _write(self, entry: LedgerEntry) -> None:
        with (self.folder / FILE).open("ab") as stream:
            stream.write(entry.line() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        sync(self.folder)
        self._accept(entry)
        self._write_head()

    def repeat(self, event: str, entry: LedgerEntry) -> LedgerEntry:
        """Append a line with a new event for the release of an earlier line."""
        of = {k: v for k, v in entry.__dict__.items() if k not in ("seq", "prev", "event")}
        return self.append(event, of)

    def _accept(self, entry: LedgerEntry) -> None:
        self.entries = (*self.entries, entry)
        self.head = hashlib.sha256(entry.line()).hexdigest()

    def _read(self, has_releases: bool) -> None:
        path = self.folder / FILE
        sealed = self._read_head()
        if not path.is_file():
            if sealed is not None or has_releases:
                raise _lost()
            return
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self._accept(self._parse(line))
        if sealed is None:
            sealed = (0, GENESIS)
            if len(self.entries) > 1:
                raise _edited("the sealed head of the chain is missing")
        sealed_entries, sealed_head = sealed
        heads = [GENESIS, *(hashlib.sha256(e.line()).hexdigest() for e in self.entries)]
        if len(self.entries) < sealed_entries:
            raise _edited(f"{sealed_entries - len(self.entries)} lines were cut off")
        if heads[sealed_entries] != sealed_head or len(self.entries) > sealed_entries + 1:
            raise _edited("its lines do not lead to the sealed head")
        if whole != content:  # a line that a crash cut short was never sealed
            with path.open("r+b") as stream:
                stream.truncate(len(whole))
                os.fsync(stream.fileno())
        if len(self.entries) != sealed_entries:
            self._write_head()

    def _compare_with_record(self) -> None:
        """Raise Refused if the last line is not the last one in the audit log.

        One line may be missing, because a run was killed before writing it. It is then written.
        """
        line = self._recorded.last(LEDGER).get("line")
        if line is None:
            if self.entries:
                raise _edited("the audit log has no record of any of its lines")
            return
        lines = int(line["seq"]) + 1
        if len(self.entries) == lines - 1 and line["prev"] == self.head:
            self._write(self._parse(canonical_json(line)))
        elif not self.entries:
            raise _lost()
        elif len(self.entries) != lines:
            raise _edited(
                f"it has {len(self.entries)} lines, and the audit log names line {lines} as the last"
            )
        elif self.entries[-1].line() != canonical_json(line):
            raise _edited("its last line is not the one in the audit log")

    def _parse(self, line: bytes) -> LedgerEntry:
        try:
            raw = json.loads(line)
        except ValueError:
            raise _edited(f"line {len(self.entries) + 1} is not JSON") from None
        if not isinstance(raw, dict) or set(raw) != _FIELDS or raw["v"] != 1 or canonical_json(raw) != line:
            raise _edited(f"line {len(self.entries) + 1} is not in the ledger's form")
        entry = LedgerEntry(**{key: value for key, value in raw.items() if key != "v"})
        if entry.seq != len(self.entries) or entry.prev != self.head or entry.event not in EVENTS:
            raise _edited(f"line {len(self.entries) + 1} does not follow from the line before")
        return entry

    def _mac(self, entries: int, head: str) -> str:
        return hmac.new(self._secret.value, f"release-ledger|{entries}|{head}".encode(), "sha256").hexdigest()

    def _write_head(self) -> None:
        sealed = {
            "entries": len(self.entries),
            "head": self.head,
            "mac": self._mac(len(self.entries), self.head),
        }
        write_durably(self._head_file, canonical_json(sealed))

    def _read_head(self) -> tuple[int, str] | None:
        if not self._head_file.is_file():
            return None
        try:
            sealed = json.loads(self._head_file.read_bytes())
            entries, head, mac = int(sealed["entries"]), str(sealed["head"]), str(sealed["mac"])
        except (ValueError, KeyError, TypeError):
            raise _edited("the sealed head of the chain is damaged") from None
        if not hmac.compare_digest(mac, self._mac(entries, head)):
            raise _edited("the sealed head of the chain was not made with this project's secret")
        return entries, head


def _lost() -> Refused:
    return Refused(
        "LEDGER_LOST",
        "The release ledger is gone although releases were made.",
        "Restore controlled/ledger from its copy; without it no release can be compared.",
    )


def _edited(how: str) -> Refused:
    return Refused(
        "LEDGER_EDITED",
        f"The release ledger is not as it was written: {how}.",
        "Restore controlled/ledger and the sealed head from their copies, and find out who changed them.",
    )
