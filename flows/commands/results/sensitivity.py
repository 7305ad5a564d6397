"""`hearth sensitivity`: how rates change with uncertain links and with other caps on household size."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.argument_types import AreaLevel
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.counted import counted
from governance.errors import Fault

EXAMPLES = """
Examples:

    hearth sensitivity --config sample_data/sample/hearth.toml --workspace workspace

    hearth sensitivity --table health_by_tenure --level MSOA21 --json

The figures come from exact counts of the last run. Use them only in the secure environment; do not publish. A
release states the linkage band of each percentage in its columns linkage_lower and linkage_upper.
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(sensitivity)


def sensitivity(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    table: Annotated[str | None, typer.Option(help="Show only this table; all tables if left out.")] = None,
    level: Annotated[
        AreaLevel, typer.Option(help="Area level: LSOA21, MSOA21 or LAD.", case_sensitive=False)
    ] = "LAD",
    as_json: JsonOption = False,
) -> None:
    """Show how each rate of the last run changes with uncertain links and with other household size caps.

    The linkage band is the range of the rate when uncertain links are left out or are all counted
    (docs/household-definition.md).
    """
    from flows.actions.workspace_reading import last_judged, reading_workspace
    from pipeline.aggregate.sensitivity import read_sensitivity
    from pipeline.engine.duckdb import locked_connection
    from pipeline.project import read_project

    project = read_project(config, workspace)
    with reading_workspace(project) as place, place.spill("sensitivity") as spill:
        folder = last_judged(project, place, place.zone("controlled"), "aggregate", "all")
        if folder is None:
            raise Fault(
                "NO_CELLS",
                "The workspace contains no counted tables, so there are no rates to show.",
                "Run `hearth run` first.",
            )
        with locked_connection(project.engine, spill) as connection:
            rates = read_sensitivity(connection, folder)
    rates = rates[(rates["area_level"] == level) & ((rates["table_id"] == table) | (table is None))]
    if rates.empty:
        raise Fault(
            "NO_SUCH_RATE",
            "The last run counted no rate in that table at that level.",
            "Run `hearth sensitivity` without --table to see every table that has rates.",
        )
    if as_json:
        typer.echo(rates.to_json(orient="records"))
        return
    typer.echo(rates.to_string(index=False, na_rep=""))
    widest = (rates["linkage_upper"] - rates["linkage_lower"]).max()
    typer.echo(
        f"{counted(len(rates), 'rate')} in percent. Widest linkage band: {widest:.1f} percentage points."
    )
    typer.echo(
        "These figures come from exact counts. Use them only in the secure environment; do not publish."
    )
