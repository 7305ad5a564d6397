"""`hearth run`: run the pipeline once, now."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.argument_types import a_config
from governance.errors import Fault, HearthError
from pipeline.config_file import read_config
from schemas.storage.zones import RUNS

if TYPE_CHECKING:
    from flows.run.run import RunRequest

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        help="The project's hearth.toml.",
        parser=a_config,
        metavar="<file>",
        show_default=True,
    ),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="Workspace folder, instead of the one in hearth.toml."),
]
KeysOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        help="Key file of a principal who authorises the run (PEM, mode 0600); repeat it for the releaser. "
        "Used instead of signing_keys in hearth.toml.",
        dir_okay=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the figures as one line of JSON, last in the output.")
]

RUN_EXAMPLES = """
Examples:

    hearth run --config sample_data/sample/hearth.toml --workspace workspace

    hearth run --no-orchestrator --json | tail -n 1 | jq .status

    hearth run --config hearth.toml --key operator.pem --key releaser.pem

Two keys authorise a run: one of a principal who may start runs, and one of a principal who may release. The
agreement lists them. The sample project uses demo keys that anyone can make.

Exit code: 0 published, 2 refused by a gate (code, reason and remedy are printed), 1 fault.
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=RUN_EXAMPLES)(run)


def run(
    config: Annotated[
        Path,
        typer.Option("--config", "-c", help="The project's hearth.toml.", dir_okay=False, show_default=True),
    ] = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    no_orchestrator: Annotated[
        bool, typer.Option("--no-orchestrator", help="Run the same stages without Prefect.")
    ] = False,
    key: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the pipeline once: read the extracts, pass every gate, publish a release."""
    try:
        read_config(config)  # before the imports, which take seconds
        from flows.orchestration.prefect_settings import apply_prefect_settings
        from flows.run.run import RunRequest
        from pipeline.workspace import Workspace

        request = RunRequest.of(config, workspace, signing_keys=key or ())
        place = Workspace.open(request.project.workspace)
    except HearthError as error:
        failed: dict[str, Any] = {"run_id": None, "status": "fault", "release_dir": None, "stages": []}
        _print_outcome(failed | _error_fields(error), as_json)
        raise typer.Exit(error.exit_code) from None
    apply_prefect_settings(place.root / "orchestrator")
    outcome = _directly(request) if no_orchestrator else _orchestrated(request, config, workspace)
    _print_outcome(outcome, as_json)
    from flows.run.reporting.outcome import EXIT_CODES

    raise typer.Exit(EXIT_CODES[outcome["status"]])


def _directly(request: "RunRequest") -> dict[str, Any]:
    from flows.run.run import run_pipeline

    return run_pipeline(request).as_json()


def _orchestrated(request: "RunRequest", config: Path, workspace: Path | None) -> dict[str, Any]:
    """Run under Prefect, on its own ephemeral server or on the one that PREFECT_API_URL names."""
    from flows.nightly import nightly
    from flows.run.run import read_outcome

    problem = "the flow ended without an outcome"
    try:
        nightly(
            str(config.absolute()),
            None if workspace is None else str(workspace.absolute()),
            request.run_id,
            [str(path) for path in request.project.signing_keys] or None,
            return_state=True,
        )
    except BaseException as error:  # noqa: BLE001 the run's own outcome is what counts, see below
        problem = type(error).__name__
    root = request.project.workspace
    if (root / RUNS / request.run_id / "run.json").is_file():
        return read_outcome(root, request.run_id)
    fault = Fault(
        "ORCHESTRATOR_FAILED",
        f"Prefect did not finish the run ({problem}), and the run left no record of how it ended.",
        "Run without Prefect: `hearth run --no-orchestrator`. "
        f"To look into Prefect itself, see its folder {os.environ['PREFECT_HOME']}.",
    )
    return {
        "run_id": request.run_id,
        "status": "fault",
        "release_dir": None,
        "stages": [],
        **_error_fields(fault),
    }


def _error_fields(error: HearthError) -> dict[str, Any]:
    findings = "".join(f"\n  - {finding}" for finding in error.findings)
    return {"code": error.code, "reason": error.reason + findings, "remedy": error.remedy}


def _print_outcome(outcome: dict[str, Any], as_json: bool) -> None:
    if outcome["status"] == "published":
        typer.echo(f"Published {outcome['release_dir']}", err=as_json)
    else:
        how = "refused by a gate" if outcome["status"] == "refused" else "stopped by a fault"
        typer.echo(f"Run {how} ({outcome['code']}): {outcome['reason']}", err=True)
        typer.echo(f"What to do: {outcome['remedy']}", err=True)
        typer.echo(f"Explain: hearth explain {outcome['code']}", err=True)
    if as_json:
        typer.echo(json.dumps(outcome, sort_keys=True))
