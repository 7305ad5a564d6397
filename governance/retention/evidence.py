"""What a workspace shows the retention gate, before a run adds to it.

Facts (stage "retention"):
  holdings              artefacts, releases and run folders that have content
  unclassified          names of those that no retention class of the agreement covers
  overdue               names of those that should be gone by now
  disposals             disposals that the audit log records
  uncertified           names of those without a certificate that holds
  unwitnessed           names of those without a second person's signature
  still_present         names of those whose files are there all the same
  database_files        names of DuckDB databases that were left behind (a deleted row survives in one)
  spill_folders         names of spill folders that were left behind by runs that have ended
"""

from datetime import datetime
from pathlib import Path

from governance.agreement.agreement import Agreement
from governance.artefact import Evidence
from governance.history import events
from governance.retention.disposal import standing_of
from governance.retention.holdings import CLASSES, holdings
from schemas.storage.zones import AUDIT, audit_log, spill_folders

#: Everything but the audit log and the keys.
_ZONES = tuple(CLASSES)
_DATABASES = ("*.duckdb", "*.duckdb.wal", "*.db", "*.tmp.duckdb")
_DUCKDB_MAGIC = (8, b"DUCK")


def retention_evidence(root: Path, agreement: Agreement, now: datetime, run_id: str = "") -> Evidence:
    """Look through a workspace; run_id: the run that is under way, whose own spill is no residue."""
    past = list(events(root / AUDIT)) if audit_log(root).is_file() else []
    held = holdings(root, agreement, past)
    standings = [
        standing_of(root, root / AUDIT, event["evidence"], agreement)
        for event in past
        if event["event"] == "disposal" and event["evidence"].get("what") == "artefact"
    ]
    facts = {
        "holdings": len(held),
        "unclassified": [item.name for item in held if item.retention is None],
        "overdue": [item.name for item in held if item.is_overdue(now.date())],
        "disposals": len(standings),
        "uncertified": [item.name for item in standings if not item.certified],
        "unwitnessed": [item.name for item in standings if not item.witnessed],
        "still_present": [item.name for item in standings if not item.is_gone],
        "database_files": _databases(root),
        "spill_folders": [
            folder.relative_to(root).as_posix()
            for folder in spill_folders(root)
            if folder.parent.name != run_id and any(folder.iterdir())
        ],
    }
    return Evidence("retention", "all", facts)


def _databases(root: Path) -> list[str]:
    found = set()
    for zone in _ZONES:
        for path in (root / zone).rglob("*"):
            if path.is_file() and _is_database(path):
                found.add(path.relative_to(root).as_posix())
    return sorted(found)


def _is_database(path: Path) -> bool:
    if any(path.match(pattern) for pattern in _DATABASES):
        return True
    place, magic = _DUCKDB_MAGIC
    try:
        with path.open("rb") as stream:
            return stream.read(place + len(magic))[place:] == magic
    except OSError:
        return True  # what cannot be read cannot be shown to be harmless
