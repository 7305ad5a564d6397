"""The retention gate's evidence about a workspace, collected before a run adds to it.

Facts (stage "retention"):
  holdings              number of artefacts, releases and run folders that have content
  unclassified          names of those without a retention class in the agreement
  overdue               names of those past their disposal date
  disposals             number of disposals in the audit log
  uncertified           names of disposals without a valid certificate
  unwitnessed           names of disposals without a second person's signature
  still_present         names of disposals whose files still exist
  database_files        names of remaining DuckDB files (deleted rows survive in them)
  spill_folders         names of spill folders (temporary files) of runs that have ended
"""

from datetime import datetime
from pathlib import Path

from governance.agreement.agreement import Agreement
from governance.artefact import Evidence
from governance.history import events
from governance.retention.disposal import disposal_status
from governance.retention.holdings import CLASSES, holdings
from schemas.storage.zones import AUDIT, audit_log, spill_folders

#: Everything but the audit log and the keys.
_ZONES = tuple(CLASSES)
_DATABASES = ("*.duckdb", "*.duckdb.wal", "*.db", "*.tmp.duckdb")
_DUCKDB_MAGIC = (8, b"DUCK")


def retention_evidence(root: Path, agreement: Agreement, now: datetime, run_id: str = "") -> Evidence:
    """Return the evidence of a workspace. run_id: the current run, whose spill folder is not reported."""
    past = list(events(root / AUDIT)) if audit_log(root).is_file() else []
    found = holdings(root, agreement, past)
    disposals = [
        disposal_status(root, root / AUDIT, event["evidence"], agreement)
        for event in past
        if event["event"] == "disposal" and event["evidence"].get("what") == "artefact"
    ]
    facts = {
        "holdings": len(found),
        "unclassified": [item.name for item in found if item.retention is None],
        "overdue": [item.name for item in found if item.is_overdue(now.date())],
        "disposals": len(disposals),
        "uncertified": [item.name for item in disposals if not item.certified],
        "unwitnessed": [item.name for item in disposals if not item.witnessed],
        "still_present": [item.name for item in disposals if not item.is_gone],
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
    offset, magic = _DUCKDB_MAGIC
    try:
        with path.open("rb") as stream:
            return stream.read(offset + len(magic))[offset:] == magic
    except OSError:
        return True  # an unreadable file could be a database
