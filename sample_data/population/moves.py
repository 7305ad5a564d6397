"""Who lives where, who lived there before, and where they went: the residence truth.

Some former people belonged to a household that still lives in its home (see `departures`).

A dwelling has earlier occupiers if its household moved in within three years. Some of them now live
elsewhere in the block (its present households, in a chain of moves). The others are *former people*:
they left the area or died, and may still be on the council's or the NHS's list.
"""

from dataclasses import dataclass, fields
from datetime import date
from typing import TypeVar

import numpy as np

from sample_data.housing.dwellings import Dwellings
from sample_data.population.departures import NO_LEAVING, WITH_HOUSEHOLD, Departures, depart
from sample_data.population.draws import Flags, Floats, Texts, Whole, happens, stream
from sample_data.population.geography import Block
from sample_data.population.households import (
    CARE_HOME,
    MORTGAGE,
    OUTRIGHT,
    PRIVATE,
    STUDENT_HALL,
    Households,
    people_households,
)
from sample_data.population.names import Names, in_form_of_sex, named, named_after
from sample_data.population.people import CHILD, PARTNER, REFERENCE, People, born

HISTORY_YEARS = 3.0
DAYS_A_YEAR = 365.2425

RESIDENT, LEFT_AREA, DIED = range(3)
Rows = TypeVar("Rows", People, Names)

FATES = np.array(["resident", "left_area", "died"])


@dataclass
class Population:
    """Everyone who may be on a list: residents first, then former people.

    home: the dwelling that they live in, -1 for former people. Their household is one of `households` for
    residents, and one of the former households (numbered after these) for the rest. moved_in, moved_out:
    days since 1970-01-01; moved_out is from `former_home`, -1 where there is none. died: days, 0 while alive.
    leaving: why a former person left (see `departures.LEAVINGS`). registered_with: household whose practice
    and spelling of the address a person's registration has; for someone who left one, the one that remained.
    """

    people: People
    names: Names
    home: Whole
    fate: Whole
    moved_in: Whole
    former_home: Whole
    former_moved_in: Whole
    moved_out: Whole
    died: Whole
    tenure_of_home: Whole
    leaving: Whole
    registered_with: Whole
    residents: int

    def __len__(self) -> int:
        return len(self.home)

    @property
    def resident_people(self) -> People:
        """Only the residents; their `household` indexes the block's households."""
        return People(**{f.name: getattr(self.people, f.name)[: self.residents] for f in fields(self.people)})

    @property
    def is_resident(self) -> Flags:
        return np.asarray(self.fate == RESIDENT)


def populate(
    block: Block, dwellings: Dwellings, households: Households, seed: int, reference_date: date
) -> Population:
    """Draw residents, their moves, and the former people of the block."""
    rng = stream(seed, block.number, "people")
    people = born(rng, households, reference_date)
    names = named(stream(seed, block.number, "names"), people, households)
    today = (reference_date - date(1970, 1, 1)).days
    move = stream(seed, block.number, "moves")
    moved_in_household = today - (households.years_here * DAYS_A_YEAR).astype(np.int64)
    came_from, former = _previous_occupiers(move, block, dwellings, households)
    residents = len(people)
    home = households.dwelling[people.household]
    moved_in = np.maximum(moved_in_household[people.household], people.birth)
    former_home = came_from[people.household]
    former_home = np.where(people.birth < moved_in_household[people.household] - 30, former_home, -1)
    former_people = born(move, former, reference_date)
    former_names = named(move, former_people, former)
    left = today - (former.years_here * DAYS_A_YEAR).astype(np.int64)
    gone = left[former_people.household]
    fate = np.where(
        happens(move, np.clip((former_people.age - 62) / 60, 0, 0.75), len(former_people)), DIED, LEFT_AREA
    )
    arrived = np.maximum(
        gone - move.integers(200, 6000, len(former))[former_people.household], former_people.birth
    )
    arrived = np.minimum(arrived, gone - 1)
    former_people.household = former_people.household + len(households)
    earlier = np.maximum(moved_in - move.integers(200, 4000, len(households))[people.household], people.birth)
    _inherit(move, households, people, names, former, former_people, former_names)
    everyone = Population(
        people=_joined(people, former_people),
        names=_joined(names, former_names),
        home=np.r_[home, np.full(len(former_people), -1)],
        fate=np.r_[np.full(residents, RESIDENT), fate],
        moved_in=np.r_[moved_in, np.zeros(len(former_people), dtype=np.int64)],
        former_home=np.r_[former_home, former.dwelling[former_people.household - len(households)]],
        former_moved_in=np.r_[np.where(former_home >= 0, earlier, -1), arrived],
        moved_out=np.r_[np.where(former_home >= 0, moved_in, -1), gone],
        died=np.r_[np.zeros(residents, dtype=np.int64), np.where(fate == DIED, gone, 0)],
        tenure_of_home=np.r_[
            households.tenure[people.household], former.tenure[former_people.household - len(households)]
        ],
        leaving=np.r_[np.full(residents, NO_LEAVING), np.full(len(former_people), WITH_HOUSEHOLD)],
        registered_with=np.r_[people.household, former_people.household],
        residents=residents,
    )
    leavers = depart(stream(seed, block.number, "departures"), households, people, today)
    return _with_departures(
        stream(seed, block.number, "departed names"), everyone, leavers, households, moved_in_household
    )


