"""Control limits of funnel plots: how far an area may be from the baseline by chance.

Two and three sigma limits (2.5% and 0.1% in each tail): Wilson's for proportions, exact
Poisson for ratios and rates.
Source: PHE technical guide, funnel plots (Spiegelhalter 2005, Statistics in Medicine
24:1185-1202), as in `calculate_funnel_limits` of the R package PHEindicatormethods.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from pipeline.findings.statistics.standardisation import MINIMUM_EVENTS
from pipeline.statistics.interval import (
    EXACT_BELOW,
    Column,
    Numbers,
    as_columns,
    check_all,
    poisson_limits,
)

STATISTICS = ("proportion", "ratio", "rate")
#: Share in each tail outside the two and the three sigma limits.
TAILS = (0.025, 0.001)
POINTS = 100


class FunnelLimits(NamedTuple):
    """Limits at each point of the horizontal axis.

    at: population (proportion), observed events (ratio) or events (rate); baseline: the average.
    """

    at: Numbers
    baseline: float
    lower_2s: Numbers
    upper_2s: Numbers
    lower_3s: Numbers
    upper_3s: Numbers


def funnel_limits(
    numerator: Column,
    denominator: Column,
    statistic: str = "proportion",
    multiplier: float = 100.0,
    at: Column | None = None,
    years_of_data: float = 1.0,
) -> FunnelLimits:
    """Return the control limits around the pooled average of the areas given.

    numerator: events by area; denominator: population, or expected events for a ratio (the baseline is
    then 1 times `multiplier`), or person-years for a rate. multiplier: 100 for percentages
    and ratios, 100,000 for most rates.
    at: points of the horizontal axis; by default 100 points, denser towards small areas, from the
    smallest to the largest area with a margin (years_of_data keeps a rate's axis in whole years).
    """
    events, size = as_columns(numerator, denominator)
    if not events.size or np.isnan(events).any() or np.isnan(size).any():
        raise ValueError("numerators and denominators must be known for every area")
    _check(events, size, statistic)
    average = float(events.sum() / size.sum())
    points = (
        _axis(size, statistic, average, years_of_data)
        if at is None
        else np.atleast_1d(np.asarray(at, dtype=float))
    )
    check_all(points > 0, points, "points of the axis must be above zero")
    if statistic == "proportion":
        limits = [limit for tail in TAILS for limit in _wilson_limits(points, average, tail, multiplier)]
        return FunnelLimits(points, average * multiplier, *limits)
    baseline = 1.0 if statistic == "ratio" else average
    limits = [
        limit * baseline * multiplier for tail in TAILS for limit in _poisson_ratio_limits(points, tail)
    ]
    return FunnelLimits(points, baseline * multiplier, *limits)


class FunnelPoints(NamedTuple):
    """Where the areas are on a funnel plot of rates: rate, and population of one year."""

    rate: Numbers
    denominator: Numbers


def funnel_points(
    events: Column,
    rate: Column,
    population: Column | None = None,
    years_of_data: float = 1.0,
    multiplier: float = 100_000,
    is_standardised: bool = False,
) -> FunnelPoints:
    """Return the point of each area on a funnel plot of rates per `multiplier`.

    The horizontal position is the population of one year that would have these events at this rate, so that a
    standardised rate (is_standardised) is among areas of the same precision. With fewer than 10 events a
    standardised rate has no point (NaN). population: of all the years, for crude rates of areas without
    events.
    """
    count, value = as_columns(events, rate)
    check_all(count >= 0, count, "numerators must not be negative")
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(count > 0, multiplier * count / value, np.nan)
    if is_standardised:
        hidden = np.where(count < MINIMUM_EVENTS, np.nan, 1.0)
        return FunnelPoints(value * hidden, size * hidden / years_of_data)
    if population is None:
        if (count == 0).any():
            raise ValueError("where an area has no events, give the population of every area")
    else:
        size = np.where(count == 0, np.asarray(population, dtype=np.float64), size)
    return FunnelPoints(value, size / years_of_data)


def funnel_significance(
    numerator: Column, denominator: Column, statistic: str = "proportion", minimum_events: float = 0
) -> np.ndarray:
    """Return for each area whether it is outside the limits: "high 0.001", "high 0.025", "low ..." or "".

    An area with unknown numbers is "unknown" and is left out of the average. An area with fewer than
    `minimum_events` is "unknown" too, but is part of the average (10 for directly standardised rates). For
    ratios and rates the area's own Poisson interval (exact below 10 events, else Byar's) is compared with the
    baseline.
    """
    events, size = as_columns(numerator, denominator)
    _check(events, size, statistic)
    known = ~(np.isnan(events) | np.isnan(size))
    if not known.any():
        return np.full(events.shape, "unknown", dtype="<U10")
    average = float(events[known].sum() / size[known].sum()) if statistic != "ratio" else 1.0
    outside = np.full(events.shape, "", dtype="<U10")
    for tail in TAILS:
        if statistic == "proportion":
            lower, upper = _wilson_limits(size, average, tail, 1.0)
            low, high = events / size < lower, events / size > upper
        else:
            lower, upper = poisson_limits(events, 1 - 2 * tail, EXACT_BELOW)
            low, high = upper / size < average, lower / size > average
        outside = np.where(low, f"low {tail}", np.where(high, f"high {tail}", outside))
    return np.where(known & ~(events < minimum_events), outside, "unknown")


def _check(events: Numbers, size: Numbers, statistic: str) -> None:
    if statistic not in STATISTICS:
        raise ValueError(f"statistic must be one of {', '.join(STATISTICS)}")
    check_all(events >= 0, events, "numerators must not be negative")
    check_all(size > 0, size, "denominators must be above zero")
    if statistic == "proportion":
        check_all((events <= size) | np.isnan(size), events, "a numerator must not exceed its denominator")


def _wilson_limits(
    population: Numbers, average: float, tail: float, multiplier: float
) -> tuple[Numbers, Numbers]:
    """Proportions whose Wilson limit would just touch the average, kept between 0 and 1."""
    z2 = float(stats.norm.ppf(1 - tail)) ** 2
    middle = average * (population / z2 + 1)
    spread = np.sqrt(
        np.maximum(
            middle**2
            - (1 / z2 + 1 / population)
            * average
            * (population * (average * (population / z2 + 2) - 1) + z2 * (average - 1)),
            0,
        )
    )
    divisor = (1 / z2 + 1 / population) * population
    lower, upper = (middle - spread) / divisor, (middle + spread) / divisor
    return np.maximum(lower, 0) * multiplier, np.minimum(upper, 1) * multiplier


def _poisson_ratio_limits(events: Numbers, tail: float) -> tuple[Numbers, Numbers]:
    """Ratios of observed to expected events that are just too low, and just too high, at the tail."""
    too_few = stats.chi2.ppf(1 - tail, 2 * events + 2) / 2
    too_many = stats.chi2.ppf(tail, 2 * events) / 2
    return events / too_few, events / too_many


def _axis(size: Numbers, statistic: str, average: float, years: float) -> Numbers:
    smallest, largest = float(size.min()), float(size.max())
    start = 0.0 if largest > 2 * smallest else _tidy(smallest / years, 0.95, 1, np.floor) * years
    end = _tidy(largest / years, 1.05, 2, np.ceil) * years
    if statistic == "rate":
        start, end = float(np.floor(start * average)), float(np.ceil(end * average))
    points = [max(1.0, start)]
    for position in range(2, POINTS + 1):
        left = POINTS + 1 - (position - 1 if statistic == "ratio" else position)
        previous = points[-1]
        points.append(max(float(np.round((end / previous) ** (1 / left) * previous)), previous + 1))
    return np.array(points)


def _tidy(value: float, share: float, kept_digits: int, rounded: np.ufunc) -> float:
    """Round a bound of the axis outwards so that it reads well."""
    unit = 10.0 ** (len(str(int(rounded(value * share)))) - kept_digits)
    return float(rounded(value * share / unit) * unit)
