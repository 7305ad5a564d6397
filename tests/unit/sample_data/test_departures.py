"""People who left a household that is still in its home, and how complete the electoral roll is."""

import numpy as np
import pytest

from sample_data.extracts.council_services import _registration_share
from sample_data.population.departures import (
    EX_PARTNER,
    GROWN_CHILD,
    LEFT_SHARED,
    NO_LEAVING,
    PARENT_DIED,
    PARTNER_DIED,
    WITH_HOUSEHOLD,
)
from sample_data.population.moves import DIED
from sample_data.population.people import REFERENCE


@pytest.fixture(scope="module")
def population(inhabited):
    return inhabited[0].population


def test_leavers_lived_in_a_home_whose_household_is_still_there(inhabited, population):
    left = population.leaving > WITH_HOUSEHOLD
    remaining = population.registered_with[left]
    assert (population.home[left] == -1).all()
    assert (inhabited[0].households.dwelling[remaining] == population.former_home[left]).all()
    assert (population.former_moved_in[left] < population.moved_out[left]).all()
    residents = population.leaving[: population.residents]
    assert (residents == NO_LEAVING).all()


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [(GROWN_CHILD, 0.55, 0.95), (PARTNER_DIED, 0.5, 0.9), (EX_PARTNER, 0.4, 0.85), (LEFT_SHARED, 0.0, 0.05)],
)
def test_relatives_mostly_have_the_surname_of_the_household_and_sharers_have_not(population, kind, low, high):
    people, names = population.people, population.names
    family = np.full(int(people.household.max()) + 1, "", dtype=names.surname.dtype)
    heads = np.flatnonzero(people.relation[: population.residents] == REFERENCE)
    family[people.household[heads]] = names.surname[heads]
    here = np.flatnonzero(population.leaving == kind)
    assert len(here) > 50
    assert low <= (names.surname[here] == family[population.registered_with[here]]).mean() <= high


def test_parents_are_a_generation_older_and_grown_children_a_generation_younger(population):
    people = population.people
    age = np.zeros(int(people.household.max()) + 1)
    heads = np.flatnonzero(people.relation[: population.residents] == REFERENCE)
    age[people.household[heads]] = people.age[heads]
    for kind, low, high in ((PARENT_DIED, 18, 45), (GROWN_CHILD, -45, -14)):
        here = population.leaving == kind
        older = people.age[here] - age[population.registered_with[here]]
        assert low < np.median(older) < high


def test_only_those_whose_leaving_is_a_death_are_dead(population):
    dead = np.isin(population.leaving, (PARTNER_DIED, PARENT_DIED))
    assert (population.fate[dead] == DIED).all()
    assert (population.died[dead] == population.moved_out[dead]).all()
    left = np.isin(population.leaving, (GROWN_CHILD, EX_PARTNER, LEFT_SHARED))
    assert (population.died[left] == 0).all()


def test_the_electoral_roll_is_most_complete_for_older_people_who_own_and_stayed(inhabited):
    drawn = inhabited[0]
    people, population = drawn.population.people, drawn.population
    adults = np.flatnonzero(population.is_resident & (people.age >= 18))
    share = _registration_share(population, adults, drawn.today)
    age, tenure = people.age[adults], population.tenure_of_home[adults]
    settled = drawn.today - population.moved_in[adults] >= 365
    old, young = share[settled & (age >= 65) & (tenure == 0)], share[settled & (age < 25)]
    assert np.median(old) == pytest.approx(0.96)
    assert young.mean() < 0.7
    assert share[~settled].mean() < 0.6 * share[settled].mean()
    assert share[tenure == 2].mean() < share[tenure == 0].mean() - 0.15
