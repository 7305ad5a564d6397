"""The output of a stage, and the evidence for it.

An artefact is a folder of files that never changes once it is complete. A gate
clears its digest, and the next stage checks it.
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
    """One file of an artefact: name within the folder, SHA-256, bytes, rows (None if it is no table)."""

    name: str
    sha256: str
    bytes: int
    rows: int | None = None


@dataclass(frozen=True)
class Artefact:
    """A finished folder of one stage.

    stage: "ingest", "pseudonymise", "group", "link", "household", "aggregate", "disclosure", "publish".
    part: the controller ("council" or "nhs"), or "all".
    fingerprint: digest of everything that determines the content (inputs, code, settings).
    """

    stage: str
    part: str
    folder: Path
    fingerprint: str
    files: tuple[FileRecord, ...]

    @property
    def artefact(self) -> NoReturn:
        """Raise Refused: a stage reads `cleared.artefact`, and this artefact has not passed its gate."""
        raise Refused(
            "NOT_CLEARED",
            f"The artefact of stage {self.stage} ({self.part}) was used without its gate's clearance.",
            "Report this as a defect in Hearth: no stage may read an artefact that its gate has not cleared.",
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the files' names and digests; independent of the folder's path."""
        return digest_of([[f.name, f.sha256] for f in sorted(self.files, key=lambda f: f.name)])

    def path(self, table: str) -> Path:
        """Return the path of a table's Parquet file."""
        return self.folder / f"{table}.parquet"

    def has(self, table: str) -> bool:
        """Return whether the artefact contains that table."""
        return any(f.name == f"{table}.parquet" for f in self.files)


@dataclass(frozen=True)
class Evidence:
    """What a stage reports to its gate: counts, rates, digests, column names; never a row's value.

    facts: a mapping that can be written as JSON; the stage's rules read it by name.
    """

    stage: str
    part: str
    facts: Facts = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the evidence."""
        return digest_of({"stage": self.stage, "part": self.part, "facts": dict(self.facts)})
