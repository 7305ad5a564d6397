"""Funnel plots of the areas of a release, the area in most need of attention first.

Control limits allow for three things: chance (Wilson's limits at the areas' average), the spread between
areas that is usual for the measure (overdispersion), and noise and rounding of the published counts.
"""

import numpy as np
import pandas as pd
from scipy import stats

from pipeline.findings.release_figures import ReleaseFigures
from pipeline.findings.statistics.change import judge
from pipeline.findings.statistics.funnel import TAILS, FunnelLimits, funnel_limits, funnel_significance
from pipeline.findings.statistics.overdispersion import overdispersion
from pipeline.statistics.interval import Numbers

#: Fewer areas than this are too few for the average of a funnel plot.
MINIMUM_AREAS = 5
COLUMNS = (
    "measure",
    "title",
    "direction",
    "table_id",
    "area_level",
    "area_code",
    "denominator",
    "percent",
    "baseline",
    "lower_2s",
    "upper_2s",
    "lower_3s",
    "upper_3s",
    "overdispersion",
    "between_areas",
    "z",
    "outlier",
    "outlier_by_chance",
    "verdict",
)


def funnel_of(rates: pd.DataFrame, release: ReleaseFigures) -> pd.DataFrame:
    """Return one row per area for every rate that is not broken down: its position in a funnel plot.

    baseline: the areas' average. lower_2s to upper_3s: control limits at the area's denominator.
    overdispersion: variance between the areas over that expected by chance and protection; between_areas:
    standard deviation of the areas' own rates, in percentage points.
    z: distance from the baseline in standard deviations, all three kinds of spread together.
    outlier: "high 0.001", "high 0.025", "low ..." or "", by these limits; outlier_by_chance: by limits for
    chance only, as in most published funnels. verdict: better, worse, higher or lower, or similar.
    Areas without a rate are left out of the average too. The rows of one funnel are sorted worst first.
    """
    undivided = rates[
        (rates["dimension_1"] == "") & (rates["area_level"] != "LAD") & rates["percent"].notna()
    ]
    parts = [
        _funnel(group, release.count_variance)
        for _, group in undivided.groupby(["table_id", "measure", "area_level"], sort=True)
        if len(group) >= MINIMUM_AREAS
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def worst_first(funnel: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by how far each is on the bad side, then by how far on the good side.

    Without a direction, both sides count the same.
    """
    signs = funnel["direction"].map({"lower_is_better": 1.0, "higher_is_better": -1.0})
    badness = (funnel["z"] * signs).fillna(funnel["z"].abs())
    order = pd.DataFrame({"is_good": badness < 0, "distance": -badness.abs()}, index=funnel.index)
    return funnel.loc[order.sort_values(["is_good", "distance"], kind="stable").index]


def _funnel(group: pd.DataFrame, count_variance: float) -> pd.DataFrame:
    x, n = (group[name].to_numpy(np.float64) for name in ("numerator", "denominator"))
    rate = x / n
    average = float(x.sum() / n.sum())
    protection = count_variance * (1 + rate**2) / n**2
    error = np.sqrt(average * (1 - average) / n + protection)
    found = overdispersion(rate, error, average)
    limits = _widened(funnel_limits(x, n, at=n), np.sqrt(protection + found.between**2))
    part = group[["measure", "title", "direction", "table_id", "area_level", "area_code"]].copy()
    part["denominator"], part["percent"] = n, 100 * rate
    part["baseline"] = limits.baseline
    part["lower_2s"], part["upper_2s"] = limits.lower_2s, limits.upper_2s
    part["lower_3s"], part["upper_3s"] = limits.lower_3s, limits.upper_3s
    part["overdispersion"], part["between_areas"] = found.factor, 100 * found.between
    part["z"] = (rate - average) / np.hypot(error, found.between)
    part["outlier"] = _outside(100 * rate, limits)
    part["outlier_by_chance"] = funnel_significance(x, n)
    sides = part["outlier"].str.split(" ").str[0].map({"high": "higher", "low": "lower"}).fillna("similar")
    part["verdict"] = [judge(str(d), str(side)) for d, side in zip(part["direction"], sides, strict=True)]
    return worst_first(part)[list(COLUMNS)]


def _widened(limits: FunnelLimits, spread: Numbers) -> FunnelLimits:
    """Return limits in percent with more spread (a standard deviation, as a share) than chance gives."""
    reaches = [100 * spread * float(stats.norm.ppf(1 - tail)) for tail in TAILS]
    base = limits.baseline
    pairs = zip((limits.lower_2s, limits.lower_3s), (limits.upper_2s, limits.upper_3s), reaches, strict=True)
    moved = []
    for low, high, reach in pairs:
        moved.append(np.clip(base - np.hypot(base - low, reach), 0, 100))
        moved.append(np.clip(base + np.hypot(high - base, reach), 0, 100))
    return FunnelLimits(limits.at, base, *moved)


def _outside(percent: Numbers, limits: FunnelLimits) -> list[str]:
    pairs = ((limits.lower_2s, limits.upper_2s), (limits.lower_3s, limits.upper_3s))
    outside = np.full(percent.shape, "", dtype="<U10")
    for tail, (low, high) in zip(TAILS, pairs, strict=True):
        outside = np.where(percent < low, f"low {tail}", np.where(percent > high, f"high {tail}", outside))
    return [str(side) for side in outside]
