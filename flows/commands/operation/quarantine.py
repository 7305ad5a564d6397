"""`hearth quarantine`: which rows and cells of the extracts were set aside, on which lines, and why."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.counted import counted
from governance.errors import HearthError
from governance.small_group import is_other, other
from schemas.storage.zones import QUARANTINE

EXAMPLES = """
Examples:

    hearth quarantine --config hearth.toml

    hearth quarantine --table nhs_person --lines 50

    hearth quarantine --small-groups
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(quarantine)


def quarantine(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    table: Annotated[str | None, typer.Option(help="Show only this extract table.")] = None,
    lines: Annotated[int, typer.Option(help="Number of line numbers to show for each reason.", min=0)] = 5,
    small_groups: Annotated[
        bool,
        typer.Option(
            "--small-groups",
            help="Name the reasons of a few records too. For the data team that has the extract; do not pass "
            "the output on.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Count what the last run set aside, by table, column and reason, with line numbers.

    If a column is named, the row was kept without that cell; if not, the whole row was rejected. The
    content of a cell is never shown. Reasons of fewer records than the agreement's minimum are shown
    together, unless you give --small-groups.
    """
    from flows.actions.workspace_reading import last_judged, reading_workspace
    from pipeline.engine.tables import open_table
    from pipeline.project import read_project

    project = read_project(config, workspace)
    minimum = 0 if small_groups else _minimum(project.agreement)
    groups: list[dict[str, Any]] = []
    with reading_workspace(project) as place:
        for controller in ("council", "nhs"):
            folder = last_judged(project, place, place.zone("clear") / controller, "ingest", controller)
            for path in sorted((folder / QUARANTINE).glob("*.parquet")) if folder else []:
                if table not in (None, path.stem):
                    continue
                with open_table(path, ["line_number", "column_name", "reason"]) as reader:
                    frame = reader.read_pandas()
                found = [
                    {
                        "table": path.stem,
                        "column": column if isinstance(column, str) else None,
                        "reason": reason,
                        "count": len(rows),
                        "lines": [int(n) for n in rows["line_number"].sort_values()],
                    }
                    for (column, reason), rows in frame.groupby(["column_name", "reason"], dropna=False)
                ]
                groups += merge_small_groups(found, minimum)
    for group in groups:
        group["lines"] = group["lines"][:lines]
    if as_json:
        typer.echo(json.dumps(groups))
        return
    if not groups:
        typer.echo("Quarantine is empty: no row and no cell was set aside.")
    for group in groups:
        what = (
            f"{counted(group['count'], 'row')} rejected"
            if group["column"] is None
            else f"{counted(group['count'], 'cell')} left out"
            if is_other(group["column"])
            else f"{counted(group['count'], 'cell')} of {group['column']} left out"
        )
        lines_shown = ", ".join(str(n) for n in group["lines"])
        where = f"; first lines: {lines_shown}" if lines_shown else ""
        typer.echo(f"{group['table']}: {what} ({group['reason']}){where}")


def merge_small_groups(groups: list[dict[str, Any]], minimum: int) -> list[dict[str, Any]]:
    """Return the groups of one table, with those of fewer than `minimum` records merged.

    They become at most two groups, one of rows and one of cells, with the lines of all their records.
    """
    kept = [group for group in groups if group["count"] >= minimum]
    small: dict[bool, dict[str, Any]] = {}
    for group in groups:
        if group["count"] < minimum:
            is_row = group["column"] is None
            name = other(minimum)
            empty = group | {"column": None if is_row else name, "reason": name, "count": 0, "lines": []}
            merged = small.setdefault(is_row, empty)
            merged["count"] += group["count"]
            merged["lines"] = sorted(merged["lines"] + group["lines"])
    return [*kept, *small.values()]


def _minimum(agreement: Path) -> int:
    """Return the agreement's minimum; the lowest that any agreement may have, if it cannot be read."""
    from governance.agreement.agreement import read_agreement
    from governance.agreement.terms import Thresholds

    try:
        return read_agreement(agreement).thresholds.minimum_cell_count
    except HearthError:
        return Thresholds().minimum_cell_count
