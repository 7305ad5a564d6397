"""Small projects on disk: write extracts, look at them, read them in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest

from governance.agreement.agreement import Agreement
from pipeline.context import RunContext
from pipeline.engine.duckdb import EngineSettings
from pipeline.ingest.inspection import inspect_extracts
from pipeline.ingest.stage import ingest
from pipeline.project import ExtractSettings, Project
from pipeline.workspace import Workspace


@dataclass(frozen=True)
class Ingested:
    """What ingest left: kept rows without the planted ones, quarantine, and the table's facts."""

    kept: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]
    facts: Mapping[str, Any]
    folder: Path


@dataclass
class Bench:
    """A project folder into which a test puts extracts."""

    folder: Path
    reports: list[str] = field(default_factory=list)
    extracts: dict[str, ExtractSettings] = field(default_factory=dict)
    consistency: dict[str, Any] = field(default_factory=dict)

    def put(self, table: str, content: bytes | str, name: str | None = None, **settings: Any) -> Path:
        """Write an extract and name it in the project; `settings` are those of ExtractSettings."""
        path = self.folder / (name or f"{table}.csv")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.extracts[table] = ExtractSettings(table, path, **settings)
        return path

    def manifest(self, table: str, **entries: Any) -> None:
        path = self.extracts[table].path
        path.with_name(path.name + ".manifest.json").write_text(json.dumps(entries))

    def project(self) -> Project:
        return Project(
            name="bench",
            folder=self.folder,
            custody="single-operator",
            production=False,
            reference_date=date(2026, 3, 31),
            agreement=self.folder / "agreement.toml",
            workspace=self.folder / "workspace",
            model=None,
            engine=EngineSettings(threads=1, memory_limit="500MB"),
            keys={},
            extracts=self.extracts,
        )

    def inspect(self, *controllers: str) -> None:
        inspect_extracts(controllers, self.project())

    def ingest(self, table: str, controller: str = "council") -> Ingested:
        """Inspect and ingest one controller's extracts; return what became of `table`."""
        project = self.project()
        workspace = Workspace.open(project.workspace)
        with workspace.spill("test") as spill:
            # ingest reads nothing of the agreement
            context = RunContext(
                "test", project, cast(Agreement, None), workspace, spill, self.reports.append
            )
            extracts = inspect_extracts((controller,), project)[controller]
            artefact, evidence = ingest(controller, extracts, "f" * 64, context)
        self.consistency = evidence.facts["consistency"]
        quarantine = artefact.folder / "quarantine" / f"{table}.parquet"
        return Ingested(
            [
                row
                for row in pq.read_table(artefact.path(table)).to_pylist()
                if row["line_number"] is not None
            ],
            pq.read_table(quarantine).to_pylist() if quarantine.exists() else [],
            evidence.facts["tables"][table],
            artefact.folder,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def property_table(bench: Bench) -> Callable[..., Ingested]:
    """Ingest council properties given as CSV lines (header first)."""

    def run(*lines: str, **settings: Any) -> Ingested:
        bench.put("council_property", "\n".join(lines) + "\n", **settings)
        return bench.ingest("council_property")

    return run
