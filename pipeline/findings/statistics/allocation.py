"""Weighted allocation: a stated budget shared among areas by need, with published weights.

An area's share is in proportion to its population times a weight that rises with its LSOAs' deprivation.
Source: IMD-weighted resources (field notes); the shape follows the NHS England avoidable mortality
adjustment, where the weight of the most deprived tenth is a stated multiple of the least deprived tenth's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Weight of the most deprived tenth as a multiple of the least deprived one's.
DEFAULT_RATIO = 2.0
DECILES = range(1, 11)


@dataclass(frozen=True)
class Place:
    """One LSOA: its area, IMD decile (1 most deprived) and published population (None: hidden)."""

    lsoa21: str
    area_code: str
    imd_decile: int
    population: float | None


@dataclass(frozen=True)
class Allocation:
    """One area's part of a budget. weight: mean weight of a resident (least deprived tenth: 1)."""

    area_code: str
    population: float
    weight: float
    share: float
    amount_pence: int


def decile_weights(ratio: float = DEFAULT_RATIO) -> Mapping[int, float]:
    """Return IMD decile -> weight, falling by an equal factor from `ratio` (decile 1) to 1 (decile 10)."""
    if ratio < 1:
        raise ValueError(
            "the ratio must be at least 1: the most deprived tenth may not weigh less than the least deprived"
        )
    return {decile: float(ratio ** ((10 - decile) / 9)) for decile in DECILES}


def allocate(
    budget_pence: int, places: Sequence[Place], weights: Mapping[int, float] | None = None
) -> tuple[Allocation, ...]:
    """Share a budget among areas, in pence; the amounts add up to the budget.

    Pence left over from rounding down go to the largest remainders. Raises ValueError where a population is
    hidden, because its people would receive no money. Merge the area with another one first.
    """
    chosen = decile_weights() if weights is None else weights
    hidden = sum(place.population is None for place in places)
    if budget_pence < 0 or not places or hidden or set(chosen) != set(DECILES):
        raise ValueError(
            "an allocation needs a budget, ten weights and every population "
            f"({hidden} of {len(places)} hidden)"
        )
    people: dict[str, float] = {}
    weighted: dict[str, float] = {}
    for place in places:
        count = float(place.population or 0)
        people[place.area_code] = people.get(place.area_code, 0.0) + count
        need = count * chosen[place.imd_decile]
        weighted[place.area_code] = weighted.get(place.area_code, 0.0) + need
    total = sum(weighted.values())
    if total <= 0:
        raise ValueError("no one lives in the areas of the allocation")
    exact = {area: budget_pence * need / total for area, need in weighted.items()}
    amounts = {area: int(amount) for area, amount in exact.items()}
    left = budget_pence - sum(amounts.values())
    for area in sorted(exact, key=lambda a: (amounts[a] - exact[a], a))[:left]:
        amounts[area] += 1
    return tuple(
        Allocation(
            area,
            people[area],
            weighted[area] / people[area] if people[area] else 0.0,
            weighted[area] / total,
            amounts[area],
        )
        for area in sorted(people)
    )
