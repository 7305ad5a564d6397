"""Benchmarks: published figures, of England or of another area, that rates are compared with.

A benchmark file is CSV. `schemas/benchmarks/england.csv` comes with Hearth (Census 2021 and IMD 2025, Open
Government Licence v3); an analyst may use another. It should contain only measures with the same definition.

| column | meaning |
|---|---|
| measure | a registered measure |
| dimension, category | the category that the figure describes, or both empty for everyone |
| numerator, denominator | counts, both above zero |
| area, period, source | what the figure describes, in words |
"""

from collections.abc import Hashable, Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from governance.errors import Fault
from pipeline.findings.verdicts import compare_with_reference
from schemas.dimension import dimensions
from schemas.measure import measures

COLUMNS = ("measure", "dimension", "category", "numerator", "denominator", "area", "period", "source")
_WORDS = ("measure", "dimension", "category", "area", "period", "source")


def read_benchmark(path: Path | None = None) -> pd.DataFrame:
    """Return the rows of a benchmark file; without a path, of the file that comes with Hearth.

    Raises Fault with every fault of the file.
    """
    packed = files("schemas") / "benchmarks" / "england.csv"
    try:
        text = packed.open("rb") if path is None else path.open("rb")
        with text as source:
            rows = pd.read_csv(source, dtype=dict.fromkeys(_WORDS, "str"), keep_default_na=False)
    except (OSError, ValueError):
        raise _invalid(["it cannot be read as CSV in UTF-8"]) from None
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise _invalid([f"column {name} is missing" for name in missing])
    faults = [
        fault for line, row in enumerate(rows.to_dict("records"), start=2) for fault in _faults(line, row)
    ]
    if rows.duplicated(["measure", "dimension", "category"]).any():
        faults.append("a measure appears twice for one category")
    if faults:
        raise _invalid(faults)
    return rows.astype({"numerator": np.float64, "denominator": np.float64})


def compare_with_benchmark_file(
    rates: pd.DataFrame, benchmark: pd.DataFrame, count_variance: float = 0.0, confidence: float = 0.95
) -> pd.DataFrame:
    """Add benchmark_percent and benchmark_area, and the columns of `compare_with_reference`.

    A rate of one category is compared with the benchmark of that category, and a rate without a category
    with that of everyone. Rates by two dimensions are not compared.
    """
    known = benchmark.assign(percent=100 * benchmark["numerator"] / benchmark["denominator"])
    known = known.set_index(["measure", "dimension", "category"])
    keys = pd.MultiIndex.from_arrays(
        [
            rates["measure"],
            rates["dimension_1"],
            rates["category_1"].where(rates["dimension_2"] == "", "(of two dimensions)"),
        ]
    )
    rates = rates.copy()
    rates["benchmark_percent"] = known["percent"].reindex(keys).to_numpy(np.float64)
    rates["benchmark_area"] = known["area"].reindex(keys).to_numpy()
    percent = rates["benchmark_percent"].to_numpy(np.float64)
    return compare_with_reference(rates, percent, count_variance, confidence)


def _faults(line: int, row: Mapping[Hashable, object]) -> list[str]:
    found = []
    if row["measure"] not in measures():
        found.append(f"line {line}: the measure is not registered")
    dimension = dimensions().get(str(row["dimension"]))
    if row["dimension"] and dimension is None:
        found.append(f"line {line}: the dimension is not registered")
    elif (dimension is None) != (not row["category"]):
        found.append(f"line {line}: fill in both dimension and category, or neither")
    elif dimension is not None and row["category"] not in dimension.categories:
        found.append(f"line {line}: the category is not one of the dimension")
    try:
        numerator, denominator = float(str(row["numerator"])), float(str(row["denominator"]))
    except ValueError:
        return [*found, f"line {line}: numerator and denominator must be numbers"]
    if not 0 < numerator < denominator < float("inf"):
        found.append(f"line {line}: the numerator must be above zero and below the denominator")
    return found


def _invalid(faults: list[str]) -> Fault:
    listed = "; ".join(faults[:10]) + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
    return Fault(
        "BENCHMARK_INVALID",
        f"The benchmark file has {len(faults)} {'fault' if len(faults) == 1 else 'faults'}: {listed}.",
        "Correct the file; schemas/benchmarks/england.csv is an example.",
    )
