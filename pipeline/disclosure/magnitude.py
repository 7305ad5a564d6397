"""Means, percentiles and the rules of dominance: what may be printed of amounts rather than counts.

Members of a household count as one contributor: their amounts are added first. A mean is the
perturbed sum over the perturbed count, for an exact mean unpicks the noise. No minimum,
maximum or mode is ever printed.
Source: SDC Handbook (2nd ed.), magnitude tables; disclosure-control.md, rates and means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MINIMUM_CONTRIBUTORS = 10
P_PERCENT = 10.0
DOMINANT_CONTRIBUTORS = 2
DOMINANT_PERCENT = 90.0


def is_dominated(
    amounts: Sequence[float],
    contributors: int = DOMINANT_CONTRIBUTORS,
    percent: float = DOMINANT_PERCENT,
) -> bool:
    """Answer whether the largest contributors hold more than `percent` of the total: the (n, k) rule."""
    total = sum(amounts)
    return total > 0 and sum(sorted(amounts, reverse=True)[:contributors]) > percent / 100 * total


def fails_p_percent(amounts: Sequence[float], percent: float = P_PERCENT) -> bool:
    """Answer whether the second largest could guess the largest within `percent` of it.

    Unsafe when total - x1 - x2 < percent of x1.
    """
    first, second = (*sorted(amounts, reverse=True)[:2], 0.0, 0.0)[:2]
    return sum(amounts) - first - second < percent / 100 * first


def mean_is_safe(amounts: Sequence[float]) -> bool:
    """Answer whether a mean over these contributors may be printed."""
    return len(amounts) >= MINIMUM_CONTRIBUTORS and not is_dominated(amounts) and not fails_p_percent(amounts)


def printed_mean(total: float, count: int, noise: int, rounding_base: int, decimals: int = 1) -> float | None:
    """Return the mean to print: perturbed sum over perturbed, rounded count; None where it must be hidden.

    The sum is perturbed by the noise of its count times the mean, so that sum and count belong to the same
    imagined contributors; the rounded count in the denominator keeps the sum from being worked out.
    """
    perturbed = count + noise
    if count < MINIMUM_CONTRIBUTORS or perturbed < MINIMUM_CONTRIBUTORS:
        return None
    rounded = (perturbed + rounding_base // 2) // rounding_base * rounding_base
    perturbed_total = total * perturbed / count
    return round(perturbed_total / rounded, decimals)


@dataclass(frozen=True)
class Band:
    """A range in which a percentile lies; the upper end is not part of it."""

    lower: float
    upper: float


def printed_percentile(amounts: Sequence[float], percent: float, band_width: float) -> Band | None:
    """Return the band that holds a percentile; None with fewer than 10 contributors on either side."""
    ordered = sorted(amounts)
    position = percent / 100 * (len(ordered) - 1)
    value = ordered[int(position)] if ordered else 0.0
    below, above = sum(a < value for a in ordered), sum(a > value for a in ordered)
    if below < MINIMUM_CONTRIBUTORS or above < MINIMUM_CONTRIBUTORS:
        return None
    lower = value // band_width * band_width
    return Band(lower, lower + band_width)
