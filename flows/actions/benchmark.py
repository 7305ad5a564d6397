"""Benchmarks. All figures are measured on one machine in the same run, so their ratios can be compared.

A benchmark is a file `tests/benchmarks/bench_<name>.py` of the checkout, with a
docstring and one function `measure(households: int, folder: Path) -> list[Figure]`.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from governance.errors import Fault

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "benchmarks"


@dataclass(frozen=True)
class Figure:
    """One measured number, its unit ("s", "MiB", "ratio", "rows/s") and its target."""

    what: str
    value: float
    unit: str
    target: str = ""


Measure = Callable[[int, Path], list[Figure]]


def benchmark_names() -> list[str]:
    """Return the names of the benchmarks in this checkout."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def load_benchmark(name: str) -> Measure:
    """Return a benchmark's `measure`. Raises Fault if no benchmark has that name."""
    path = FOLDER / f"bench_{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise Fault(
            "NO_SUCH_BENCHMARK",
            "No benchmark has that name.",
            f"Use `hearth bench NAME` with one of: {', '.join(benchmark_names())}.",
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    measure: Measure = module.measure
    return measure
