"""The members of households: relation, age, sex and NHS ethnic category, one row each."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from sample_data.population.draws import Floats, Texts, Whole, choose_same, happens, rank_within
from sample_data.population.households import (
    ASIAN,
    BLACK,
    CARE_HOME,
    COUPLE_CHILDREN,
    COUPLE_GROWN,
    COUPLE_MID,
    COUPLE_OLD,
    COUPLE_YOUNG,
    HMO,
    LONE,
    LONE_GROWN,
    MIXED,
    MULTI,
    ONE,
    ONE_OLD,
    OTHER,
    SHARERS,
    STUDENT_HALL,
    WHITE,
    Households,
)

RELATIONS = ("reference_person", "partner", "child", "grown_child", "older_parent", "sharer", "resident")
REFERENCE, PARTNER, CHILD, GROWN, OLDER, SHARER, RESIDENT = range(len(RELATIONS))

#: NHS ethnic categories (2001 set) within each Census family, with England's shares.
_CATEGORIES = {
    WHITE: ("A", "B", "C"),
    ASIAN: ("H", "J", "K", "L", "R"),
    BLACK: ("M", "N", "P"),
    MIXED: ("D", "E", "F", "G"),
    OTHER: ("S",),
}
_CATEGORY_SHARES = {
    WHITE: (0.895, 0.02, 0.085),
    ASIAN: (0.30, 0.38, 0.08, 0.16, 0.08),
    BLACK: (0.30, 0.62, 0.08),
    MIXED: (0.36, 0.16, 0.26, 0.22),
    OTHER: (1.0,),
}

#: Age of the reference person by composition: triangular (lowest, commonest, highest).
_REFERENCE_AGE = {
    ONE_OLD: (66, 71, 99),
    ONE: (21, 56, 66),
    COUPLE_OLD: (66, 68, 93),
    COUPLE_YOUNG: (20, 29, 44),
    COUPLE_MID: (44, 62, 66),
    COUPLE_CHILDREN: (23, 42, 60),
    COUPLE_GROWN: (45, 58, 76),
    LONE: (19, 38, 58),
    LONE_GROWN: (40, 55, 88),
    MULTI: (28, 40, 58),
    SHARERS: (19, 27, 66),
    HMO: (19, 26, 58),
    CARE_HOME: (68, 87, 102),
    STUDENT_HALL: (18, 19, 24),
}


@dataclass
class People:
    """One row per person; `household` indexes the household that they belong to.

    age: whole years at the reference date. birth: days since 1970-01-01.
    """

    household: Whole
    relation: Whole
    age: Whole
    birth: Whole
    is_female: np.ndarray[tuple[int], np.dtype[np.bool_]]
    family: Whole
    category: Texts

    def __len__(self) -> int:
        return len(self.household)


def born(rng: np.random.Generator, households: Households, reference_date: date) -> People:
    """Draw the members of each household, reference person first."""
    household = np.repeat(np.arange(len(households)), households.size)
    place = rank_within(household)
    composition = households.composition[household]
    adults = households.adults[household]
    relation = _relations(composition, place, adults)
    reference_age = _triangular(rng, households.composition)
    age = _ages(rng, households, household, relation, reference_age)
    age = np.where(relation == CHILD, np.clip(age, 0, 18), np.clip(age, 16, 105))
    family = households.family[household]
    mixed_couple = happens(rng, 0.07, len(households))[household]
    partner_family = choose_same(rng, (0.7, 0.15, 0.08, 0.04, 0.03), len(household))
    family = np.where(mixed_couple & (relation == PARTNER), partner_family, family)
    days_of_age = age * 365.2425 + rng.uniform(0.5, 364.5, len(age))
    birth = (reference_date - date(1970, 1, 1)).days - days_of_age.astype(np.int64)
    return People(
        household=household,
        relation=relation,
        age=age.astype(np.int64),
        birth=birth.astype(np.int64),
        is_female=_sexes(rng, composition, relation, household, age),
        family=family,
        category=_categories(rng, households, family, household, relation, mixed_couple),
    )


def _relations(composition: Whole, place: Whole, adults: Whole) -> Whole:
    couple = np.isin(
        composition, (COUPLE_OLD, COUPLE_YOUNG, COUPLE_MID, COUPLE_CHILDREN, COUPLE_GROWN, MULTI)
    )
    establishment = np.isin(composition, (CARE_HOME, STUDENT_HALL))
    shared = np.isin(composition, (SHARERS, HMO))
    return np.select(
        [
            establishment,
            place == 0,
            couple & (place == 1),
            place >= adults,
            composition == MULTI,
            shared,
        ],
        [RESIDENT, REFERENCE, PARTNER, CHILD, OLDER, SHARER],
        default=GROWN,
    )


def _triangular(rng: np.random.Generator, composition: Whole) -> Floats:
    table = np.array([_REFERENCE_AGE[c] for c in range(len(_REFERENCE_AGE))], dtype=float)[composition]
    return rng.triangular(table[:, 0], table[:, 1], table[:, 2])


def _ages(
    rng: np.random.Generator, households: Households, household: Whole, relation: Whole, reference: Floats
) -> Floats:
    count = len(household)
    own = reference[household]
    # the eldest dependent child has any age that the parent's age allows; others follow about 2.5 years apart
    eldest = (np.minimum(18.9, np.maximum(reference - 17, 1)) * rng.beta(1.5, 0.9, len(households)))[
        household
    ]
    order = np.maximum(rank_within(household) - households.adults[household], 0)
    child = eldest - order * rng.uniform(1.6, 3.4, count)
    child = np.where(child < 0, eldest * rng.random(count), child)
    grown = np.clip(own - rng.normal(33, 5, count), 18.5, 48)
    own_establishment = _triangular(rng, households.composition[household])
    return np.floor(  # type: ignore[no-any-return]
        np.select(
            [
                relation == REFERENCE,
                relation == PARTNER,
                relation == CHILD,
                relation == GROWN,
                relation == OLDER,
                relation == RESIDENT,
            ],
            [
                own,
                np.maximum(own + rng.normal(-1.3, 4.0, count), 18),
                child,
                grown,
                own + rng.uniform(22, 34, count),
                own_establishment,
            ],
            default=np.clip(own + rng.normal(0, 6, count), 18, 75),
        )
    )


def _sexes(
    rng: np.random.Generator, composition: Whole, relation: Whole, household: Whole, age: Floats
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    count = len(composition)
    female = happens(rng, 0.49, count)
    first = np.flatnonzero(np.r_[True, household[1:] != household[:-1]])
    share = np.select(
        [
            composition[first] == ONE_OLD,
            np.isin(composition[first], (LONE, LONE_GROWN)),
            composition[first] == ONE,
        ],
        [0.65, 0.86, 0.44],
        default=0.42,
    )
    reference = happens(rng, share, len(first))
    opposite = happens(rng, 0.98, len(first))
    female = np.where(relation == REFERENCE, reference[household], female)
    female = np.where(relation == PARTNER, reference[household] ^ opposite[household], female)
    return np.where((relation == RESIDENT) & (age > 60), happens(rng, 0.68, count), female)


def _categories(
    rng: np.random.Generator,
    households: Households,
    family: Whole,
    household: Whole,
    relation: Whole,
    mixed_couple: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Texts:
    """Return one category for a household's family; children of a mixed couple have a mixed category."""
    own = np.empty(len(households), dtype="<U1")
    other = np.empty(len(household), dtype="<U1")
    for code, names in _CATEGORIES.items():
        mine = households.family == code
        own[mine] = np.array(names)[choose_same(rng, _CATEGORY_SHARES[code], int(mine.sum()))]
        theirs = family == code
        other[theirs] = np.array(names)[choose_same(rng, _CATEGORY_SHARES[code], int(theirs.sum()))]
    result = np.where(family == households.family[household], own[household], other)
    stranger = np.isin(relation, (SHARER, RESIDENT))
    result = np.where(stranger, other, result)
    mixed = np.array(_CATEGORIES[MIXED])[choose_same(rng, _CATEGORY_SHARES[MIXED], len(household))]
    has_partner = (
        np.bincount(household, weights=relation == PARTNER, minlength=len(households))[household] > 0
    )
    return np.where(mixed_couple & has_partner & np.isin(relation, (CHILD, GROWN)), mixed, result)
