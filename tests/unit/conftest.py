"""A run's context for the stages that read little of it."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.recorded_state import RecordedState
from pipeline.context import RunContext
from pipeline.engine.duckdb import EngineSettings
from pipeline.project import Project
from pipeline.workspace import Workspace


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    spill = tmp_path / "spill"
    spill.mkdir(mode=0o700)
    project = Project(
        name="test",
        folder=tmp_path,
        custody="single-operator",
        production=False,
        reference_date=date(2026, 3, 31),
        agreement=tmp_path / "agreement.toml",
        workspace=tmp_path / "workspace",
        model=None,
        engine=EngineSettings(threads=2, memory_limit="500MB"),
        keys={},
        extracts={},
    )
    agreement = cast(Any, SimpleNamespace(id="dsa-test", period="2026", outputs=(), linkage_check_values={}))
    workspace = Workspace.open(tmp_path / "workspace")
    return RunContext("run-1", project, agreement, workspace, spill, log=recorded(workspace))


def recorded(workspace: Workspace) -> RecordedState:
    """Return the states in a workspace's audit log, as a run has them."""
    signer = open_log_signer(workspace.zone("keys"), "hearth/test")
    return RecordedState(AuditLog.open(workspace.zone("audit"), signer), "run-1", "operator")
