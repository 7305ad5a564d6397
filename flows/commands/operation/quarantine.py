"""`hearth quarantine`: what was set aside, where it stands in the supplier's file, and why."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from schemas.storage.zones import QUARANTINE

EXAMPLES = """
Examples:

    hearth quarantine --config hearth.toml

    hearth quarantine --table nhs_person --lines 50
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(quarantine)


def quarantine(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    table: Annotated[str | None, typer.Option(help="One extract table alone.")] = None,
    lines: Annotated[int, typer.Option(help="How many line numbers to show for each reason.", min=0)] = 5,
    as_json: JsonOption = False,
) -> None:
    """Count what the last run set aside, by table, column and reason, with line numbers and never a cell.

    A row without a column was rejected whole; one with a column was kept without that cell.
    """
    from flows.actions.workspace_reading import reading_workspace
    from pipeline.engine.tables import open_table
    from pipeline.project import read_project
    from schemas.storage.artefact_record import latest_artefact

    project = read_project(config, workspace)
    groups: list[dict[str, Any]] = []
    with reading_workspace(project) as place:
        for controller in ("council", "nhs"):
            folder = latest_artefact(place.zone("clear") / controller, "ingest", controller)
            for path in sorted((folder / QUARANTINE).glob("*.parquet")) if folder else []:
                if table not in (None, path.stem):
                    continue
                with open_table(path, ["line_number", "column_name", "reason"]) as reader:
                    frame = reader.read_pandas()
                for (column, reason), noted in frame.groupby(["column_name", "reason"], dropna=False):
                    groups.append(
                        {
                            "table": path.stem,
                            "column": column if isinstance(column, str) else None,
                            "reason": reason,
                            "count": len(noted),
                            "lines": [int(n) for n in noted["line_number"].sort_values().head(lines)],
                        }
                    )
    if as_json:
        typer.echo(json.dumps(groups))
        return
    if not groups:
        typer.echo("Nothing is in quarantine.")
    for group in groups:
        what = "row" if group["column"] is None else f"cell of {group['column']}"
        shown = ", ".join(str(n) for n in group["lines"])
        typer.echo(f"{group['table']}: {group['count']:,} x {group['reason']} ({what}), lines {shown}")
