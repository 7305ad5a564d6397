"""`hearth measures`: the catalogue of measures, and a check of a new pack."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.operation.run import JsonOption
from governance.counted import counted
from governance.errors import Fault

app = typer.Typer(no_args_is_help=True, help="List the measures, and check a new pack of measures.")

CHECK_EXAMPLES = """
Example:

    hearth measures check my_pack.yaml

If the pack passes, put it in schemas/measures and its tables in schemas/tables. No code is needed.
"""


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app, name="measures")


@app.command(name="list", epilog="Example:\n\n    hearth measures list --pack work_and_health")
def list_measures(
    pack: Annotated[str | None, typer.Option(help="Show only this pack.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List every measure with its pack, what it counts, its source and the tables that contain it.

    Means and percentiles follow, each with the count that it is calculated over.
    """
    from schemas.magnitude import magnitudes
    from schemas.measure import measures
    from schemas.table import tables

    tables_of: dict[str, list[str]] = {}
    for table in tables().values():
        for name in table.measures:
            tables_of.setdefault(name, []).append(table.table_id)
    chosen = [m for m in measures().values() if pack in (None, m.pack)]
    if not chosen:
        packs = sorted({m.pack for m in measures().values()})
        raise Fault("NO_SUCH_PACK", "No pack has that name.", f"Use --pack with one of: {', '.join(packs)}.")
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "measure": m.name,
                        "pack": m.pack,
                        "title": m.title,
                        "unit": m.unit,
                        "direction": m.direction,
                        "sensitive": m.sensitive,
                        "period": m.period,
                        "source": m.source,
                        "example": m.example,
                        "dimensions": m.dimensions,
                        "tables": tables_of.get(m.name, []),
                    }
                    for m in chosen
                ]
            )
        )
        return
    for measure in chosen:
        marks = f"{measure.unit}, {measure.direction}" + (", sensitive" if measure.sensitive else "")
        typer.echo(f"{measure.name}  [{measure.pack}]  {measure.title} ({marks})")
        typer.echo(
            f"    source: {measure.source}; tables: {', '.join(tables_of.get(measure.name, [])) or 'none'}"
        )
    for magnitude in magnitudes().values() if pack is None else ():
        found = [table.table_id for table in tables().values() if magnitude.name in table.magnitudes]
        typer.echo(f"{magnitude.name}  [{magnitude.kind} over {magnitude.among}]  {magnitude.title}")
        typer.echo(f"    source: {magnitude.source}; tables: {', '.join(found) or 'none'}")


@app.command(epilog=CHECK_EXAMPLES)
def check(
    file: Annotated[Path, typer.Argument(help="A pack as YAML.", exists=True, dir_okay=False)],
) -> None:
    """Check a pack of measures and list every fault in it. Nothing is changed."""
    from schemas.measure import measures, parse_pack
    from schemas.strict_yaml import DefinitionInvalid

    try:
        found = parse_pack(file.stem, file.read_text("utf-8"))
    except DefinitionInvalid as error:
        raise Fault(
            "DEFINITION_INVALID",
            f"{file.name} has {counted(len(error.faults), 'fault')}:\n  - " + "\n  - ".join(error.faults),
            f"Correct the file, then run `hearth measures check {file}` again. "
            "The packs in schemas/measures are examples.",
        ) from None
    known = sorted({m.name for m in found} & {m.name for m in measures().values() if m.pack != file.stem})
    if known:
        raise Fault(
            "DEFINITION_INVALID",
            f"Another pack already has {'a measure' if len(known) == 1 else 'measures'} of this name: "
            f"{', '.join(known)}.",
            "Choose other names, then run the check again. `hearth measures list` shows the names in use.",
        )
    typer.echo(f"{file.name}: {counted(len(found), 'measure')}, no faults.")
