"""Benchmarks: published figures, of England or of another area, that rates and shares are compared with.

A benchmark file is CSV. `schemas/benchmarks/england.csv` comes with Hearth (Census 2021 and IMD 2025, Open
Government Licence v3), and `schemas/benchmarks/README.md` is the form for an analyst's own file.

| column | meaning |
|---|---|
| measure | a registered measure |
| dimension, category | the category that the figure describes, or both empty for everyone |
| numerator, denominator | counts, both above zero; empty where `percent` is filled in |
| percent | where only a percentage is published; the column may be left out |
| area, period, source | what the figure describes, in words |
| definition | who is counted, in words; the column may be left out |
| comparable | yes, or no where the definition differs from Hearth's; "yes" where left out |

The figure of a measure without a numerator of its own (households, residents) is the share of all households
or residents who are in the category.
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
#: Columns that a file may leave out, with the value that every row then has.
OPTIONAL = {"percent": "", "definition": "", "comparable": "yes"}
KEY = ("measure", "dimension", "category")


def read_benchmark(path: Path | None = None) -> pd.DataFrame:
    """Return the rows of a benchmark file, with `percent` filled in and `is_comparable`.

    Without a path: the file that comes with Hearth. Raises Fault with every fault of the file.
    """
    packed = files("schemas") / "benchmarks" / "england.csv"
    try:
        text = packed.open("rb") if path is None else path.open("rb")
        with text as source:
            rows = pd.read_csv(source, dtype="str", keep_default_na=False)
    except (OSError, ValueError):
        raise _invalid(["it cannot be read as CSV in UTF-8"]) from None
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise _invalid([f"column {name} is missing" for name in missing])
    for name, usual in OPTIONAL.items():
        if name not in rows.columns:
            rows[name] = usual
    rows["comparable"] = rows["comparable"].replace("", "yes")
    faults = [
        fault for line, row in enumerate(rows.to_dict("records"), start=2) for fault in _faults(line, row)
    ]
    if rows.duplicated(list(KEY)).any():
        faults.append("a measure appears twice for one category")
    if faults:
        raise _invalid(faults)
    for name in ("numerator", "denominator", "percent"):
        rows[name] = pd.to_numeric(rows[name].replace("", None)).astype(np.float64)
    rows["percent"] = rows["percent"].fillna(100 * rows["numerator"] / rows["denominator"])
    return rows.assign(is_comparable=rows["comparable"] == "yes")


def compare_with_benchmark_file(
    rates: pd.DataFrame, benchmark: pd.DataFrame, count_variance: float = 0.0, confidence: float = 0.95
) -> pd.DataFrame:
    """Add benchmark_percent, benchmark_area, benchmark_is_comparable and those of `compare_with_reference`.

    A rate of one category is compared with the benchmark of that category, and a rate without a category
    with that of everyone. Rates by two dimensions are not compared. Where the benchmark has another
    definition, its figure is shown and there is no verdict.
    """
    known = benchmark.set_index(list(KEY))
    keys = pd.MultiIndex.from_arrays(
        [
            rates["measure"],
            rates["dimension_1"],
            rates["category_1"].where(rates["dimension_2"] == "", "(of two dimensions)"),
        ]
    )
    found = known.reindex(keys)
    rates = rates.copy()
    percent = found["percent"].to_numpy(np.float64)
    is_comparable = found["is_comparable"].to_numpy() == np.True_
    rates["benchmark_percent"] = percent
    rates["benchmark_area"] = found["area"].to_numpy()
    rates["benchmark_is_comparable"] = is_comparable
    return compare_with_reference(rates, np.where(is_comparable, percent, np.nan), count_variance, confidence)


def benchmarks_of(rates: pd.DataFrame, benchmark: pd.DataFrame) -> pd.DataFrame:
    """Return each published benchmark next to the authority's own figure, with both definitions.

    rates: those of `compare_with_benchmark_file`, and the shares of `profile_of`.
    """
    whole = rates[(rates["area_level"] == "LAD") & (rates["dimension_2"] == "") & rates["percent"].notna()]
    own = whole.rename(columns={"dimension_1": "dimension", "category_1": "category"})
    own = own.drop_duplicates(["area_code", *KEY])
    kept = ["title", "area_code", *KEY, "percent", "lower", "upper", "protection_margin", "against_benchmark"]
    shown = own[kept].merge(
        benchmark.rename(columns={"percent": "benchmark_percent", "area": "benchmark_area"}),
        on=list(KEY),
        how="inner",
    )
    shown["definition_here"] = [measures()[name].source for name in shown["measure"]]
    names = [*kept, "benchmark_percent", "benchmark_area", "period", "is_comparable"]
    return shown[[*names, "definition_here", "definition", "source"]]


def _faults(line: int, row: Mapping[Hashable, str]) -> list[str]:
    found = []
    measure = measures().get(row["measure"])
    if measure is None:
        found.append(f"line {line}: the measure is not registered")
    dimension = dimensions().get(row["dimension"])
    if row["dimension"] and dimension is None:
        found.append(f"line {line}: the dimension is not registered")
    elif (dimension is None) != (not row["category"]):
        found.append(f"line {line}: fill in both dimension and category, or neither")
    elif dimension is not None and row["category"] not in dimension.categories:
        found.append(f"line {line}: the category is not one of the dimension")
    elif measure is not None and measure.count is None and dimension is None:
        found.append(f"line {line}: the share of a measure of everyone needs a dimension and a category")
    if row["comparable"] not in ("yes", "no"):
        found.append(f"line {line}: comparable is yes or no")
    return found + _faults_of_numbers(line, row)


def _faults_of_numbers(line: int, row: Mapping[Hashable, str]) -> list[str]:
    counts = (row["numerator"], row["denominator"])
    if bool(row["percent"]) == any(counts):
        return [f"line {line}: fill in numerator and denominator, or percent, and not both"]
    try:
        numerator, denominator = map(float, counts if any(counts) else (row["percent"], "100"))
    except ValueError:
        return [f"line {line}: numerator and denominator must be numbers"]
    if not 0 < numerator < denominator < float("inf"):
        return [f"line {line}: the numerator must be above zero and below the denominator"]
    return []


def _invalid(faults: list[str]) -> Fault:
    listed = "; ".join(faults[:10]) + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
    return Fault(
        "BENCHMARK_INVALID",
        f"The benchmark file has {len(faults)} {'fault' if len(faults) == 1 else 'faults'}: {listed}.",
        "Correct the file; schemas/benchmarks/england.csv is an example.",
    )
