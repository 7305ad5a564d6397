"""The contents of a workspace: every artefact with its retention class and disposal date.

The zone determines the class, and the agreement the number of days. An artefact's record file is
written once; its date is the artefact's creation date.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from governance.agreement.agreement import Agreement
from schemas.storage.artefact_record import DISPOSED, RECORD
from schemas.storage.zones import BY_CONTROLLER, CLEAR, CONTROLLED, LINKAGE, PSEUDONYMISED, RELEASES, RUNS

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


def holdings(root: Path, agreement: Agreement) -> tuple[Holding, ...]:
    """Return everything in a workspace that still has content, by zone and name."""
    return tuple(
        _holding(root, zone, folder, agreement) for zone, folder in _folders(root) if _has_content(folder)
    )


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


def _holding(root: Path, zone: str, folder: Path, agreement: Agreement) -> Holding:
    name = folder.relative_to(root).as_posix()
    wanted = _EXCEPTIONS.get(name, CLASSES[zone])
    retention = wanted if wanted in agreement.retention else None
    files = [path for path in folder.rglob("*") if path.is_file()]
    record = folder / RECORD
    since = record if record.is_file() else min(files, key=lambda path: path.stat().st_mtime)
    made = datetime.fromtimestamp(since.stat().st_mtime, UTC).date()
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
