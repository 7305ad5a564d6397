"""Confidence intervals of counts, proportions, rates and means.

All take numbers or columns (anything numpy can make an array of), broadcast, and
return `Interval`, which unpacks into value, lower, upper. An unknown input (NaN)
gives an unknown result; an impossible one raises ValueError.

Source: Public Health England technical guide, "Confidence intervals" (APHO technical
briefing 3), as in the R package PHEindicatormethods.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

Column = npt.ArrayLike
Numbers = npt.NDArray[np.float64]

#: Counts below this have exact Poisson limits, Byar's approximation being poor there.
EXACT_BELOW = 10


class Interval(NamedTuple):
    """A statistic with its confidence limits; floats, or arrays of one shape."""

    value: Any
    lower: Any
    upper: Any


def wilson_interval(x: Column, n: Column, confidence: float = 0.95, multiplier: float = 1.0) -> Interval:
    """Proportion x / n with Wilson's score interval.

    x: those with the attribute; n: those counted, above zero. confidence: 0.9 to 1, or 90 to 100.
    multiplier: 100 gives a percentage.
    Source: Wilson 1927; Newcombe and Altman 2000, pages 46-48.
    """
    count, total = as_columns(x, n)
    check_all(count >= 0, count, "counts must not be negative")
    check_all(total > 0, total, "denominators must be above zero")
    check_all(count <= total, count, "a count must not exceed its denominator")
    level = confidence_level(confidence)
    value = count / total
    if level == 1:
        return as_interval(value * multiplier, 0 * value, multiplier + 0 * value)
    z = special.ndtri((1 + level) / 2)
    centre = 2 * count + z**2
    spread = z * np.sqrt(z**2 + 4 * count * (1 - value))
    scale = multiplier / (2 * (total + z**2))
    return as_interval(value * multiplier, (centre - spread) * scale, (centre + spread) * scale)


def byars_interval(
    x: Column,
    n: Column | None = None,
    confidence: float = 0.95,
    multiplier: float = 100_000,
    exact_below: float | None = None,
) -> Interval:
    """Rate x / n per `multiplier` with Byar's interval; without n, the count x itself.

    x: events, a Poisson count; n: population or person-years, above zero.
    exact_below: counts under it have exact Poisson limits (chi-squared). By default 10 for a rate and
    0 for a count alone, whose plain Byar limits are then returned.
    Source: Breslow and Day 1987, page 69; APHO technical briefing 3.
    """
    level = confidence_level(confidence)
    if n is None:
        (count,) = as_columns(x)
        scale: Numbers = np.ones_like(count)
        exact = 0.0 if exact_below is None else exact_below
    else:
        count, total = as_columns(x, n)
        check_all(total > 0, total, "denominators must be above zero")
        scale = multiplier / total
        exact = EXACT_BELOW if exact_below is None else exact_below
    check_all(count >= 0, count, "counts must not be negative")
    lower, upper = poisson_limits(count, level, exact)
    return as_interval(count * scale, lower * scale, upper * scale)


def poisson_limits(count: Numbers, level: float, exact_below: float) -> tuple[Numbers, Numbers]:
    """Return the lower and upper limit of a Poisson count: exact below `exact_below`, else Byar's.

    Byar's lower limit of a count so small that it would be negative is unknown (NaN); of zero it is zero.
    """
    tail = (1 - level) / 2
    z = special.ndtri(1 - tail)
    # The gamma quantile is half the chi-squared one; scipy.stats would take a second to import every night.
    with np.errstate(divide="ignore", invalid="ignore"):
        byars_lower = count * (1 - 1 / (9 * count) - z / (3 * np.sqrt(count))) ** 3
        following = count + 1
        byars_upper = following * (1 - 1 / (9 * following) + z / (3 * np.sqrt(following))) ** 3
        exact_lower = special.gammaincinv(count, tail)
    byars_lower = np.where(byars_lower < 0, np.nan, byars_lower)
    exact_upper = special.gammaincinv(count + 1, 1 - tail)
    small = count < exact_below
    lower = np.where(small, exact_lower, byars_lower)
    return np.where(count == 0, 0.0, lower), np.where(small, exact_upper, byars_upper)


def mean_interval(values: Column, confidence: float = 0.95, axis: int = -1) -> Interval:
    """Mean of the values along `axis` with Student's t interval; needs at least two values.

    Source: PHE technical guide, means; Altman et al. 2000, page 28.
    """
    (column,) = as_columns(values)
    size = column.shape[axis] if column.ndim else 1
    if size < 2:
        raise ValueError("a mean needs at least two values to have an interval")
    level = confidence_level(confidence)
    value = column.mean(axis=axis)
    error = column.std(axis=axis, ddof=1) / np.sqrt(size)
    reach = special.stdtrit(size - 1, (1 + level) / 2) * error
    return as_interval(value, value - reach, value + reach)


def confidence_level(confidence: float) -> float:
    """Return a confidence level as a share; 95 and 0.95 mean the same.

    Raises ValueError outside 0.9 to 1 and 90 to 100.
    """
    level = confidence / 100 if confidence >= 90 else float(confidence)
    if not 0.9 <= level <= 1:
        raise ValueError("a confidence level lies between 0.9 and 1, or between 90 and 100")
    return level


def as_columns(*columns: Column) -> tuple[Numbers, ...]:
    """Return the columns as arrays of floats of one shape.

    Raises ValueError where they do not fit beside each other, or hold an infinite number.
    """
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    if any(np.isinf(array).any() for array in arrays):
        raise ValueError("numbers must be finite")
    try:
        return tuple(np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"columns must be of one length (their shapes are {shapes})") from None


def check_all(holds: npt.NDArray[np.bool_], column: Numbers, message: str) -> None:
    """Raise ValueError where a known number does not fit, saying how many do not."""
    wrong = int(np.sum(~holds & ~np.isnan(column)))
    if wrong:
        raise ValueError(f"{message} ({wrong} of {column.size} do not fit)")


def as_interval(value: Numbers, lower: Numbers, upper: Numbers) -> Interval:
    """Return an Interval of floats where the inputs were single numbers."""
    if np.ndim(value) == 0:
        return Interval(float(value), float(lower), float(upper))
    return Interval(value, np.asarray(lower), np.asarray(upper))
