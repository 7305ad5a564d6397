"""Every rate of a release: a published count over its published denominator, with its intervals.

A rate has a value where numerator, denominator and complement are each at least the agreed minimum. Its
uncertainty has two parts, in separate columns:
- chance: Wilson's interval (lower, upper), as public health in England publishes it;
- protection: noise and rounding may have moved the rate by up to `protection_margin` (95%).
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.findings.release_figures import PLACE, ReleaseFigures
from pipeline.statistics.interval import confidence_level, wilson_interval
from schemas.measure import measures

Numbers = npt.NDArray[np.float64]


def rates_of(release: ReleaseFigures, confidence: float = 0.95) -> pd.DataFrame:
    """Return one row per rate: PLACE, unit, measure, title, direction, numerator, denominator, shorthand,
    percent with lower and upper (Wilson), and protection_margin in percentage points.

    A rate without a value has shorthand: that of the hidden count, or [c] where a count or the complement is
    too small.
    """
    values = release.values
    with_rate = release.measures[
        (release.measures["kind"] == "count") & release.measures["denominator_measure"].notna()
    ]
    counts = values[values["measure"].isin(with_rate.index)].copy()
    counts["denominator_measure"] = counts["measure"].map(with_rate["denominator_measure"])
    totals = values[[*PLACE, "measure", "value", "shorthand"]].rename(
        columns={"measure": "denominator_measure", "value": "denominator", "shorthand": "total_shorthand"}
    )
    rates = counts.merge(totals, on=[*PLACE, "denominator_measure"], how="left", validate="many_to_one")
    rates = rates.rename(columns={"value": "numerator"}).drop(columns="denominator_measure")
    rates["title"] = rates["measure"].map(with_rate["title"])
    rates["direction"] = [measures()[m].direction if m in measures() else "neutral" for m in rates["measure"]]
    x, n = rates["numerator"].to_numpy(np.float64), rates["denominator"].to_numpy(np.float64)
    least = release.minimum_count
    given = (x >= least) & (n - x >= least)
    interval = wilson_interval(np.where(given, x, np.nan), np.where(given, n, np.nan), confidence, 100)
    rates["percent"], rates["lower"], rates["upper"] = interval
    rates["protection_margin"] = protection_margin(
        np.where(given, x, np.nan), np.where(given, n, np.nan), release.count_variance, confidence
    )
    hidden = rates["shorthand"].fillna(rates["total_shorthand"])
    # a structural zero is not a hidden value: no one can be counted there, so there is no rate either
    rates["shorthand"] = hidden.where(hidden.notna() | given, "[c]").where(~given, None)
    return rates[
        [
            *PLACE,
            "unit",
            "measure",
            "title",
            "direction",
            "numerator",
            "denominator",
            "percent",
            "lower",
            "upper",
            "protection_margin",
            "shorthand",
        ]
    ]


def protection_margin(x: Numbers, n: Numbers, count_variance: float, confidence: float = 0.95) -> Numbers:
    """Return by how many percentage points noise and rounding may have moved x / n, at this confidence.

    count_variance: variance of each published count. By the delta method, Var(x / n) is the variance of a
    count times (1 + rate squared) over n squared; the errors of the two counts are taken as independent.
    """
    z = float(stats.norm.ppf((1 + confidence_level(confidence)) / 2))
    rate = x / n
    return np.asarray(100 * z * np.sqrt(count_variance * (1 + rate**2)) / n)


def protection_error(rates: pd.DataFrame, confidence: float = 0.95) -> Numbers:
    """Return the standard error that noise and rounding add to each rate, as a share.

    confidence: that of the column protection_margin.
    """
    z = float(stats.norm.ppf((1 + confidence_level(confidence)) / 2))
    return rates["protection_margin"].to_numpy(np.float64) / 100 / z


def authority_of(rates: pd.DataFrame, release: ReleaseFigures) -> pd.Series:
    """Return the local authority that contains each row's area."""
    areas = release.areas
    within = {code: code for code in areas["local_authority"]}
    for level in ("lsoa21", "msoa21"):
        within |= dict(zip(areas[level], areas["local_authority"], strict=True))
    return rates["area_code"].map(within)
