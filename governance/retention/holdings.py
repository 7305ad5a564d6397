"""What a workspace holds: every artefact with its retention class and its day of disposal.

A class follows from the zone; its days are the agreement's. The day on which something was made is the
one on which the audit log first names it, or the date of its files where that is earlier. A file's date alone
proves nothing, because anyone who may write to the file may change its date.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.agreement.agreement import Agreement
from governance.history import events
from governance.recorded_state import LEDGER
from schemas.storage.artefact_record import DISPOSED, RECORD, artefact_folder
from schemas.storage.zones import (
    AUDIT,
    BY_CONTROLLER,
    CLEAR,
    CONTROLLED,
    LINKAGE,
    PSEUDONYMISED,
    RELEASES,
    RUNS,
    audit_log,
)

#: Zone of a workspace -> retention class of what lies there.
CLASSES = {
    CLEAR: "extract",
    PSEUDONYMISED: "pseudonymised",
    LINKAGE: "linkage",
    CONTROLLED: "controlled",
    RELEASES: "release",
    RUNS: "audit",
}
#: What is kept as another class than its zone's: releases are judged by the ledger for as long as they stand.
_EXCEPTIONS = {"controlled/ledger": "release"}


@dataclass(frozen=True)
class Holding:
    """One artefact, release or run folder.

    name: its path within the workspace. retention: its class; None where the agreement has none for
    it. due: the first day on which it may no longer be kept; None without a class.
    """

    name: str
    zone: str
    retention: str | None
    made: date
    due: date | None
    files: int
    bytes: int

    def is_overdue(self, today: date) -> bool:
        """Answer whether it should be gone by now."""
        return self.due is not None and today >= self.due


def holdings(
    root: Path, agreement: Agreement, past: Iterable[dict[str, Any]] | None = None
) -> tuple[Holding, ...]:
    """Return everything that a workspace holds and that has content left, by zone and name.

    past: the events of its audit log; None to read them here.
    """
    if past is None:
        past = events(root / AUDIT) if audit_log(root).is_file() else ()
    first_named = _first_named(past)
    return tuple(
        _holding(root, zone, folder, agreement, first_named)
        for zone, folder in _folders(root)
        if _has_content(folder)
    )


def _first_named(past: Iterable[dict[str, Any]]) -> dict[str, date]:
    """Return the day on which the log first names each folder, by its last name, since it was disposed of."""
    first: dict[str, date] = {}
    for event in past:
        facts = event["evidence"] or {}
        if event["event"] == "disposal" and facts.get("what") == "artefact":
            first.pop(str(facts["name"]).rpartition("/")[2], None)
            continue
        name = None
        if event["event"] == "run_start":
            name = event["run"]
        elif event["event"] == "gate" and facts.get("fingerprint"):
            name = artefact_folder(Path(), event["stage"], facts["part"], facts["fingerprint"]).name
        elif event["event"] == "state" and facts.get("name") == LEDGER:
            first.setdefault("ledger", date.fromisoformat(event["ts"][:10]))
            name = facts["line"]["release_id"]
        if name is not None:
            first.setdefault(str(name), date.fromisoformat(event["ts"][:10]))
    return first


def _folders(root: Path) -> Iterator[tuple[str, Path]]:
    for zone in CLASSES:
        base = root / zone
        if not base.is_dir():
            continue
        if zone in BY_CONTROLLER:
            for controller in sorted(path for path in base.iterdir() if path.is_dir()):
                for folder in sorted(path for path in controller.iterdir() if path.is_dir()):
                    yield zone, folder
        else:
            for folder in sorted(path for path in base.iterdir() if path.is_dir()):
                yield zone, folder


def _has_content(folder: Path) -> bool:
    """Answer whether more is left than the records of an artefact whose files were disposed of."""
    return any(path.name not in (RECORD, DISPOSED) for path in folder.rglob("*") if path.is_file())


def _holding(
    root: Path, zone: str, folder: Path, agreement: Agreement, first_named: dict[str, date]
) -> Holding:
    name = folder.relative_to(root).as_posix()
    wanted = _EXCEPTIONS.get(name, CLASSES[zone])
    retention = wanted if wanted in agreement.retention else None
    files = [path for path in folder.rglob("*") if path.is_file()]
    record = folder / RECORD
    since = record if record.is_file() else min(files, key=lambda path: path.stat().st_mtime)
    dated = datetime.fromtimestamp(since.stat().st_mtime, UTC).date()
    made = min(dated, first_named.get(folder.name, dated))
    due = None if retention is None else made + timedelta(days=agreement.retention[retention].days)
    return Holding(
        name=name,
        zone=zone,
        retention=retention,
        made=made,
        due=due,
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
    )
