"""`hearth schedule`: nights that start by themselves, and somebody who hears when one does not."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.argument_types import a_time_of_day, a_time_zone
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

app = typer.Typer(
    name="schedule",
    no_args_is_help=True,
    help="Nights that start by themselves: systemd timers, or a schedule in Prefect; and an alarm.",
)
AtOption = Annotated[
    str, typer.Option("--at", help="Time of day, HH:MM.", parser=a_time_of_day, metavar="HH:MM")
]
ZoneOption = Annotated[str, typer.Option("--timezone", help="Whose time of day that is.", parser=a_time_zone)]
_CONFIG = Path("hearth.toml")

WRITE_EXAMPLES = """
Example:

    hearth schedule write --config hearth.toml --at 02:30 --on-failure /usr/local/bin/tell --out units

    sudo cp units/hearth-* /etc/systemd/system/ && sudo systemctl daemon-reload

    sudo systemctl enable --now hearth-my-project.timer hearth-my-project-overdue.timer

`systemctl list-timers` then shows the next night, `systemctl --failed` one that was not published. A night
has no network unless --network gives it one, and can write to its workspace alone.
"""

CHECK_EXAMPLES = """
Example:

    hearth schedule check --config hearth.toml --hours 26

Exit code: 0 published lately, 1 not. Let a monitor call it, or the timer that `hearth schedule write` makes.
"""

SERVE_EXAMPLES = """
Example, beside a Prefect server of your own:

    PREFECT_API_URL=http://127.0.0.1:4200/api hearth schedule serve --config hearth.toml --at 02:30

It stays in the foreground: start it as a service. Prefect is given the paths of hearth.toml and workspace,
and no table, key or identifier; a second night is cancelled while one is under way.
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
        str | None, typer.Option(help="Account that nights run under. [default: your own]")
    ] = None,
    on_failure: Annotated[
        Path | None,
        typer.Option(help="A programme to call with the name of a unit that failed.", dir_okay=False),
    ] = None,
    hours: Annotated[int, typer.Option(help="Hours without a release until the alarm.", min=1)] = 26,
    network: Annotated[
        bool, typer.Option("--network", help="Let nights use the network (keys in Vault or AWS).")
    ] = False,
) -> None:
    """Write systemd service and timer files: one night a day, and an hourly look whether it published."""
    from flows.orchestration.systemd_schedule import Schedule, operator_name, write_units
    from pipeline.project import read_project

    told = None if on_failure is None else on_failure.absolute()
    schedule = Schedule(at, timezone, user or operator_name(), told, network, hours)
    for path in write_units(read_project(config, workspace), config, schedule, out):
        typer.echo(str(path))


@app.command(epilog=CHECK_EXAMPLES)
def check(
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    hours: Annotated[int, typer.Option(help="Hours without a release that are allowed.", min=1)] = 26,
    as_json: JsonOption = False,
) -> None:
    """Say when a release was last published, and fail when that is too long ago."""
    import json

    from flows.orchestration.systemd_schedule import check_published_lately
    from pipeline.project import read_project

    last = check_published_lately(read_project(config, workspace).workspace, hours)
    assert last.published is not None  # noqa: S101 else the check raised
    typer.echo(f"Last published {last.published:%Y-%m-%d %H:%M} UTC", err=as_json)
    if as_json:
        typer.echo(json.dumps({"published": last.published.isoformat(), "run_id": last.run_id}))


@app.command(epilog=SERVE_EXAMPLES)
def serve(
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    at: AtOption = "02:30",
    timezone: ZoneOption = "Europe/London",
) -> None:
    """Keep the schedule in Prefect, and carry out its nights here until stopped."""
    from flows.orchestration.prefect_settings import apply_prefect_settings
    from flows.orchestration.systemd_schedule import Schedule, operator_name
    from pipeline.project import read_project
    from pipeline.workspace import Workspace

    schedule = Schedule(at, timezone, operator_name())
    project = read_project(config, workspace)
    apply_prefect_settings(Workspace.open(project.workspace).root / "orchestrator")
    from flows.orchestration.prefect_schedule import serve_schedule

    serve_schedule(project, config, workspace, schedule)
