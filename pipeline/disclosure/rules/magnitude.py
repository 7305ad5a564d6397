"""Means, percentiles and the rules of dominance: what may be printed of amounts rather than counts.

Members of a household count as one contributor: their amounts are added first. A mean is a
perturbed sum over the printed count, for an exact mean unpicks the noise. No minimum,
maximum or mode is ever printed.
Source: SDC Handbook (2nd ed.), magnitude tables; disclosure-control.md, rates and means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.disclosure.rules.publish_rule import round_to_base

MINIMUM_CONTRIBUTORS = 10
P_PERCENT = 10.0
DOMINANT_PERCENT = 90.0


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
    def is_dominated(self) -> bool:
        """Answer whether the two largest add more than 90% of the sum: the (2, 90) rule."""
        return self.total > 0 and self.largest + self.second_largest > DOMINANT_PERCENT / 100 * self.total

    @property
    def fails_p_percent(self) -> bool:
        """Answer whether the second largest household could estimate the largest to within 10%.

        Unsafe where total - x1 - x2 < 10% of x1.
        """
        rest = self.total - self.largest - self.second_largest
        return rest < P_PERCENT / 100 * self.largest

    @property
    def is_safe(self) -> bool:
        """Answer whether sum and mean may be printed, perturbed."""
        return (
            self.contributors >= MINIMUM_CONTRIBUTORS and not self.is_dominated and not self.fails_p_percent
        )


def printed_sum(contributions: Contributions, noise: int, rounding_base: int) -> int | None:
    """Return the sum to print, perturbed and rounded; None where it must be hidden.

    The noise of a count hides one person; of a sum it is scaled by the largest contribution, so that it
    hides whichever household joins or leaves, in this cell and in what is left of its parent.
    A sum below 10 is hidden: next to nothing, told of a group, is told of each of its members.
    """
    perturbed = int(contributions.total + noise * contributions.largest)
    rounded = round_to_base(perturbed, rounding_base)
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
