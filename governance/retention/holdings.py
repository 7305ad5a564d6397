"""The contents of a workspace: every artefact with its retention class and disposal date.

The zone determines the class, and the agreement the number of days. An artefact's date is the one on which
the audit log first names it, or the date of its files if that is earlier. A file's date alone proves nothing,
because anyone who may write to the file may change its date.
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

#: Zone of a workspace -> retention class of its contents.
CLASSES = {
    CLEAR: "extract",
    PSEUDONYMISED: "pseudonymised",
    LINKAGE: "linkage",
    CONTROLLED: "controlled",
    RELEASES: "release",
    RUNS: "audit",
}
#: Exceptions from the zone's class: later releases are compared with the ledger, so it is kept like them.
_EXCEPTIONS = {"controlled/ledger": "release"}


@dataclass(frozen=True)
class Holding:
    """One artefact, release or run folder.

    name: its path within the workspace. retention: its class; None if the agreement does not have that
    class. due: the first day on which it may no longer be kept; None without a class.
    """

    name: str
    zone: str
    retention: str | None
    made: date
    due: date | None
    files: int
    bytes: int

    def is_overdue(self, today: date) -> bool:
        """Return whether the disposal date has been reached."""
        return self.due is not None and today >= self.due


def holdings(
    root: Path, agreement: Agreement, past: Iterable[dict[str, Any]] | None = None
) -> tuple[Holding, ...]:
    """Return everything in a workspace that still has content, by zone and name.

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
    """Return whether a folder contains more than the records of an artefact whose files were deleted."""
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
