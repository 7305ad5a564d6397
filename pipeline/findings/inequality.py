"""Slope and relative index of inequality of every rate that a release has by IMD decile or quintile.

The line through the quantiles is fitted on the logit scale for a proportion, and on the log scale for an
age-standardised rate (PHE technical guide), so both ends of the line are possible rates and a ratio of
them is above zero. The error of each quantile has two parts: chance, and noise and rounding.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from pipeline.findings.rates import protection_error
from pipeline.findings.statistics.inequality import InequalityIndices, QuantileValues, inequality_indices
from pipeline.statistics.interval import Numbers, wilson_interval
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
    "most_deprived",
    "least_deprived",
    "sii",
    "sii_lower",
    "sii_upper",
    "rii",
    "rii_lower",
    "rii_upper",
    "rii_least_to_most",
    "rii_least_to_most_lower",
    "rii_least_to_most_upper",
    "finding",
)
_FIGURES = COLUMNS[COLUMNS.index("most_deprived") : COLUMNS.index("finding")]
#: 95% limits of the quantiles are this many standard errors from the value.
_Z95 = float(special.ndtri(0.975))


def inequality_of(rates: pd.DataFrame, standardised: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Return one row per measure, area and ranked dimension: both indices with their simulated limits.

    most_deprived, least_deprived: fitted rates at the two ends of the scale, in percent (for an
    age-standardised rate: per 1,000).
    sii: the rate at the least deprived end minus that at the most deprived end, in percentage points (or per
    1,000); negative where the most deprived areas have the higher rate.
    rii: the rate at the most deprived end divided by that at the least deprived end; above 1 where the most
    deprived areas have the higher rate. rii_least_to_most: the same ratio in the other direction.
    Where a quantile is hidden, the figures are NaN and `finding` has the reason, because an index needs
    every quantile.
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
        lower, upper = _limits_with_protection(x, n, protection_error(inhabited, confidence))
        values = QuantileValues(
            inhabited["rank"].to_numpy(), n, value_type="proportion", x=x, lower_cl=lower, upper_cl=upper
        )
        indices = inequality_indices(values, transform=True, confidence=confidence)
        yield _row(labels, len(inhabited), indices, "", scale=100)


def _of_standardised(standardised: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    chosen = standardised[standardised["dimension"].isin(RANKED)]
    keys = ["table_id", "measure", "title", "direction", "area_level", "area_code", "dimension"]
    for key, group in chosen.groupby(keys, sort=True):
        labels = dict(zip(keys, key, strict=True)) | {"over": key[-1], "is_age_standardised": True}
        inhabited = _inhabited(group, "category", "population")
        missing = _missing(inhabited["rate"], str(key[-1]))
        if not missing and (inhabited["lower_95"] <= 0).any():
            missing = "not calculated: the lower limit of a quantile is not above zero"
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
        indices = inequality_indices(values, transform=True, confidence=confidence)
        yield _row(labels, len(inhabited), indices, "")


def _limits_with_protection(x: Numbers, n: Numbers, protection: Numbers) -> tuple[Numbers, Numbers]:
    """Return 95% limits of x / n for chance (Wilson) and protection together, symmetric on the logit scale.

    protection: standard error from noise and rounding, as a share.
    """
    _, lower, upper = wilson_interval(x, n)
    rate = x / n
    chance = (special.logit(upper) - special.logit(lower)) / 2 / _Z95
    reach = _Z95 * np.hypot(chance, protection / (rate * (1 - rate)))
    centre = special.logit(rate)
    return np.asarray(special.expit(centre - reach)), np.asarray(special.expit(centre + reach))


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
    if indices is None:
        return labels | {"quantiles": quantiles} | dict.fromkeys(_FIGURES, np.nan) | {"finding": missing}
    sii = [scale * value for value in indices.slope]
    value, lower, upper = indices.relative
    most = scale * indices.intercept
    figures = (most, most + sii[0], *sii, 1 / value, 1 / upper, 1 / lower, value, lower, upper)
    return (
        labels
        | {"quantiles": quantiles}
        | dict(zip(_FIGURES, figures, strict=True))
        | {"finding": _in_words(sii[1], sii[2])}
    )


def _in_words(lower: float, upper: float) -> str:
    if upper < 0:
        return "higher among the most deprived"
    if lower > 0:
        return "higher among the least deprived"
    return "no gradient shown"
