"""Means, percentiles and dominance rules: what may be published about amounts, as opposed to counts.

A household is one contributor: the amounts of its members are added first. A mean is a perturbed sum divided
by the published count, because the noise of a count could be worked out from an exact mean. Minimum, maximum
and mode are never published.
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
    """The figures of a sum that the dominance rules need.

    contributors: number of households with an amount above zero. total: the sum, in the unit of the amounts.
    largest, second_largest: the two largest amounts of a household.
    """

    contributors: int
    total: float
    largest: float
    second_largest: float

    @classmethod
    def of(cls, amounts: Sequence[float]) -> "Contributions":
        """Return the figures of a sum. amounts: one per household; amounts of zero do not contribute."""
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
        """Answer whether the sum, perturbed, and the mean may be published."""
        return (
            self.contributors >= MINIMUM_CONTRIBUTORS and not self.is_dominated and not self.fails_p_percent
        )


def printed_sum(contributions: Contributions, noise: int, rounding_base: int) -> int | None:
    """Return the sum to publish, perturbed and rounded; None if it must be hidden.

    noise: as of a count, where it hides one person. For a sum it is multiplied by the largest contribution,
    so that it hides any household that joins or leaves, in this cell and in the rest of a larger area. A sum
    below 10 is hidden, because a sum near zero discloses that every member of the group has almost none.
    """
    perturbed = int(contributions.total + noise * contributions.largest)
    rounded = round_to_base(perturbed, rounding_base)
    if not contributions.is_safe or min(contributions.total, perturbed, rounded) < MINIMUM_CONTRIBUTORS:
        return None
    return rounded


@dataclass(frozen=True)
class RankedBand:
    """One band of the amounts of which a percentile is published.

    lower: its lower end, in the unit of the amounts. units: households or residents in the band.
    contributors_below, contributors_above: households with amounts below, above the band.
    """

    lower: int
    units: int
    contributors_below: int
    contributors_above: int

    @property
    def is_safe(self) -> bool:
        """Answer whether there are enough contributors on each side of the band to publish it."""
        return min(self.contributors_below, self.contributors_above) >= MINIMUM_CONTRIBUTORS


def printed_band(bands: Sequence[RankedBand], percent: float, noise: int) -> int | None:
    """Return the lower end of the band that contains a percentile; None if it must be hidden.

    bands: those with at least one unit, in order. percent: from 0 to 100. noise: by how many ranks the
    percentile is moved, so that one person who joins or leaves does not decide it. There must be 10
    contributors below the band and 10 above it.
    """
    units = sum(band.units for band in bands)
    rank = min(max(percent / 100 * (units - 1) + noise, 0), units - 1)
    passed = 0
    for band in bands:
        passed += band.units
        if rank < passed:
            return band.lower if band.is_safe else None
    return None
