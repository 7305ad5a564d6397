"""Slope and relative index of inequality of every rate that a release gives over IMD deciles or quintiles."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipeline.findings.statistics.inequality import InequalityIndices, inequality_indices
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

    sii: percentage points (of an age-standardised rate: per 1,000) between the least and the most deprived
    end, negative where the most deprived have more; rii: the ratio of the two. NaN, and the reason in
    `finding`, where a quantile is hidden: an index over some of the quantiles would not be one.
    """
    found = [*_of_proportions(rates, confidence), *_of_standardised(standardised, confidence)]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _of_proportions(rates: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    chosen = rates[rates["dimension_1"].isin(RANKED) & (rates["dimension_2"] == "")]
    keys = ["table_id", "measure", "title", "direction", "area_level", "area_code", "dimension_1"]
    for key, group in chosen.groupby(keys, sort=True):
        told = dict(zip(keys, key, strict=True)) | {"over": key[-1], "is_age_standardised": False}
        lived_in = _lived_in(group, "category_1", "denominator")
        missing = _missing(lived_in["percent"], str(key[-1]))
        if missing:
            yield _row(told, len(lived_in), None, missing)
            continue
        x, n = (lived_in[name].to_numpy(np.float64) for name in ("numerator", "denominator"))
        limits = wilson_interval(x, n)
        indices = inequality_indices(
            lived_in["rank"].to_numpy(),
            n,
            value_type="proportion",
            x=x,
            lower_cl=limits.lower,
            upper_cl=limits.upper,
            confidence=confidence,
        )
        yield _row(told, len(lived_in), indices, "", scale=100)


def _of_standardised(standardised: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    chosen = standardised[standardised["dimension"].isin(RANKED)]
    keys = ["table_id", "measure", "title", "direction", "area_level", "area_code", "dimension"]
    for key, group in chosen.groupby(keys, sort=True):
        told = dict(zip(keys, key, strict=True)) | {"over": key[-1], "is_age_standardised": True}
        lived_in = _lived_in(group, "category", "population")
        missing = _missing(lived_in["rate"], str(key[-1]))
        if missing:
            yield _row(told, len(lived_in), None, missing)
            continue
        columns = {name: lived_in[name].to_numpy(np.float64) for name in ("rate", "lower_95", "upper_95")}
        indices = inequality_indices(
            lived_in["rank"].to_numpy(),
            lived_in["population"].to_numpy(np.float64),
            columns["rate"],
            "rate",
            lower_cl=columns["lower_95"],
            upper_cl=columns["upper_95"],
            confidence=confidence,
        )
        yield _row(told, len(lived_in), indices, "")


def _lived_in(group: pd.DataFrame, category: str, population: str) -> pd.DataFrame:
    """Return the quantiles that have people, by rank; one whose number is hidden has some."""
    kept = group[(group[category] != UNKNOWN) & (group[population].fillna(1) > 0)]
    return kept.assign(rank=kept[category].astype(int)).sort_values("rank")


def _missing(values: pd.Series, dimension: str) -> str:
    quantiles = len(dimensions()[dimension].categories) - 1
    if values.isna().any():
        return f"not given: {int(values.isna().sum())} of {len(values)} quantiles are hidden"
    if len(values) < 5 or (dimension == "imd_quintile" and len(values) < quantiles):
        return f"not given: {len(values)} quantiles are lived in, five are needed"
    return ""


def _row(
    told: dict[str, Any], quantiles: int, indices: InequalityIndices | None, missing: str, scale: float = 1
) -> dict[str, Any]:
    unknown = (np.nan, np.nan, np.nan)
    sii = unknown if indices is None else tuple(scale * value for value in indices.slope)
    rii = unknown if indices is None else tuple(indices.relative)
    return told | {
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
