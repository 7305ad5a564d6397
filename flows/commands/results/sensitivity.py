"""`hearth sensitivity`: what uncertain links and other caps on household size would make of each rate."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.argument_types import AreaLevel
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.errors import Fault

EXAMPLES = """
Examples:

    hearth sensitivity --config sample_data/sample/hearth.toml --workspace workspace

    hearth sensitivity --table health_by_tenure --level MSOA21 --json

It is made of exact counts of the last run: for the secure environment, not for publication.
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(sensitivity)


def sensitivity(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    table: Annotated[str | None, typer.Option(help="One registered table; all when left out.")] = None,
    level: Annotated[
        AreaLevel, typer.Option(help="Area level: LSOA21, MSOA21 or LAD.", case_sensitive=False)
    ] = "LAD",
    as_json: JsonOption = False,
) -> None:
    """Give each rate of the last run with its band of linkage uncertainty and under other household caps.

    The band holds the rate by a strict and an inclusive account of the doubtful links
    (docs/household-definition.md).
    """
    from flows.actions.workspace_reading import reading_workspace
    from pipeline.aggregate.sensitivity import read_sensitivity
    from pipeline.engine.duckdb import locked_connection
    from pipeline.project import read_project
    from schemas.storage.artefact_record import latest_artefact

    project = read_project(config, workspace)
    with reading_workspace(project) as place, place.spill("sensitivity") as spill:
        folder = latest_artefact(place.zone("controlled"), "aggregate", "all")
        if folder is None:
            raise Fault("NO_CELLS", "The workspace holds no counted tables.", "Run `hearth run` first.")
        with locked_connection(project.engine, spill) as connection:
            rates = read_sensitivity(connection, folder)
    rates = rates[(rates["area_level"] == level) & ((rates["table_id"] == table) | (table is None))]
    if rates.empty:
        raise Fault(
            "NO_SUCH_RATE",
            "The last run counted no such rate.",
            "Leave --table out to see which tables it has.",
        )
    if as_json:
        typer.echo(rates.to_json(orient="records"))
        return
    typer.echo(rates.to_string(index=False, na_rep=""))
    moved = (rates["linkage_upper"] - rates["linkage_lower"]).max()
    typer.echo(f"{len(rates):,} rates in percent; the widest linkage band is {moved:.1f} points.")
    typer.echo("Exact counts are behind these figures: for the secure environment, not for publication.")
