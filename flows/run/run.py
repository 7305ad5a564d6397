"""One run from start to end: lock, set-up, stages, outcome. How it ended is always recorded and printed.

A run that is killed (kill -9) leaves no `run_end` in the audit log, which the log's verifier reports, and no
half-written release. The next run reuses its finished stages.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.run.nightly_run import Perform, run_directly
from flows.run.reporting.display import Display
from flows.run.reporting.faults import record_fault
from flows.run.reporting.outcome import Outcome, StageRecord, Status
from flows.run.setup.run_setup import RunSetup, set_up_run
from flows.run.signals import stop_on_signals
from governance.errors import Refused
from pipeline.project import Project, read_project
from pipeline.workspace import Workspace
from schemas.storage.zones import RUNS


@dataclass(frozen=True)
class RunRequest:
    """Which project is run, where, and under which id (date and time in UTC, then four random letters)."""

    project: Project
    run_id: str

    @classmethod
    def of(
        cls,
        config: str | Path,
        workspace: str | Path | None = None,
        run_id: str | None = None,
        signing_keys: Sequence[str | Path] = (),
    ) -> "RunRequest":
        """Read the configuration. Raises Fault if it cannot be used.

        signing_keys: key files of the people who authorise the run, instead of those in hearth.toml.
        """
        project = read_project(Path(config), None if workspace is None else Path(workspace))
        if signing_keys:
            project = replace(project, signing_keys=tuple(Path(path).absolute() for path in signing_keys))
        return cls(project, run_id or new_run_id())


def new_run_id() -> str:
    """Return an id that sorts by time and contains nothing else."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def run_pipeline(request: RunRequest, perform: Perform = run_directly, quiet: bool = False) -> Outcome:
    """Run every stage from extracts to release; raises only where the program itself is faulty."""
    stages: list[StageRecord] = []
    try:
        workspace = Workspace.open(request.project.workspace)
        folder = workspace.run_folder(request.run_id)
    except BaseException as error:  # noqa: BLE001 recorded and printed: see _ended_badly
        return _ended_badly(request, error, stages)
    with Display(folder / "run.log", quiet) as display, stop_on_signals():
        setup = RunSetup.of_linkage(request.project, workspace, request.run_id, display, perform)
        try:
            with (
                workspace.lock(),
                set_up_run(setup) as run,
            ):
                stages = run.records
                released = run.take_stages()["publish", "all"]
                outcome = Outcome(request.run_id, "published", released.artefact.folder, stages=tuple(stages))
        except BaseException as error:  # noqa: BLE001 recorded and printed: see _ended_badly
            outcome = _ended_badly(request, error, stages, folder)
    _keep(folder / "run.json", outcome.as_json())
    return outcome


def read_outcome(workspace: Path, run_id: str) -> dict[str, Any]:
    """Return the stored outcome of a run as JSON-able values."""
    kept: dict[str, Any] = json.loads((workspace / RUNS / run_id / "run.json").read_text("utf-8"))
    return kept


def _ended_badly(
    request: RunRequest, error: BaseException, stages: list[StageRecord], folder: Path | None = None
) -> Outcome:
    if isinstance(error, SystemExit):
        raise error
    stage = stages[-1].stage if stages else "the start"
    hearth_error = record_fault(error, stage, folder)
    status: Status = "refused" if isinstance(hearth_error, Refused) else "fault"
    reason = hearth_error.reason + "".join(f"\n  - {finding}" for finding in hearth_error.findings)
    return Outcome(
        request.run_id, status, None, tuple(stages), hearth_error.code, reason, hearth_error.remedy
    )


def _keep(path: Path, record: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
    except OSError:
        return  # on a full disk the outcome cannot be stored; it is still printed
