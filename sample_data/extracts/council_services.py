"""Which council services know which people, and at which dwelling: the people list before it is written."""

from dataclasses import dataclass

import numpy as np

from sample_data.housing.housing import Housing
from sample_data.population.draws import Flags, Floats, Texts, Whole, happens
from sample_data.population.households import (
    ASSOCIATION,
    CARE_HOME,
    COUNCIL,
    PRIVATE,
    STUDENT_HALL,
    Households,
)
from sample_data.population.moves import Population
from sample_data.population.people import PARTNER, REFERENCE
from sample_data.settings import DefectRates

SERVICES = np.array(
    [
        "council_tax",
        "electoral_register",
        "school_census",
        "benefits",
        "housing",
        "adult_social_care",
        "childrens_services",
    ]
)
TAX, REGISTER, SCHOOL, BENEFITS, HOUSING, SOCIAL_CARE, CHILDRENS = range(7)

#: Categories whose adults are mostly British, Irish or Commonwealth citizens, who may register to vote.
_ELECTORS = ("A", "B", "D", "E", "F", "G", "H", "J", "K", "M", "N", "P")
#: Share of electors who are registered where they live, by age. Electoral Commission, 2023 report: Electoral
#: registers in the UK (registers of December 2022, Great Britain): 86% in all, rising from three in five at
#: 18 to 19 to 96% at 65 and over. Bands between are rounded.
_AGE_EDGES = (20, 25, 35, 45, 55, 65)
_REGISTERED = np.array([0.60, 0.67, 0.73, 0.83, 0.89, 0.93, 0.96])
#: The same report: fewest among private renters (65%) and among people who moved in within a year (39%).
_REGISTERED_PRIVATE, _REGISTERED_SOCIAL, _REGISTERED_FIRST_YEAR = 0.85, 0.93, 0.5
#: Of people who are mostly citizens of other countries, some may register too; no figure published.
_REGISTERED_OTHERS = 0.45
#: A partner is liable for council tax with the person named first (Local Government Finance Act 1992, s. 9);
#: how many accounts name both is not published.
_PARTNER_ON_ACCOUNT = 0.6


@dataclass
class KnownPeople:
    """One row per person and service.

    status: current, stale_previous_occupier, overlapping_account or non_resident_owner (then only the name
    of `person` is used). is_known: for each household, whether the council has its current address.
    """

    person: Whole
    dwelling: Whole
    service: Whole
    status: Texts
    is_known: Flags

    def rows(self, positions: Whole) -> "KnownPeople":
        """Return the rows at these positions."""
        return KnownPeople(
            self.person[positions],
            self.dwelling[positions],
            self.service[positions],
            self.status[positions],
            self.is_known,
        )


