"""`hearth quarantine`: which rows and cells of the extracts were set aside, on which lines, and why."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.counted import counted
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
    table: Annotated[str | None, typer.Option(help="Show only this extract table.")] = None,
    lines: Annotated[int, typer.Option(help="Number of line numbers to show for each reason.", min=0)] = 5,
    as_json: JsonOption = False,
) -> None:
    """Count what the last run set aside, by table, column and reason, with line numbers.

    If a column is named, the row was kept without that cell; if not, the whole row was rejected. The
    content of a cell is never shown.
    """
    from flows.actions.workspace_reading import last_judged, reading_workspace
    from pipeline.engine.tables import open_table
    from pipeline.project import read_project

    project = read_project(config, workspace)
    groups: list[dict[str, Any]] = []
    with reading_workspace(project) as place:
        for controller in ("council", "nhs"):
            folder = last_judged(project, place, place.zone("clear") / controller, "ingest", controller)
            for path in sorted((folder / QUARANTINE).glob("*.parquet")) if folder else []:
                if table not in (None, path.stem):
                    continue
                with open_table(path, ["line_number", "column_name", "reason"]) as reader:
                    frame = reader.read_pandas()
                for (column, reason), rows in frame.groupby(["column_name", "reason"], dropna=False):
                    groups.append(
                        {
                            "table": path.stem,
                            "column": column if isinstance(column, str) else None,
                            "reason": reason,
                            "count": len(rows),
                            "lines": [int(n) for n in rows["line_number"].sort_values().head(lines)],
                        }
                    )
    if as_json:
        typer.echo(json.dumps(groups))
        return
    if not groups:
        typer.echo("Quarantine is empty: no row and no cell was set aside.")
    for group in groups:
        what = (
            f"{counted(group['count'], 'row')} rejected"
            if group["column"] is None
            else f"{counted(group['count'], 'cell')} of {group['column']} left out"
        )
        lines_shown = ", ".join(str(n) for n in group["lines"])
        where = f"; first lines: {lines_shown}" if lines_shown else ""
        typer.echo(f"{group['table']}: {what} ({group['reason']}){where}")
