"""Who is registered where: the rows of the NHS list before they are written.

A patient who moved without telling the GP is at the former address (stale). A patient who left or
died and is still registered is a ghost. Some patients appear twice. Earlier addresses have an end date.
"""

from dataclasses import dataclass, fields

import numpy as np

from sample_data.population.departures import GROWN_CHILD
from sample_data.population.draws import Texts, Whole, happens
from sample_data.population.households import CARE_HOME, LONE
from sample_data.population.inhabit import InhabitedBlock
from sample_data.population.moves import DIED, LEFT_AREA, registration_lag
from sample_data.population.people import CHILD
from sample_data.settings import DefectRates

#: Statuses of rows that are not a patient's main registration.
SECOND_ROWS = (
    "earlier_spell",
    "shared_custody",
    "duplicate",
    "care_home_at_former_home",
    "temporary_address",
    "correspondence_address",
)


@dataclass
class Registrations:
    """One row per patient and address spell. start, end: days since 1970; end is 0 for an open spell."""

    person: Whole
    dwelling: Whole
    status: Texts
    start: Whole
    end: Whole

    def __len__(self) -> int:
        return len(self.person)

    def rows(self, positions: Whole) -> "Registrations":
        """Return the rows at these positions."""
        return Registrations(*(getattr(self, f.name)[positions] for f in fields(self)))


def register(rng: np.random.Generator, drawn: InhabitedBlock, rates: DefectRates) -> Registrations:
    """Return every registration of the block, main registrations first."""
    population, today = drawn.population, drawn.today
    people = population.people
    lag = registration_lag(rng, population)
    reported = (today - population.moved_in) >= lag
    registered = population.is_resident & ~happens(rng, rates.unregistered, len(people))
    settled = registered & reported
    # people from outside are on no list of this area until they register; three in five do so immediately
    arrived = registered & ~reported & (population.former_home < 0)
    immediate = arrived & (happens(rng, 0.6, len(people)) | (people.age == 0))
    delay = np.where(settled, np.minimum(lag, today - population.moved_in), 0).astype(np.int64)
    since = np.maximum(population.moved_in + delay, people.birth)
    current = np.flatnonzero(settled | immediate)
    stale = np.flatnonzero(registered & ~reported & (population.former_home >= 0))
    moved = np.flatnonzero(settled & (population.former_home >= 0))
    late = np.where(happens(rng, rates.overlapping_spell, len(moved)), rng.integers(5, 90, len(moved)), 0)
    years = (today - population.moved_out) / 365.25
    # Students keep the practice of their parents' home for longest.
    student = (population.leaving == GROWN_CHILD) & (people.age - years < 20)
    still = np.where(
        student,
        rates.student_still_registered * np.exp(-years / 2.0),
        rates.left_still_registered * np.exp(-years / 1.6),
    )
    left = np.flatnonzero((population.fate == LEFT_AREA) & happens(rng, still, len(people)))
    dead = np.flatnonzero(population.fate == DIED)
    wanted = rates.deceased_still_registered * len(current) / max(1, len(dead))
    dead = dead[happens(rng, min(1.0, wanted), len(dead))]
    former, former_since = population.former_home, population.former_moved_in
    return _together(
        [
            _spell(current, population.home[current], "current", since[current]),
            _spell(stale, former[stale], "stale_in_area", former_since[stale]),
            _spell(left, former[left], "ghost_left", former_since[left]),
            _spell(dead, former[dead], "ghost_deceased", former_since[dead]),
            Registrations(
                moved, former[moved], _named("earlier_spell", moved), former_since[moved], since[moved] + late
            ),
            *_second_rows(rng, drawn, rates, current, since),
        ]
    )


def _second_rows(
    rng: np.random.Generator, drawn: InhabitedBlock, rates: DefectRates, current: Whole, since: Whole
) -> list[Registrations]:
    """Return shared-custody children, duplicates, care-home residents at a former home, other addresses.

    current: people with a main registration at their home. since: start of that registration, by person.
    """
    population, today = drawn.population, drawn.today
    people = population.people
    composition = drawn.households.composition[people.household[current]]
    lived_in = np.flatnonzero(drawn.dwellings.kind == "household")

    def some(who: Whole, share: float) -> Whole:
        return who[happens(rng, share, len(who))]

    def anywhere(who: Whole) -> Whole:
        return lived_in[rng.integers(len(lived_in), size=len(who))]

    twice = some(
        current[(people.relation[current] == CHILD) & (composition == LONE)], rates.shared_custody_twice
    )
    again = some(current, rates.duplicate_registration)
    still_home = some(current[composition == CARE_HOME], rates.care_home_at_former_home)
    away = some(current, rates.temporary_address)
    by_post = some(current, rates.correspondence_address)
    return [
        _spell(twice, anywhere(twice), "shared_custody", today - 1 - rng.integers(0, 700, len(twice))),
        _spell(again, population.home[again], "duplicate", since[again]),
        _spell(
            still_home,
            anywhere(still_home),
            "care_home_at_former_home",
            np.maximum(people.birth[still_home], since[still_home] - 9000),
        ),
        _spell(away, anywhere(away), "temporary_address", today - 1 - rng.integers(0, 300, len(away))),
        _spell(by_post, anywhere(by_post), "correspondence_address", since[by_post]),
    ]


def _spell(person: Whole, dwelling: Whole, status: str, start: Whole) -> Registrations:
    """Return open-ended spells of one status."""
    return Registrations(
        person, dwelling, _named(status, person), start, np.zeros(len(person), dtype=np.int64)
    )


def _named(status: str, person: Whole) -> Texts:
    return np.full(len(person), status, dtype="<U26")


def _together(parts: list[Registrations]) -> Registrations:
    return Registrations(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Registrations))
    )
