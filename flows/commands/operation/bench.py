"""`hearth bench`: speed and memory, measured here and now."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.operation.run import JsonOption

EXAMPLES = """
Examples:

    hearth bench

    hearth bench night --households 100000
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(bench)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which benchmarks; all when none is named.")
    ] = None,
    households: Annotated[
        int, typer.Option(help="Synthetic households of the larger size.", min=1000)
    ] = 100_000,
    folder: Annotated[
        Path | None, typer.Option(help="Where to work; a temporary folder when left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure speed and memory; ratios are taken within one run, so a busy machine blurs them least."""
    from flows.actions.benchmark import Figure, benchmark_names, load_benchmark

    measured: dict[str, list[Figure]] = {}
    for name in names or benchmark_names():
        measure = load_benchmark(name)
        with tempfile.TemporaryDirectory(prefix="hearth-bench-", dir=folder) as work:
            measured[name] = measure(households, Path(work))
        typer.echo(f"{name} ({households:,} households)", err=as_json)
        for figure in measured[name]:
            held = f"   (held to {figure.target})" if figure.target else ""
            typer.echo(f"  {figure.what:<52} {figure.value:>12,.2f} {figure.unit}{held}", err=as_json)
    if as_json:
        typer.echo(json.dumps({name: [asdict(f) for f in figures] for name, figures in measured.items()}))
