"""Benchmarks: figures measured on this machine in one run, so that their ratios can be trusted.

A benchmark is a file `tests/benchmarks/bench_<name>.py` of the checkout with a
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
    """One measured number, its unit ("s", "MiB", "ratio", "rows/s") and the target it is held to."""

    what: str
    value: float
    unit: str
    target: str = ""


Measure = Callable[[int, Path], list[Figure]]


def benchmark_names() -> list[str]:
    """Return the names of the benchmarks in this checkout."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def load_benchmark(name: str) -> Measure:
    """Return a benchmark's `measure`; raises Fault where there is none of that name."""
    path = FOLDER / f"bench_{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise Fault(
            "NO_SUCH_BENCHMARK",
            f"There is no benchmark of that name among {len(benchmark_names())}.",
            f"Name one of: {', '.join(benchmark_names()) or 'none; benchmarks are part of the checkout'}.",
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    measure: Measure = module.measure
    return measure
