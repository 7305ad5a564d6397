"""The households of a block: tenure, composition, and the dwelling that each lives in.

Tenure and occupancy rating meet each LSOA's Census margin exactly (except that a one-person household
cannot be overcrowded). Ethnic family and composition are drawn, given tenure and dwelling type.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.housing.dwellings import PURPOSE_BUILT, TERRACED, Dwellings
from sample_data.population.draws import Floats, Whole, allot, choose, choose_same, happens, stream
from sample_data.population.geography import Block

OUTRIGHT, MORTGAGE, PRIVATE, COUNCIL, ASSOCIATION = range(5)
WHITE, ASIAN, BLACK, MIXED, OTHER = range(5)

COMPOSITIONS = (
    "one_person_over_65",
    "one_person",
    "couple_over_65",
    "couple_young",
    "couple_mid",
    "couple_children",
    "couple_grown_children",
    "lone_parent",
    "lone_parent_grown_children",
    "multi_generation",
    "sharers",
    "house_in_multiple_occupation",
    "care_home",
    "student_hall",
)
(
    ONE_OLD,
    ONE,
    COUPLE_OLD,
    COUPLE_YOUNG,
    COUPLE_MID,
    COUPLE_CHILDREN,
    COUPLE_GROWN,
    LONE,
    LONE_GROWN,
    MULTI,
    SHARERS,
    HMO,
    CARE_HOME,
    STUDENT_HALL,
) = range(len(COMPOSITIONS))

#: Shares of England (Census 2021), and factors for tenure, ethnic family and dwelling type.
_BASE = np.array([0.143, 0.185, 0.118, 0.074, 0.098, 0.168, 0.070, 0.064, 0.044, 0.020, 0.050])
_BY_TENURE = np.array(
    [
        [1.9, 0.7, 2.6, 0.3, 1.3, 0.45, 1.3, 0.25, 1.1, 1.0, 0.3],
        [0.15, 0.8, 0.1, 1.6, 1.3, 1.9, 1.4, 0.6, 0.9, 1.1, 0.4],
        [0.4, 1.3, 0.3, 1.8, 0.6, 0.9, 0.4, 1.5, 0.6, 0.8, 2.6],
        [1.3, 1.3, 0.6, 0.5, 0.5, 0.7, 0.6, 2.6, 1.6, 1.0, 0.7],
        [1.4, 1.3, 0.6, 0.5, 0.5, 0.7, 0.6, 2.5, 1.5, 0.9, 0.7],
    ]
)
_BY_FAMILY = np.array(
    [
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        [0.3, 0.6, 0.5, 1.1, 0.8, 1.7, 1.2, 0.6, 0.8, 6.0, 1.4],
        [0.4, 1.1, 0.4, 0.8, 0.6, 1.0, 0.8, 2.3, 1.6, 1.5, 1.6],
        [0.3, 1.3, 0.3, 1.3, 0.6, 1.0, 0.6, 2.2, 1.1, 1.0, 1.3],
        [0.3, 0.9, 0.4, 1.2, 0.7, 1.5, 1.0, 0.9, 0.8, 3.0, 1.8],
    ]
)
_BY_TYPE = np.array(
    [
        [0.7, 0.5, 1.3, 0.7, 1.3, 1.5, 1.4, 0.4, 0.8, 1.3, 0.7],
        [1.0, 0.8, 1.1, 0.8, 1.1, 1.2, 1.2, 1.0, 1.1, 1.2, 0.8],
        [0.9, 1.0, 0.8, 1.0, 0.9, 1.0, 1.0, 1.3, 1.1, 1.1, 1.1],
        [1.3, 1.7, 0.8, 1.4, 0.7, 0.35, 0.3, 0.7, 0.6, 0.2, 1.2],
        [0.8, 1.9, 0.5, 1.7, 0.7, 0.3, 0.2, 0.6, 0.5, 0.2, 1.6],
        [0.7, 1.9, 0.5, 1.7, 0.7, 0.4, 0.3, 0.6, 0.5, 0.4, 1.8],
    ]
)
#: People per household by ethnic family. The Census margin is of people, not of households.
_PEOPLE_PER_HOUSEHOLD = np.array([2.3, 3.1, 2.6, 2.5, 2.9])

#: Moves a year by tenure (private 23%, social 6%, owners 5%), for the years since a household moved in.
_MOVES_A_YEAR = np.array([0.035, 0.065, 0.23, 0.06, 0.06])

_CHILDREN = np.array([0.0, 0.38, 0.43, 0.14, 0.04, 0.01])
_CHILDREN_LONE = np.array([0.0, 0.55, 0.31, 0.11, 0.03, 0.0])
_CHILDREN_ASIAN = np.array([0.0, 0.27, 0.40, 0.22, 0.08, 0.03])


@dataclass
class Households:
    """One row per household (or communal establishment); `dwelling` indexes the block's dwellings.

    tenure_of_dwelling: tenure of every dwelling, including vacant ones. years_here: years since moving in.
    """

    dwelling: Whole
    tenure: Whole
    family: Whole
    composition: Whole
    children: Whole
    adults: Whole
    size: Whole
    years_here: Floats
    tenure_of_dwelling: Whole

    def __len__(self) -> int:
        return len(self.dwelling)


def settle(block: Block, dwellings: Dwellings, seed: int) -> Households:
    """Return the households of a block; sets `dwellings.kind` for vacant, HMO and communal dwellings.

    There are exactly `block.households` households; establishments replace vacant dwellings.
    """
    rng = stream(seed, block.number, "households")
    count = len(dwellings)
    dwelling_rank = np.array([0.0, 0.5, 1.2, 1.9, 1.9, 1.9])[dwellings.dwelling_type]
    tenure = allot(
        dwellings.area,
        dwelling_rank + rng.normal(0, 1.0, count),
        np.array([area.tenure for area in block.areas]),
    )
    _empty_some(rng, block, dwellings, tenure)
    _open_establishments(rng, block, dwellings)
    lived_in = np.flatnonzero(dwellings.kind == "household")
    return people_households(rng, block, dwellings, tenure, lived_in, with_establishments=True)


def people_households(
    rng: np.random.Generator,
    block: Block,
    dwellings: Dwellings,
    tenure: Whole,
    lived_in: Whole,
    with_establishments: bool,
) -> Households:
    """Draw a household for each dwelling of `lived_in` (also used for former occupiers)."""
    kind = dwellings.dwelling_type[lived_in]
    margins = np.array([area.ethnic_family for area in block.areas]) / _PEOPLE_PER_HOUSEHOLD
    family = choose(rng, margins[dwellings.area[lived_in]])
    its_tenure = tenure[lived_in]
    composition = choose(rng, _BASE * _BY_TENURE[its_tenure] * _BY_FAMILY[family] * _BY_TYPE[kind])
    if with_establishments:
        shared = (its_tenure == PRIVATE) & (kind <= TERRACED) & happens(rng, 0.035, len(lived_in))
        composition[shared] = HMO
        dwellings.kind[lived_in[shared]] = "hmo"
        homes = np.flatnonzero(np.isin(dwellings.kind, ("care_home", "student_hall")))
        lived_in = np.r_[lived_in, homes]
        its_tenure = np.r_[its_tenure, tenure[homes]]
        family = np.r_[family, choose(rng, margins[dwellings.area[homes]])]
        composition = np.r_[
            composition, np.where(dwellings.kind[homes] == "care_home", CARE_HOME, STUDENT_HALL)
        ]
    children, adults = _sizes(rng, family, composition)
    years = rng.exponential(1 / _MOVES_A_YEAR[its_tenure])
    years[composition == STUDENT_HALL] = rng.uniform(0.4, 0.7, int((composition == STUDENT_HALL).sum()))
    return Households(
        dwelling=lived_in,
        tenure=its_tenure,
        family=family,
        composition=composition,
        children=children,
        adults=adults,
        size=children + adults,
        years_here=np.minimum(years, 45.0),
        tenure_of_dwelling=tenure,
    )


def _empty_some(rng: np.random.Generator, block: Block, dwellings: Dwellings, tenure: Whole) -> None:
    """Mark dwellings as vacant where an LSOA has more dwellings than households, rented flats first."""
    weight = np.where(dwellings.dwelling_type >= PURPOSE_BUILT, 2.0, 1.0) * np.where(
        tenure == PRIVATE, 2.0, 1.0
    )
    key = rng.exponential(size=len(dwellings)) / weight
    order = np.lexsort((key, dwellings.area))
    position = np.empty(len(dwellings), dtype=np.int64)
    totals = np.bincount(dwellings.area, minlength=len(block.areas))
    starts = np.r_[0, np.cumsum(totals)[:-1]]
    position[order] = np.arange(len(dwellings)) - starts[dwellings.area[order]]
    surplus = totals - np.array([area.households for area in block.areas])
    dwellings.kind[position < surplus[dwellings.area]] = "vacant"


def _open_establishments(rng: np.random.Generator, block: Block, dwellings: Dwellings) -> None:
    """Turn some vacant houses into care homes (one per 2,800 households) and one student hall per block."""
    vacant = np.flatnonzero((dwellings.kind == "vacant") & ~dwellings.is_flat)
    homes = min(round(block.households / 2800), len(vacant) // 3)
    halls = 1 if block.households >= 8000 and len(vacant) > homes + 1 else 0
    picked = rng.permutation(vacant)[: homes + halls]
    dwellings.kind[picked[:homes]] = "care_home"
    dwellings.kind[picked[homes:]] = "student_hall"
    taken = np.isin(dwellings.kind, ("care_home", "student_hall"))
    names = np.array(
        ["THE GRANGE", "HILL VIEW", "ST ANNES HOUSE", "BEECHWOOD HALL", "THE LAURELS", "ROWAN COURT"]
    )
    dwellings.building[taken] = names[rng.integers(len(names), size=int(taken.sum()))]


def _sizes(rng: np.random.Generator, family: Whole, composition: Whole) -> tuple[Whole, Whole]:
    """Return the numbers of children (dependent, under 19) and of adults."""
    count = len(family)
    weights = np.where(np.isin(family, (ASIAN, OTHER))[:, None], _CHILDREN_ASIAN, _CHILDREN)
    weights = np.where((composition == LONE)[:, None], _CHILDREN_LONE, weights)
    children = np.where(
        np.isin(composition, (COUPLE_CHILDREN, LONE, MULTI)),
        choose(rng, weights),
        np.where((composition == SHARERS) & happens(rng, 0.15, count), 1, 0),
    )
    grown = 1 + choose_same(rng, (0.60, 0.31, 0.09), count)
    extra = happens(rng, 0.10, count).astype(np.int64)
    adults = np.select(
        [
            np.isin(composition, (ONE_OLD, ONE, LONE)),
            np.isin(composition, (COUPLE_OLD, COUPLE_YOUNG, COUPLE_MID)),
            composition == COUPLE_CHILDREN,
            composition == COUPLE_GROWN,
            composition == LONE_GROWN,
            composition == MULTI,
            composition == SHARERS,
            composition == HMO,
            composition == CARE_HOME,
        ],
        [
            np.ones(count, dtype=np.int64),
            np.full(count, 2),
            2 + extra,
            2 + grown,
            1 + grown,
            3 + choose_same(rng, (0.6, 0.4), count),
            2 + choose_same(rng, (0.66, 0.24, 0.10), count),
            3 + choose_same(rng, (0.30, 0.28, 0.22, 0.12, 0.06, 0.02), count),
            rng.integers(18, 58, count),
        ],
        default=rng.integers(60, 160, count),
    )
    return children, adults
