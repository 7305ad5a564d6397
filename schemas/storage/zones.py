"""The zones of a workspace: folders with permissions of their own.

clear/<controller>/          typed extracts and, next to them, their quarantine
pseudonymised/<controller>/  what left a controller
pseudonymised/both/          the units to link
linkage/                     links and their evidence
controlled/                  household rows, cells before disclosure control, the release ledger
releases/                    published releases
audit/                       the audit log
keys/                        key files of this place
runs/<run id>/               run record, operator's log, private spill (removed when the run ends)
"""

from pathlib import Path

CLEAR, PSEUDONYMISED, LINKAGE, CONTROLLED = "clear", "pseudonymised", "linkage", "controlled"
RELEASES, AUDIT, KEYS, RUNS = "releases", "audit", "keys", "runs"
ZONES = (CLEAR, PSEUDONYMISED, LINKAGE, CONTROLLED, RELEASES, AUDIT, KEYS, RUNS)
#: Zones with one folder for each controller.
BY_CONTROLLER = (CLEAR, PSEUDONYMISED)
#: Within an ingested artefact: the rejected rows, which are as identifiable as the others.
QUARANTINE = "quarantine"
#: Within a run's folder: what DuckDB writes when its memory is full.
SPILL = "spill"
AUDIT_LOG = "audit.jsonl"


def audit_log(root: Path) -> Path:
    """Return the path of a workspace's audit log."""
    return root / AUDIT / AUDIT_LOG


def at_rest_keys(root: Path) -> Path:
    """Return the folder of the keys under which a workspace's intermediate tables are encrypted."""
    return root / KEYS / "at-rest"


def spill_folders(root: Path) -> list[Path]:
    """Return the spill folders of all runs, which exist only while a run goes on or after it was killed."""
    return sorted(folder for folder in (root / RUNS).glob(f"*/{SPILL}") if folder.is_dir())
