"""`hearth schedule`: start runs automatically, and raise an alarm when nothing was published."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.argument_types import a_time_of_day, a_time_zone
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

app = typer.Typer(
    name="schedule",
    no_args_is_help=True,
    help="Start runs automatically, with systemd timers or Prefect, and raise an alarm when one is missing.",
)
AtOption = Annotated[
    str, typer.Option("--at", help="Time of day, HH:MM.", parser=a_time_of_day, metavar="HH:MM")
]
ZoneOption = Annotated[str, typer.Option("--timezone", help="Time zone of that time.", parser=a_time_zone)]
ControllerOption = Annotated[
    Literal["council", "nhs"] | None,
    typer.Option(help="At a controller's place: which one. A run there makes a package."),
]
_CONFIG = Path("hearth.toml")

WRITE_EXAMPLES = """
Example:

    hearth schedule write --config hearth.toml --at 02:30 --on-failure /usr/local/bin/notify --out units

    sudo cp units/hearth-* /etc/systemd/system/ && sudo systemctl daemon-reload

    sudo systemctl enable --now hearth-my-project.timer hearth-my-project-overdue.timer

`systemctl list-timers` then shows when the next run starts, and `systemctl --failed` shows a run that did not
publish. A run can write only to its workspace, and to the inbox or the outbox. It has no network access
unless you add --network. At a controller's place add --controller council or --controller nhs.
"""

CHECK_EXAMPLES = """
Example:

    hearth schedule check --config hearth.toml --hours 26

The audit log is verified and read; run.json is not. Exit code: 0 if a release was published within that time,
1 if not, 2 if the audit log was changed. Call it from your monitoring, or use the timer that
`hearth schedule write` makes.
"""

SERVE_EXAMPLES = """
Example, with a Prefect server of your own:

    read -rs PREFECT_API_AUTH_STRING            (a long random value, the same for server and client)

    export PREFECT_API_AUTH_STRING PREFECT_SERVER_API_AUTH_STRING="$PREFECT_API_AUTH_STRING"

    prefect server start --background

    PREFECT_API_URL=http://127.0.0.1:4200/api hearth schedule serve --config hearth.toml --at 02:30

A server that answers without that value is refused, because other accounts of the machine could use it.

The command stays in the foreground, so start it as a service. Prefect receives the paths of hearth.toml and
of the workspace, and no table, key or identifier. A run that is due while another one is still in progress is
cancelled.
"""


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(epilog=WRITE_EXAMPLES)
def write(
    out: Annotated[Path, typer.Option(help="Folder for the unit files.", file_okay=False)],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    at: AtOption = "02:30",
    timezone: ZoneOption = "Europe/London",
    user: Annotated[
        str | None, typer.Option(help="Account that runs start under. [default: your own]")
    ] = None,
    on_failure: Annotated[
        Path | None,
        typer.Option(
            help="Program to call when a unit fails; its argument is the unit's name.", dir_okay=False
        ),
    ] = None,
    hours: Annotated[
        int, typer.Option(help="Hours without a release before the alarm is raised.", min=1)
    ] = 26,
    network: Annotated[
        bool, typer.Option("--network", help="Let runs use the network (needed for keys in Vault or AWS).")
    ] = False,
    controller: ControllerOption = None,
) -> None:
    """Write systemd service and timer files.

    They start one run a day, and an hourly check that a release was published or a package made.
    """
    from flows.orchestration.systemd_schedule import Schedule, operator_name, write_units
    from pipeline.project import read_project

    program = None if on_failure is None else on_failure.absolute()
    schedule = Schedule(at, timezone, user or operator_name(), program, network, hours, controller)
    if schedule.user == "root":
        typer.echo("WARNING: the runs start under root. Name an account of their own with --user.", err=True)
    for path in write_units(read_project(config, workspace), config, schedule, out):
        typer.echo(str(path))


@app.command(epilog=CHECK_EXAMPLES)
def check(
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    hours: Annotated[int, typer.Option(help="Hours allowed since the last release or package.", min=1)] = 26,
    controller: ControllerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show when a release was last published or a package made, and fail if that is too long ago."""
    import json

    from flows.orchestration.systemd_schedule import check_published_lately
    from pipeline.project import read_project

    project = read_project(config, workspace)
    last = check_published_lately(project.workspace, hours, controller=controller)
    assert last.published is not None  # noqa: S101 the check raises otherwise
    done = "published" if controller is None else "packaged"
    typer.echo(f"Last {done} {last.published:%Y-%m-%d %H:%M} UTC", err=as_json)
    if as_json:
        typer.echo(json.dumps({"published": last.published.isoformat(), "run_id": last.run_id}))


@app.command(epilog=SERVE_EXAMPLES)
def serve(
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    at: AtOption = "02:30",
    timezone: ZoneOption = "Europe/London",
) -> None:
    """Keep the schedule in a Prefect server, and run the pipeline here until stopped."""
    from flows.orchestration.prefect_settings import apply_prefect_settings
    from flows.orchestration.systemd_schedule import Schedule, operator_name
    from pipeline.project import read_project
    from pipeline.workspace import Workspace

    schedule = Schedule(at, timezone, operator_name())
    project = read_project(config, workspace)
    apply_prefect_settings(Workspace.open(project.workspace).root / "orchestrator")
    from flows.orchestration.prefect_schedule import serve_schedule

    serve_schedule(project, config, workspace, schedule)
