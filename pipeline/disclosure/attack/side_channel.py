"""Attack 7, side channels: what a release's files tell beside their values.

Footers, statistics and dictionaries may hold nothing beyond the rows; a table written afresh from
its own rows must give the same bytes; no file, key or text that the method does not name; no
pseudonym, identifier or path in any text. Where the release still lies in the workspace that made it, what
the run wrote beside it is read too: audit log, evidence and reports, the orchestrator's database.
"""

import io
import re
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles
from pipeline.publish.inspection import OTHER_FILES, inspect_release
from pipeline.publish.release_table import parquet_bytes

NUMBER, NAME = 7, "side channels"

#: What a pseudonym (base32 of 20 bytes), a UPRN, an NHS number or a path of a machine looks like.
_FORBIDDEN = {
    "PSEUDONYM": re.compile(rb"(?<![A-Z2-7a-z0-9])[A-Z2-7]{32}(?![A-Z2-7a-z0-9])"),
    "UPRN": re.compile(rb"(?<![0-9a-f.-])[0-9]{12}(?![0-9a-f.-])"),
    "NHS_NUMBER": re.compile(rb"(?<![0-9a-f.-])[0-9]{10}(?![0-9a-f.-])"),
    "PATH": re.compile(rb"(?:^|[\s\"'(])/(?:home|root|tmp|var|usr|work|mnt|srv|opt)/"),
}
#: The same in what runs tell, which is full of plain numbers: there an identifier is a quoted text.
_FORBIDDEN_IN_LOG = {
    "PSEUDONYM": _FORBIDDEN["PSEUDONYM"],
    "UPRN": re.compile(rb"[\"'|][0-9]{12}[\"'|]"),
    "NHS_NUMBER": re.compile(rb"[\"'|][0-9]{10}[\"'|]"),
}
#: Folders of a workspace that hold what runs tell: an operator reads them, and copies leave the building.
_TOLD_IN = ("audit", "runs", "orchestrator")


def attack(release: ReleaseFiles) -> AttackOutcome:
    """Read every byte of the folder."""
    facts = inspect_release(release.folder, ())
    names = sorted(p for p in release.folder.rglob("*") if p.is_file())
    findings = {
        "UNDECLARED_FILE": len(facts["undeclared_files"]),
        "UNDECLARED_METADATA": len(facts["undeclared_metadata_keys"]),
        "STATISTICS_BEYOND_ROWS": int(facts["statistics_beyond_data"]),
        "UNDECLARED_COLUMN": len(facts["undeclared_columns"]),
        "BYTES_BEYOND_ROWS": sum(_has_more_than_rows(p) for p in names if p.suffix == ".parquet"),
    }
    for code, pattern in _FORBIDDEN.items():
        findings[f"{code}_IN_TEXT"] = sum(_occurs(p, pattern) for p in names)
    beside = _beside(release.folder)
    for code, pattern in _FORBIDDEN_IN_LOG.items():
        findings[f"{code}_IN_LOG"] = sum(len(pattern.findall(p.read_bytes())) for p in beside)
    figures = {"files": len(names), "declared_beside": len(OTHER_FILES), "files_of_runs": len(beside)}
    return AttackOutcome.of(NUMBER, NAME, findings, figures)


def _beside(release: Path) -> list[Path]:
    """Return the files in which the workspace of a release tells of its runs; none where it is elsewhere."""
    releases = release.absolute().parent
    if releases.name != "releases" or not (releases.parent / "audit").is_dir():
        return []
    return sorted(p for name in _TOLD_IN for p in (releases.parent / name).rglob("*") if p.is_file())


def _has_more_than_rows(path: Path) -> bool:
    """Answer whether a file differs from its own rows, written afresh."""
    written = path.read_bytes()
    return parquet_bytes(pq.read_table(io.BytesIO(written))) != written


def _occurs(path: Path, pattern: re.Pattern[bytes]) -> int:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        texts = (
            str(value).encode()
            for name in table.column_names
            if name != "sha256"
            for value in set(table.column(name).to_pylist())
            if isinstance(value, str)
        )
        return sum(bool(pattern.search(text)) for text in texts)
    return len(pattern.findall(path.read_bytes()))