def known_people(
    rng: np.random.Generator,
    households: Households,
    housing: Housing,
    population: Population,
    rates: DefectRates,
    today: int,
) -> KnownPeople:
    """Return everyone on record at a council service."""
    people = population.people
    resident = np.flatnonzero(population.is_resident)
    household = people.household[resident]
    communal = np.isin(households.composition[household], (CARE_HOME, STUDENT_HALL))
    # moves are reported to the council a month later on average
    is_known = households.years_here * 365 >= rng.exponential(30, len(households))
    person = resident[~communal & ~(~is_known[household] & (people.age[resident] >= 18))]
    service = _best_service(rng, population, housing, person, today)
    person, service = person[service >= 0], service[service >= 0]
    other = _second_service(rng, people.age[person], service)
    again = happens(rng, rates.council_person_second_service, len(person)) & (other != service)
    overlap = person[happens(rng, rates.overlapping_account, len(person)) & (people.age[person] >= 18)]
    former = np.flatnonzero((population.former_home >= 0) & (people.age >= 18))
    years = (today - population.moved_out[former]) / 365.25
    stale = former[happens(rng, rates.previous_occupier_listed * np.exp(-years / 0.45), len(former))]
    rented = np.flatnonzero((housing.household_of >= 0) & (households.tenure_of_dwelling == PRIVATE))
    owned = rented[happens(rng, rates.landlord_listed, len(rented))]
    adults = np.flatnonzero((people.age > 30) & (people.age < 75))
    owners = adults[rng.integers(len(adults), size=len(owned))] if len(adults) else adults[:0]
    parts = (
        (person, population.home[person], service, "current"),
        (person[again], population.home[person[again]], other[again], "current"),
        (overlap, population.home[overlap], np.full(len(overlap), TAX), "overlapping_account"),
        (
            stale,
            population.former_home[stale],
            np.where(happens(rng, 0.5, len(stale)), TAX, REGISTER),
            "stale_previous_occupier",
        ),
        (owners, owned[: len(owners)], np.full(len(owners), TAX), "non_resident_owner"),
    )
    return KnownPeople(
        person=np.concatenate([part[0] for part in parts]),
        dwelling=np.concatenate([part[1] for part in parts]),
        service=np.concatenate([part[2] for part in parts]),
        status=np.concatenate([np.full(len(part[0]), part[3], dtype="<U24") for part in parts]),
        is_known=is_known,
    )


def _registration_share(population: Population, person: Whole, today: int) -> Floats:
    """Return how probably an adult is on the electoral register, by age, tenure and time in the home."""
    people, tenure = population.people, population.tenure_of_home[person]
    share = _REGISTERED[np.digitize(people.age[person], _AGE_EDGES)]
    share = share * np.select(
        [tenure == PRIVATE, np.isin(tenure, (COUNCIL, ASSOCIATION))],
        [_REGISTERED_PRIVATE, _REGISTERED_SOCIAL],
        default=1.0,
    )
    share = np.where(today - population.moved_in[person] < 365, share * _REGISTERED_FIRST_YEAR, share)
    elector = np.isin(people.category[person], _ELECTORS)
    return np.asarray(np.where(elector, share, share * _REGISTERED_OTHERS))


def _best_service(
    rng: np.random.Generator, population: Population, housing: Housing, person: Whole, today: int
) -> Whole:
    """Return the main service of each person, -1 for no service (one adult in eight, most under-fives)."""
    people = population.people
    age = people.age[person]
    reference = people.relation[person] == REFERENCE
    head = reference | (people.relation[person] == PARTNER)
    support = housing.tax_support[population.home[person]]
    tenant = np.isin(population.tenure_of_home[person], (COUNCIL, ASSOCIATION))
    partner = people.relation[person] == PARTNER
    registered = _registration_share(population, person, today)

    def named(share: Floats | float) -> Flags:
        # Each service keeps its own list, so each has a draw of its own.
        return happens(rng, share, len(person))

    rules = (
        ((age < 5) & named(0.03), CHILDRENS),
        (age < 5, -1),
        ((age <= 16) & named(0.89), SCHOOL),
        (age <= 16, -1),
        ((age < 18) & named(0.5), REGISTER),
        ((age >= 70) & named(0.035), SOCIAL_CARE),
        (head & support & named(0.55), BENEFITS),
        (head & tenant & named(0.75), HOUSING),
        (head & named(0.18), TAX),
        (named(registered), REGISTER),
        (reference & named(0.93), TAX),
        (partner & named(_PARTNER_ON_ACCOUNT), TAX),
    )
    return np.select([rule for rule, _ in rules], [service for _, service in rules], default=-1)


def _second_service(rng: np.random.Generator, age: Whole, service: Whole) -> Whole:
    return np.select(
        [age < 5, age < 18, (age >= 65) & happens(rng, 0.4, len(age)), service == REGISTER],
        [service, np.where(service == SCHOOL, CHILDRENS, SCHOOL), SOCIAL_CARE, TAX],
        default=np.full(len(age), REGISTER),
    )
