"""Members who left a household that still lives in its home: they may still be on its lists.

Their registration looks like that of a resident: it has the family's surname, its address, its practice. Each
kind has a rate per year and a published figure that it follows. A household whose members all left, moved or
died together is not here (see `moves`).

| kind | rate | source |
|---|---|---|
| grown child | 2.5% of households lose one in a year | Census 2021 (ONS, More adults living with their parents): 51.2% of people aged 20-24 and 11.6% of those aged 30-34 live with parents |
| ex-partner | 0.8% of households in a year | ONS, Divorces in England and Wales 2022: 80,057, 0.3% of households; couples who are not married separate more often |
| partner who died, parent who died | 0.95% and 0.35% of households in a year | ONS, Deaths registered 2022: 577,160, 2.3 for each 100 households; about two in five die married |
| sharer | 23% of adults of shared homes in a year | Moves of private renters, as in `households` |
"""  # noqa: E501

from dataclasses import dataclass

import numpy as np

from sample_data.population.draws import Flags, Floats, Whole, happens
from sample_data.population.households import (
    COUPLE_CHILDREN,
    COUPLE_GROWN,
    COUPLE_MID,
    COUPLE_OLD,
    HMO,
    LONE,
    LONE_GROWN,
    MULTI,
    ONE,
    ONE_OLD,
    SHARERS,
    Households,
)
from sample_data.population.people import GROWN, OLDER, PARTNER, REFERENCE, SHARER, People

#: Why a former person left; `household` means that the whole household left the dwelling.
LEAVINGS = np.array(
    ["", "household", "grown_child", "ex_partner", "partner_died", "parent_died", "sharer"], dtype="<U12"
)
NO_LEAVING, WITH_HOUSEHOLD, GROWN_CHILD, EX_PARTNER, PARTNER_DIED, PARENT_DIED, LEFT_SHARED = range(
    len(LEAVINGS)
)

DAYS_A_YEAR = 365.2425
#: Years over which departures are drawn. Deaths stay on lists for longer than moves.
_YEARS_LEFT, _YEARS_DEAD = 3.0, 6.0


@dataclass(frozen=True)
class _Kind:
    """One kind of departure. rate: of all households, a year. homes: compositions that remain behind.

    ages: of the reference person who remains. older: years by which the leaver is older than that person
    (mean, standard deviation). limits: lowest and highest age of the leaver today.
    """

    leaving: int
    rate: float
    years: float
    homes: tuple[int, ...]
    ages: tuple[int, int]
    relation: int
    older: tuple[float, float]
    limits: tuple[float, float]


_FAMILY_HOMES = (ONE, ONE_OLD, COUPLE_MID, COUPLE_OLD, COUPLE_CHILDREN, COUPLE_GROWN, LONE, LONE_GROWN)
_KINDS = (
    _Kind(GROWN_CHILD, 0.025, _YEARS_LEFT, _FAMILY_HOMES, (39, 75), GROWN, (-31, 5), (18.5, 37)),
    _Kind(EX_PARTNER, 0.008, _YEARS_LEFT, (ONE, LONE, LONE_GROWN), (22, 70), PARTNER, (-1, 4), (19, 75)),
    _Kind(
        PARTNER_DIED, 0.0095, _YEARS_DEAD, (ONE_OLD, LONE_GROWN, ONE), (55, 105), PARTNER, (2, 5), (45, 99),
    ),
    _Kind(
        PARENT_DIED, 0.0035, _YEARS_DEAD, (ONE, COUPLE_MID, COUPLE_GROWN, LONE_GROWN, MULTI), (38, 72), OLDER,
        (28, 5), (60, 104),
    ),
)  # fmt: skip
#: Yearly share of the adults of a shared home who leave it.
_SHARERS_LEAVE = 0.23
_SHARED_HOMES = (SHARERS, HMO)


@dataclass
class Departures:
    """People who left, one row each; all are former people. household: the one that remained behind.

    people.household counts these people, from 0: each leaver is a household of their own. left: days since
    1970-01-01. died: likewise, 0 for those who did not die.
    """

    people: People
    household: Whole
    leaving: Whole
    left: Whole

    def __len__(self) -> int:
        return len(self.household)

    @property
    def is_dead(self) -> Flags:
        """Return who left by dying."""
        return np.isin(self.leaving, (PARTNER_DIED, PARENT_DIED))


def depart(rng: np.random.Generator, households: Households, people: People, today: int) -> Departures:
    """Draw the members who left the block's present households in the last years. people: their residents."""
    reference = np.full(len(households), -1)
    first = np.flatnonzero(people.relation == REFERENCE)
    reference[people.household[first]] = first
    found = [_of_kind(rng, kind, households, people, reference) for kind in _KINDS]
    found.append(_sharers(rng, households, people, reference))
    household, leaving, relation, age, years = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # Only someone who lived in this home, as an adult, can have left it.
    kept = (years < households.years_here[household]) & (age - years >= 18)
    household, leaving, relation, age, years = (c[kept] for c in (household, leaving, relation, age, years))
    count = len(household)
    model = reference[household]
    own_line = np.isin(leaving, (GROWN_CHILD, PARENT_DIED, PARTNER_DIED))
    female = np.where(relation == PARTNER, ~people.is_female[model], happens(rng, 0.5, count))
    leavers = People(
        household=np.arange(count),
        relation=relation,
        age=age.astype(np.int64),
        birth=(today - (age * DAYS_A_YEAR).astype(np.int64) - 1).astype(np.int64),
        is_female=female,
        family=people.family[model],
        category=np.where(
            own_line | happens(rng, 0.93, count),
            people.category[model],
            people.category[rng.integers(len(people), size=count)] if count else people.category[:0],
        ),
    )
    return Departures(leavers, household, leaving, today - (years * DAYS_A_YEAR).astype(np.int64) - 1)


_Drawn = tuple[Whole, Whole, Whole, Floats, Floats]


def _of_kind(
    rng: np.random.Generator, kind: _Kind, households: Households, people: People, reference: Whole
) -> _Drawn:
    """Return household, leaving, relation, age and years since leaving of the leavers of one kind."""
    age = np.where(reference >= 0, people.age[np.maximum(reference, 0)], -1)
    homes = np.flatnonzero(
        np.isin(households.composition, kind.homes) & (age >= kind.ages[0]) & (age <= kind.ages[1])
    )
    wanted = kind.rate * kind.years * len(households)
    homes = homes[happens(rng, min(1.0, wanted / max(1, len(homes))), len(homes))]
    count = len(homes)
    ages = age[homes] + rng.normal(kind.older[0], kind.older[1], count)
    return (
        homes,
        np.full(count, kind.leaving),
        np.full(count, kind.relation),
        np.clip(ages, *kind.limits),
        rng.uniform(0, kind.years, count),
    )


def _sharers(rng: np.random.Generator, households: Households, people: People, reference: Whole) -> _Drawn:
    """Return the same for people who left a shared home that others still live in."""
    shared = np.flatnonzero(np.isin(households.composition, _SHARED_HOMES))
    places = np.repeat(shared, households.adults[shared])
    homes = places[happens(rng, _SHARERS_LEAVE * _YEARS_LEFT, len(places))]
    count = len(homes)
    ages = people.age[reference[homes]] + rng.normal(0, 6, count)
    return (
        homes,
        np.full(count, LEFT_SHARED),
        np.full(count, SHARER),
        np.clip(ages, 19, 75),
        rng.uniform(0, _YEARS_LEFT, count),
    )
