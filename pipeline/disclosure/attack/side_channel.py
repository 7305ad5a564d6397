"""Attack 7, side channels: information in a release's files other than the published values.

Footers, statistics and dictionaries may contain nothing that is not in the rows, so a table that is written
again from its rows must have the same bytes. There may be no file, metadata key or column that the method
does not name, and no pseudonym, identifier or path in any text. If the release is in the workspace in which
it was made, the files that runs write there are searched too: audit log, evidence, reports and the
orchestrator's database.
"""

import io
import re
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles
from pipeline.publish.files.release_table import parquet_bytes
from pipeline.publish.inspection import OTHER_FILES, inspect_release

NUMBER, NAME = 7, "side channels"

#: Patterns of a pseudonym (base32 of 20 bytes), a UPRN, an NHS number and a path of a machine.
_FORBIDDEN = {
    "PSEUDONYM": re.compile(rb"(?<![A-Z2-7a-z0-9])[A-Z2-7]{32}(?![A-Z2-7a-z0-9])"),
    "UPRN": re.compile(rb"(?<![0-9a-f.-])[0-9]{12}(?![0-9a-f.-])"),
    "NHS_NUMBER": re.compile(rb"(?<![0-9a-f.-])[0-9]{10}(?![0-9a-f.-])"),
    "PATH": re.compile(rb"(?:^|[\s\"'(])/(?:home|root|tmp|var|usr|work|mnt|srv|opt)/"),
}
#: The patterns for files that runs write. These contain many plain numbers, so an identifier must be quoted.
_FORBIDDEN_IN_LOG = {
    "PSEUDONYM": _FORBIDDEN["PSEUDONYM"],
    "UPRN": re.compile(rb"[\"'|][0-9]{12}[\"'|]"),
    "NHS_NUMBER": re.compile(rb"[\"'|][0-9]{10}[\"'|]"),
}
#: Folders of a workspace with the files that runs write. Operators read these and may send copies elsewhere.
_RUN_FOLDERS = ("audit", "runs", "orchestrator")


def attack(release: ReleaseFiles) -> AttackOutcome:
    """Search every file of a release, and the files of runs if the release is in its workspace."""
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
    run_files = _files_of_runs(release.folder)
    for code, pattern in _FORBIDDEN_IN_LOG.items():
        findings[f"{code}_IN_LOG"] = sum(len(pattern.findall(p.read_bytes())) for p in run_files)
    figures = {"files": len(names), "declared_beside": len(OTHER_FILES), "files_of_runs": len(run_files)}
    return AttackOutcome.of(NUMBER, NAME, findings, figures)


def _files_of_runs(release: Path) -> list[Path]:
    """Return the files that runs wrote in the workspace of a release; none if it is not in a workspace."""
    releases = release.absolute().parent
    if releases.name != "releases" or not (releases.parent / "audit").is_dir():
        return []
    return sorted(p for name in _RUN_FOLDERS for p in (releases.parent / name).rglob("*") if p.is_file())


def _has_more_than_rows(path: Path) -> bool:
    """Answer whether a file differs from a file written again from its rows."""
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
