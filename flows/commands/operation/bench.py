"""`hearth bench`: measure speed and memory on this machine."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.actions import benchmark
from flows.commands.operation.run import JsonOption

EXAMPLES = """
Examples:

    hearth bench

    hearth bench night --households 100000
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command in a checkout. An installed package has no benchmarks, so it has no such command."""
    if benchmark.FOLDER.is_dir():
        app.command(epilog=EXAMPLES)(bench)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks to run; all of them if none is named.")
    ] = None,
    households: Annotated[
        int, typer.Option(help="Number of synthetic households in the larger case.", min=1000)
    ] = 100_000,
    folder: Annotated[
        Path | None, typer.Option(help="Folder to work in; a temporary folder if left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure speed and memory on this machine.

    Compare ratios, not times: both sides are measured in the same run.
    """
    measured: dict[str, list[benchmark.Figure]] = {}
    for name in names or benchmark.benchmark_names():
        measure = benchmark.load_benchmark(name)
        with tempfile.TemporaryDirectory(prefix="hearth-bench-", dir=folder) as work:
            measured[name] = measure(households, Path(work))
        typer.echo(f"{name} ({households:,} households)", err=as_json)
        for figure in measured[name]:
            target = f"   (target: {figure.target})" if figure.target else ""
            typer.echo(f"  {figure.what:<52} {figure.value:>12,.2f} {figure.unit}{target}", err=as_json)
    if as_json:
        typer.echo(json.dumps({name: [asdict(f) for f in figures] for name, figures in measured.items()}))
