"""Slope and relative index of inequality of every rate that a release has by IMD decile or quintile."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipeline.findings.statistics.inequality import InequalityIndices, QuantileValues, inequality_indices
from pipeline.statistics.interval import wilson_interval
from schemas.dimension import UNKNOWN, dimensions

#: Dimensions that rank people by the deprivation of their area, 1 the most deprived.
RANKED = ("imd_decile", "imd_quintile")
COLUMNS = (
    "measure",
    "title",
    "direction",
    "table_id",
    "area_level",
    "area_code",
    "over",
    "is_age_standardised",
    "quantiles",
    "sii",
    "sii_lower",
    "sii_upper",
    "rii",
    "rii_lower",
    "rii_upper",
    "finding",
)


def inequality_of(rates: pd.DataFrame, standardised: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Return one row per measure, area and ranked dimension: both indices with their simulated limits.

    sii: the rate at the least deprived end minus that at the most deprived end, in percentage points (for an
    age-standardised rate: per 1,000); negative where the most deprived areas have the higher rate.
    rii: the ratio of the two. Where a quantile is hidden, both are NaN and `finding` has the reason, because
    an index needs every quantile.
    """
    found = [*_of_proportions(rates, confidence), *_of_standardised(standardised, confidence)]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _of_proportions(rates: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    chosen = rates[rates["dimension_1"].isin(RANKED) & (rates["dimension_2"] == "")]
    keys = ["table_id", "measure", "title", "direction", "area_level", "area_code", "dimension_1"]
    for key, group in chosen.groupby(keys, sort=True):
        labels = dict(zip(keys, key, strict=True)) | {"over": key[-1], "is_age_standardised": False}
        inhabited = _inhabited(group, "category_1", "denominator")
        missing = _missing(inhabited["percent"], str(key[-1]))
        if missing:
            yield _row(labels, len(inhabited), None, missing)
            continue
        x, n = (inhabited[name].to_numpy(np.float64) for name in ("numerator", "denominator"))
        limits = wilson_interval(x, n)
        values = QuantileValues(
            inhabited["rank"].to_numpy(),
            n,
            value_type="proportion",
            x=x,
            lower_cl=limits.lower,
            upper_cl=limits.upper,
        )
        indices = inequality_indices(values, confidence=confidence)
        yield _row(labels, len(inhabited), indices, "", scale=100)


def _of_standardised(standardised: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    chosen = standardised[standardised["dimension"].isin(RANKED)]
    keys = ["table_id", "measure", "title", "direction", "area_level", "area_code", "dimension"]
    for key, group in chosen.groupby(keys, sort=True):
        labels = dict(zip(keys, key, strict=True)) | {"over": key[-1], "is_age_standardised": True}
        inhabited = _inhabited(group, "category", "population")
        missing = _missing(inhabited["rate"], str(key[-1]))
        if missing:
            yield _row(labels, len(inhabited), None, missing)
            continue
        columns = {name: inhabited[name].to_numpy(np.float64) for name in ("rate", "lower_95", "upper_95")}
        values = QuantileValues(
            inhabited["rank"].to_numpy(),
            inhabited["population"].to_numpy(np.float64),
            columns["rate"],
            "rate",
            lower_cl=columns["lower_95"],
            upper_cl=columns["upper_95"],
        )
        indices = inequality_indices(values, confidence=confidence)
        yield _row(labels, len(inhabited), indices, "")


def _inhabited(group: pd.DataFrame, category: str, population: str) -> pd.DataFrame:
    """Return the quantiles that have people, by rank; a quantile with a hidden number has people."""
    kept = group[(group[category] != UNKNOWN) & (group[population].fillna(1) > 0)]
    return kept.assign(rank=kept[category].astype(int)).sort_values("rank")


def _missing(values: pd.Series, dimension: str) -> str:
    quantiles = len(dimensions()[dimension].categories) - 1
    if values.isna().any():
        return f"not calculated: {int(values.isna().sum())} of {len(values)} quantiles hidden"
    if len(values) < 5 or (dimension == "imd_quintile" and len(values) < quantiles):
        return f"not calculated: 5 quantiles with people are needed, {len(values)} found"
    return ""


def _row(
    labels: dict[str, Any], quantiles: int, indices: InequalityIndices | None, missing: str, scale: float = 1
) -> dict[str, Any]:
    unknown = (np.nan, np.nan, np.nan)
    sii = unknown if indices is None else tuple(scale * value for value in indices.slope)
    rii = unknown if indices is None else tuple(indices.relative)
    return labels | {
        "quantiles": quantiles,
        "sii": sii[0],
        "sii_lower": sii[1],
        "sii_upper": sii[2],
        "rii": rii[0],
        "rii_lower": rii[1],
        "rii_upper": rii[2],
        "finding": missing or _in_words(sii[1], sii[2]),
    }


def _in_words(lower: float, upper: float) -> str:
    if upper < 0:
        return "higher among the most deprived"
    if lower > 0:
        return "higher among the least deprived"
    return "no gradient shown"