def _with_departures(
    rng: np.random.Generator,
    everyone: Population,
    leavers: Departures,
    households: Households,
    moved_in_household: Whole,
) -> Population:
    """Return the population with the members who left its households, as former people."""
    people, names = everyone.people, everyone.names
    family, partner = (np.full(len(households), "", dtype=names.surname.dtype) for _ in range(2))
    for relation, surname in ((REFERENCE, family), (PARTNER, partner)):
        rows = np.flatnonzero((people.relation == relation) & everyone.is_resident)
        surname[people.household[rows]] = names.surname[rows]
    theirs = named_after(rng, leavers.people, family[leavers.household], partner[leavers.household])
    count, home = len(leavers), leavers.household
    leavers.people.household = leavers.people.household + int(people.household.max(initial=-1)) + 1
    former_moved_in = np.minimum(np.maximum(moved_in_household[home], leavers.people.birth), leavers.left - 1)
    return Population(
        people=_joined(people, leavers.people),
        names=_joined(names, theirs),
        home=np.r_[everyone.home, np.full(count, -1)],
        fate=np.r_[everyone.fate, np.where(leavers.is_dead, DIED, LEFT_AREA)],
        moved_in=np.r_[everyone.moved_in, np.zeros(count, dtype=np.int64)],
        former_home=np.r_[everyone.former_home, households.dwelling[home]],
        former_moved_in=np.r_[everyone.former_moved_in, former_moved_in],
        moved_out=np.r_[everyone.moved_out, leavers.left],
        died=np.r_[everyone.died, np.where(leavers.is_dead, leavers.left, 0)],
        tenure_of_home=np.r_[everyone.tenure_of_home, households.tenure[home]],
        leaving=np.r_[everyone.leaving, leavers.leaving],
        registered_with=np.r_[everyone.registered_with, home],
        residents=everyone.residents,
    )


#: Share of owners who moved in recently to a home of their own family; no figure published.
_INHERITED = 0.10


def _inherit(
    rng: np.random.Generator,
    households: Households,
    people: People,
    names: Names,
    former: Households,
    former_people: People,
    former_names: Names,
) -> None:
    """Give the former household of some owned homes the surname of the household that lives there now."""
    heads = np.flatnonzero(people.relation == REFERENCE)
    surname_here = np.full(len(households.tenure_of_dwelling), "", dtype=names.surname.dtype)
    surname_here[households.dwelling[people.household[heads]]] = names.surname[heads]
    owned = np.isin(former.tenure, (OUTRIGHT, MORTGAGE)) & (surname_here[former.dwelling] != "")
    inherited = owned & happens(rng, _INHERITED, len(former))
    household = former_people.household - len(households)
    heads = np.flatnonzero(former_people.relation == REFERENCE)
    surname_then = np.full(len(former), "", dtype=former_names.surname.dtype)
    surname_then[household[heads]] = former_names.surname[heads]
    same = inherited[household] & (former_names.surname == surname_then[household])
    longer = np.promote_types(former_names.surname.dtype, surname_here.dtype)
    former_names.surname = former_names.surname.astype(longer)
    former_names.surname[same] = in_form_of_sex(
        surname_here[former.dwelling[household[same]]], former_people.is_female[same]
    )


def _previous_occupiers(
    rng: np.random.Generator, block: Block, dwellings: Dwellings, households: Households
) -> tuple[Whole, Households]:
    """Return the dwelling that each household came from (-1: outside), and the households that left.

    `years_here` of a former household is the time since it left.
    """
    lasting = ~np.isin(households.composition, (STUDENT_HALL, CARE_HOME))
    recent = np.flatnonzero((households.years_here < HISTORY_YEARS) & lasting)
    inside = recent[happens(rng, 0.38, len(recent))]
    inside = inside[np.argsort(households.years_here[inside], kind="stable")]
    came_from = np.full(len(households), -1)
    # the k-th household to arrive moved out of the dwelling that was filled just after it left
    step = min(3, len(inside) // 2)
    if step:
        came_from[inside[step:]] = households.dwelling[inside[:-step]]
    left_behind = np.setdiff1d(recent, inside)
    vacant = np.flatnonzero(dwellings.kind == "vacant")
    lived_in = np.r_[households.dwelling[left_behind], vacant]
    since = np.r_[households.years_here[left_behind], rng.exponential(0.8, len(vacant))]
    former = people_households(
        rng, block, dwellings, households.tenure_of_dwelling, lived_in, with_establishments=False
    )
    former.years_here = np.minimum(since + rng.exponential(0.05, len(since)), 6.0)
    return came_from, former


def registration_lag(rng: np.random.Generator, population: Population) -> Floats:
    """Return the days until a GP is informed of a move: median four months, mostly by whole households.

    Young adults and private renters take longer, households with children and older people less long. Source:
    NHS Digital, Patients Registered at a GP Practice, April 2022, spotlight report: young, healthy people who
    moved did not make it a priority. ONS, Understanding students across administrative data (2021): two in
    five first-year students had not updated their address within a year.
    """
    people = population.people
    household = people.household
    families = np.bincount(household, weights=people.relation == CHILD) > 0
    longer = np.select(
        [families[household], people.age < 30, people.age >= 65], [0.8, 1.6, 0.7], default=1.0
    ) * np.where(population.tenure_of_home == PRIVATE, 1.15, 1.0)
    shared = rng.lognormal(np.log(120), 1.1, int(household.max(initial=0)) + 1)[household]
    own = rng.lognormal(np.log(120), 1.1, len(household))
    return np.asarray(np.where(happens(rng, 0.8, len(household)), shared, own) * longer)


def _joined(first: Rows, second: Rows) -> Rows:
    return type(first)(
        **{f.name: _stack(getattr(first, f.name), getattr(second, f.name)) for f in fields(first)}
    )


def _stack(first: Texts, second: Texts) -> Texts:
    return np.concatenate([first, second])
