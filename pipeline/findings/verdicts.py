"""Verdicts: which rates differ from those of the rest of their authority, and from a benchmark.

A verdict takes three things into account: how far chance moves a rate, how far noise and rounding may have
moved it, and how many comparisons the release makes. At 95% confidence, at most 5% of the differences found
are expected to be chance (false discovery rate). A group is compared with the authority without that group,
because a part always resembles the whole that it is in.
"""

import numpy as np
import pandas as pd

from pipeline.findings.rates import authority_of
from pipeline.findings.release_figures import ReleaseFigures
from pipeline.findings.statistics.change import judge
from pipeline.findings.statistics.multiplicity import adjusted_p_values, two_sided_p
from pipeline.statistics.interval import Numbers, confidence_level

#: Columns that `compare_with_area` adds.
AREA_COLUMNS = ("area_percent", "rest_percent", "area_p_value", "area_adjusted_p_value", "against_area")


def compare_with_area(rates: pd.DataFrame, release: ReleaseFigures, confidence: float = 0.95) -> pd.DataFrame:
    """Add AREA_COLUMNS: how each rate compares with the rest of its local authority.

    area_percent: the authority's rate of the same measure. rest_percent: the same without the group itself.
    against_area: better, similar or worse than the rest (higher or lower where a measure has no direction);
    "not compared" where a number is hidden, and for the authority's own rate.
    """
    whole = rates[(rates["area_level"] == "LAD") & (rates["dimension_1"] == "")]
    whole = whole.drop_duplicates(["measure", "area_code"]).set_index(["measure", "area_code"])
    keys = pd.MultiIndex.from_arrays([rates["measure"], authority_of(rates, release)])
    found = whole.reindex(keys)
    is_whole = ((rates["area_level"] == "LAD") & (rates["dimension_1"] == "")).to_numpy()
    given = rates["percent"].notna().to_numpy() & found["percent"].notna().to_numpy() & ~is_whole
    x, n = (rates[name].to_numpy(np.float64) for name in ("numerator", "denominator"))
    rest_x = found["numerator"].to_numpy(np.float64) - x
    rest_n = found["denominator"].to_numpy(np.float64) - n
    # Noise can make a group larger than the authority that it is in, where the rest is very small.
    given &= (rest_n > 0) & (rest_x >= 0) & (rest_x <= rest_n)
    x, n, rest_x, rest_n = (np.where(given, column, np.nan) for column in (x, n, rest_x, rest_n))
    variance = _variance_of_difference(x, n, rest_x, rest_n, release.count_variance)
    rates = rates.copy()
    rates["area_percent"] = np.where(is_whole, np.nan, found["percent"].to_numpy(np.float64))
    rates["rest_percent"] = 100 * rest_x / rest_n
    return _add_verdicts(rates, x / n - rest_x / rest_n, variance, "area", confidence)


def compare_with_reference(
    rates: pd.DataFrame, reference_percent: Numbers, count_variance: float, confidence: float = 0.95
) -> pd.DataFrame:
    """Add benchmark_p_value, benchmark_adjusted_p_value and against_benchmark, of a published figure.

    The test is the one that Wilson's interval belongs to: a rate is compared with the spread that it would
    have at the benchmark's rate, plus noise and rounding.
    """
    given = rates["percent"].notna().to_numpy() & ~np.isnan(reference_percent)
    rate = np.where(given, rates["percent"].to_numpy(np.float64) / 100, np.nan)
    n = np.where(given, rates["denominator"].to_numpy(np.float64), np.nan)
    reference = np.where(given, reference_percent / 100, np.nan)
    variance = reference * (1 - reference) / n + count_variance * (1 + rate**2) / n**2
    return _add_verdicts(rates.copy(), rate - reference, variance, "benchmark", confidence)


def _variance_of_difference(
    x: Numbers, n: Numbers, rest_x: Numbers, rest_n: Numbers, count_variance: float
) -> Numbers:
    """Variance of the rate of a group minus that of the rest, where the two do not differ in truth.

    The counts of the rest are those of the whole minus those of the group, so the noise of the group's
    counts is in both rates.
    """
    rate, rest_rate = x / n, rest_x / rest_n
    pooled = (x + rest_x) / (n + rest_n)
    chance = pooled * (1 - pooled) * (1 / n + 1 / rest_n)
    moved = (1 / n + 1 / rest_n) ** 2 + (rate / n + rest_rate / rest_n) ** 2
    moved += (1 + rest_rate**2) / rest_n**2
    return np.asarray(chance + count_variance * moved)


def _add_verdicts(
    rates: pd.DataFrame, difference: Numbers, variance: Numbers, name: str, confidence: float
) -> pd.DataFrame:
    p = two_sided_p(difference, np.where(variance > 0, variance, np.nan))
    adjusted = adjusted_p_values(p)
    rates[f"{name}_p_value"], rates[f"{name}_adjusted_p_value"] = p, adjusted
    rates[f"against_{name}"] = judged(difference, adjusted, rates["direction"], confidence)
    return rates


def judged(
    difference: Numbers, adjusted_p: Numbers, directions: pd.Series, confidence: float = 0.95
) -> list[str]:
    """Return the verdict on each difference: better, worse, higher, lower, similar, or not compared."""
    level = 1 - confidence_level(confidence)
    sides = np.where(difference > 0, "higher", "lower")
    sides = np.where(adjusted_p <= level, sides, "similar")
    sides = np.where(np.isnan(adjusted_p), "not compared", sides)
    return [judge(str(direction), str(side)) for direction, side in zip(directions, sides, strict=True)]
