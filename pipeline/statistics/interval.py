"""Confidence intervals of counts, proportions, rates and means.

Every function takes numbers or columns (anything numpy can make an array of), broadcasts them
against each other, and returns an `Interval`, which unpacks into value, lower, upper. A missing
input (NaN) has a missing result; an impossible input raises ValueError.

| function | of | method |
|---|---|---|
| wilson_interval | a proportion | Wilson's score interval |
| byars_interval | a count or a rate | Byar's approximation; exact Poisson limits of small counts |
| mean_interval | a mean | Student's t |

Source: Public Health England technical guide, "Confidence intervals" (APHO technical
briefing 3), as in the R package PHEindicatormethods.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

Column = npt.ArrayLike
Numbers = npt.NDArray[np.float64]

#: Counts below this have exact Poisson limits, because Byar's approximation is poor there.
EXACT_BELOW = 10


class Interval(NamedTuple):
    """A statistic with its confidence limits; floats, or arrays of one shape."""

    value: Any
    lower: Any
    upper: Any


def wilson_interval(x: Column, n: Column, confidence: float = 0.95, multiplier: float = 1.0) -> Interval:
    """Proportion x / n with Wilson's score interval, which stays between 0 and 1 and suits rates near them.

    x: those with the attribute; n: those counted, above zero. Neither must be whole: in a weighted sample
    n is the effective number of cases. confidence: 0.9 to 1, or 90 to 100. multiplier: 100 for a percentage.
    Source: Wilson, JASA 22 (1927) 209-212; Newcombe and Altman 2000, pages 46-48.
    """
    count, total = as_columns(x, n)
    check_all(count >= 0, count, "counts must not be negative")
    check_all(total > 0, total, "denominators must be above zero")
    check_all((count <= total) | np.isnan(total), count, "a count must not exceed its denominator")
    level = confidence_level(confidence)
    value = count / total
    if level == 1:
        return as_interval(value * multiplier, 0 * value, multiplier + 0 * value)
    z = special.ndtri((1 + level) / 2)
    centre = 2 * count + z**2
    spread = z * np.sqrt(z**2 + 4 * count * (1 - value))
    scale = multiplier / (2 * (total + z**2))
    # Rounding can carry a limit beyond 0 or 1 in the last digit.
    lower, upper = (np.clip(limit * scale, 0, multiplier) for limit in (centre - spread, centre + spread))
    return as_interval(value * multiplier, lower, upper)


def byars_interval(
    x: Column,
    n: Column | None = None,
    confidence: float = 0.95,
    multiplier: float = 100_000,
    exact_below: float | None = None,
) -> Interval:
    """Rate x / n per `multiplier` with Byar's interval; without n, the count x itself.

    x: events, a Poisson count; n: population or person-years, above zero.
    exact_below: counts under it have exact Poisson limits (chi-squared). The default is 10 for a rate and
    0 for a count without n, which then has Byar's limits whatever its size.
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

    Where Byar's lower limit would be negative it is missing (NaN); the lower limit of zero is zero.
    """
    tail = (1 - level) / 2
    z = special.ndtri(1 - tail)
    # The gamma quantile is half the chi-squared one. Importing scipy.stats would take a second of every run.
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
    """Mean of the values along `axis` with Student's t interval.

    Raises ValueError for fewer than two values.

    Source: PHE technical guide, means; Altman et al. 2000, page 28.
    """
    (column,) = as_columns(values)
    size = column.shape[axis] if column.ndim else 1
    if size < 2:
        raise ValueError("the interval of a mean needs at least two values")
    level = confidence_level(confidence)
    value = column.mean(axis=axis)
    error = column.std(axis=axis, ddof=1) / np.sqrt(size)
    margin = special.stdtrit(size - 1, (1 + level) / 2) * error
    return as_interval(value, value - margin, value + margin)


def confidence_level(confidence: float) -> float:
    """Return a confidence level as a share; 95 and 0.95 mean the same.

    Raises ValueError outside 0.9 to 1 and 90 to 100.
    """
    level = confidence / 100 if confidence >= 90 else float(confidence)
    if not 0.9 <= level <= 1:
        raise ValueError("a confidence level must be from 0.9 to 1, or from 90 to 100")
    return level


def as_columns(*columns: Column) -> tuple[Numbers, ...]:
    """Return the columns as arrays of floats of one shape.

    Raises ValueError for columns of different lengths and for infinite numbers.
    """
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    if any(np.isinf(array).any() for array in arrays):
        raise ValueError("numbers must be finite")
    try:
        return tuple(np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"columns must be of one length (their shapes are {shapes})") from None


def check_all(is_valid: npt.NDArray[np.bool_], column: Numbers, message: str) -> None:
    """Raise ValueError if a number of the column is not valid; missing ones (NaN) are not checked.

    message: the rule; how many numbers break it is added.
    """
    wrong = int(np.sum(~is_valid & ~np.isnan(column)))
    if wrong:
        raise ValueError(f"{message} ({wrong} of {column.size} do not fit)")


def as_interval(value: Numbers, lower: Numbers, upper: Numbers) -> Interval:
    """Return an Interval: of floats for single numbers, of arrays for columns."""
    if np.ndim(value) == 0:
        return Interval(float(value), float(lower), float(upper))
    return Interval(value, np.asarray(lower), np.asarray(upper))
