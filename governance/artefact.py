"""What a stage leaves behind, and what it can show for it.

An artefact is a folder of files that never changes once it stands; its digest
is what a gate clears and what the next stage checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from governance.canonical import digest_of
from governance.errors import Refused

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class FileRecord:
    """One file of an artefact: name within the folder, SHA-256, bytes, rows (None if no table)."""

    name: str
    sha256: str
    bytes: int
    rows: int | None = None


@dataclass(frozen=True)
class Artefact:
    """A finished folder of one stage.

    stage: "ingest", "pseudonymise", "group", "link", "household", "aggregate", "disclosure", "publish".
    part: what of the stage ("council", "nhs", or "all").
    fingerprint: digest of everything the content follows from (inputs, code, settings).
    """

    stage: str
    part: str
    folder: Path
    fingerprint: str
    files: tuple[FileRecord, ...]

    @property
    def artefact(self) -> NoReturn:
        """Refuse: a stage reads `cleared.artefact`, and this artefact has not passed its gate."""
        raise Refused(
            "NOT_CLEARED",
            f"The artefact of stage {self.stage} {self.part} was handed on without its gate's clearance.",
            "Report this as a defect of the programme; nothing goes on without a verdict.",
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the files' names and digests; the folder's place does not enter."""
        return digest_of([[f.name, f.sha256] for f in sorted(self.files, key=lambda f: f.name)])

    def path(self, table: str) -> Path:
        """Return the path of a table's Parquet file."""
        return self.folder / f"{table}.parquet"

    def has(self, table: str) -> bool:
        """Answer whether the artefact carries that table."""
        return any(f.name == f"{table}.parquet" for f in self.files)


@dataclass(frozen=True)
class Evidence:
    """What a stage shows its gate: counts, rates, digests, names of columns; never a row's value.

    facts: JSON-able mapping, the names being those that the rules of the stage read.
    """

    stage: str
    part: str
    facts: Facts = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the evidence."""
        return digest_of({"stage": self.stage, "part": self.part, "facts": dict(self.facts)})
