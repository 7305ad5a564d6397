"""Means, percentiles and the rules of dominance: what may be printed of amounts rather than counts.

Members of a household count as one contributor: their amounts are added first. A mean is a
perturbed sum over the printed count, for an exact mean unpicks the noise. No minimum,
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
    return _holds_more(sum(amounts), sum(sorted(amounts, reverse=True)[:contributors]), percent)


def fails_p_percent(amounts: Sequence[float], percent: float = P_PERCENT) -> bool:
    """Answer whether the second largest could guess the largest within `percent` of it.

    Unsafe when total - x1 - x2 < percent of x1.
    """
    first, second = (*sorted(amounts, reverse=True)[:2], 0.0, 0.0)[:2]
    return _leaves_less(sum(amounts), first, second, percent)


@dataclass(frozen=True)
class Contributions:
    """A sum as its rules see it: how many households add to it, and what the two largest add."""

    contributors: int
    total: float
    largest: float
    second_largest: float

    @classmethod
    def of(cls, amounts: Sequence[float]) -> "Contributions":
        """Return the contributions of households; one that adds nought hides nobody and does not count."""
        first, second = (*sorted(amounts, reverse=True)[:2], 0.0, 0.0)[:2]
        return cls(sum(amount > 0 for amount in amounts), sum(amounts), first, second)

    @property
    def is_safe(self) -> bool:
        """Answer whether sum and mean may be printed, perturbed."""
        return (
            self.contributors >= MINIMUM_CONTRIBUTORS
            and not _holds_more(self.total, self.largest + self.second_largest, DOMINANT_PERCENT)
            and not _leaves_less(self.total, self.largest, self.second_largest, P_PERCENT)
        )


def printed_sum(contributions: Contributions, noise: int, rounding_base: int) -> int | None:
    """Return the sum to print, perturbed and rounded; None where it must be hidden.

    The noise of a count hides one person; of a sum it is scaled by the largest contribution, so that it
    hides whichever household joins or leaves, in this cell and in what is left of its parent.
    A sum below 10 is hidden: next to nothing, told of a group, is told of each of its members.
    """
    perturbed = int(contributions.total + noise * contributions.largest)
    rounded = (perturbed + rounding_base // 2) // rounding_base * rounding_base
    if not contributions.is_safe or min(contributions.total, perturbed, rounded) < MINIMUM_CONTRIBUTORS:
        return None
    return rounded


@dataclass(frozen=True)
class RankedBand:
    """One band of a percentile: its lower end, who is in it, and the contributors below and above it."""

    lower: int
    units: int
    contributors_below: int
    contributors_above: int

    @property
    def is_safe(self) -> bool:
        """Answer whether enough contributors lie on each side for the band to be printed."""
        return min(self.contributors_below, self.contributors_above) >= MINIMUM_CONTRIBUTORS


def printed_band(bands: Sequence[RankedBand], percent: float, noise: int) -> int | None:
    """Return the lower end of the band that holds a percentile; None where it must be hidden.

    bands: in order, each with somebody in it. The rank is moved by the noise, so that one person who
    joins or leaves does not decide; 10 contributors must lie below the band, and 10 above it.
    """
    units = sum(band.units for band in bands)
    rank = min(max(percent / 100 * (units - 1) + noise, 0), units - 1)
    passed = 0
    for band in bands:
        passed += band.units
        if rank < passed:
            return band.lower if band.is_safe else None
    return None


def _holds_more(total: float, held: float, percent: float) -> bool:
    return total > 0 and held > percent / 100 * total


def _leaves_less(total: float, first: float, second: float, percent: float) -> bool:
    return total - first - second < percent / 100 * first
