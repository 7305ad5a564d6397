"""Who of a linked group lives at its dwelling: the evidence on members who are not on its list."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from elm_road import listed, patient, place

from pipeline.link.comparison import SCORECARDS
from pipeline.link.model import default_model

Rows = list[dict[str, Any]]
Link = Callable[[Rows, Rows, Rows], Any]

FAMILY = [listed("c1", "D1", "Ada Byron"), listed("c2", "D1", "Percy Byron")]
PARENTS = [patient("n1", 1, "Ada Byron", 1950, "11"), patient("n2", 1, "Percy Byron", 1948, "11")]


def weight_of(linked: Link, people: Rows, patients: Rows, record: str = "n9", **home: Any) -> float:
    """The residence weight of one member of the household at 1 Elm Road."""
    result = linked([place("D1", 1, "11", **home)], people, patients)
    weight: float = result.residents[record]["residence_match_weight"]
    return weight


def stranger(born: int = 1960, **more: Any) -> dict[str, Any]:
    return patient("n9", 1, "Mary Shelley", born, "11", **more)


def relative(born: int, **more: Any) -> dict[str, Any]:
    return patient("n9", 1, "Rosa Byron", born, "11", **more)


def test_an_old_relative_who_is_not_listed_is_split_off_and_a_young_one_is_not(linked: Link) -> None:
    kept = {}
    for born in (1930, 1945, 1990, 2015):
        result = linked([place("D1", 1, "11")], FAMILY, [*PARENTS, relative(born)])
        kept[born] = result.dwelling_of("n9") == "D1"
    assert kept == {1930: False, 1945: False, 1990: True, 2015: True}


def test_a_listed_adult_whom_no_member_explains_speaks_for_an_unlisted_relative(linked: Link) -> None:
    explained = weight_of(linked, FAMILY, [*PARENTS, relative(1950)])
    spare = weight_of(linked, [*FAMILY, listed("c3", "D1", "Kate Byron")], [*PARENTS, relative(1950)])
    a_pupil = listed("c3", "D1", "Kate Byron", service="school_census")
    assert spare > explained + 1
    assert weight_of(linked, [*FAMILY, a_pupil], [*PARENTS, relative(1950)]) == pytest.approx(explained)


def test_each_further_adult_who_is_not_listed_makes_the_others_less_likely(linked: Link) -> None:
    others = [patient(f"m{n}", 1, f"{name} Keats", 1961, "11") for n, name in enumerate(("John", "Tom"))]
    weights = [weight_of(linked, FAMILY, [*PARENTS, stranger(), *others[:n]]) for n in (0, 1, 2)]
    assert weights[0] > weights[1] >= weights[2]


def test_a_closed_registration_does_not_count_as_another_unlisted_adult(linked: Link) -> None:
    left = patient("m1", 1, "John Keats", 1961, "11", address_end=date(2025, 3, 1))
    alone = weight_of(linked, FAMILY, [*PARENTS, stranger()])
    assert weight_of(linked, FAMILY, [*PARENTS, stranger(), left]) == pytest.approx(alone)


def test_a_claimed_single_adult_discount_counts_against_a_second_adult(linked: Link) -> None:
    people, patients = FAMILY[:1], [PARENTS[0], stranger()]
    unknown, claimed, not_claimed = (
        weight_of(linked, people, patients, single_person_discount=value) for value in (None, True, False)
    )
    assert claimed < unknown - 1
    assert not_claimed > unknown


def test_a_spell_that_began_before_the_listed_people_came_counts_against_the_member(linked: Link) -> None:
    came = {"address_start": date(2020, 1, 1)}
    household = [{**person, **came} for person in PARENTS]

    def since(day: date | None) -> float:
        return weight_of(linked, FAMILY, [*household, stranger(address_start=day)])

    assert since(date(2015, 1, 1)) < since(None) < since(date(2020, 2, 1)) < since(date(2024, 1, 1))
    assert since(date(1900, 1, 1)) == since(None)


def test_one_initial_that_two_members_share_is_weaker_than_one_of_their_own(linked: Link) -> None:
    by_initial = [listed("c1", "D1", "A Byron")]
    members = [patient("n9", 1, "Arthur Byron", 1930, "11"), patient("n1", 1, "Ada Byron", 1950, "11")]
    own = weight_of(linked, by_initial, members[:1])
    shared = linked([place("D1", 1, "11")], by_initial, members)
    assert shared.residents["n9"]["listed_level"] == "initial_shared"
    assert shared.residents["n9"]["residence_match_weight"] < own


def test_father_and_son_of_one_name_do_not_explain_each_other(linked: Link) -> None:
    def spare_of(listed_birth: date) -> float:
        people = [*FAMILY, listed("c3", "D1", "John Byron", birth_date=listed_birth)]
        son = patient("n3", 1, "John Byron", 1990, "11")
        return weight_of(linked, people, [*PARENTS, son, relative(1950)])

    assert spare_of(date(1951, 3, 2)) > spare_of(date(1990, 5, 17))


def test_the_shipped_model_never_weighs_more_evidence_less() -> None:
    for name, card in default_model().scorecards.items():
        for comparison in SCORECARDS[name]:
            levels = card.levels[comparison.name]
            for more, less in comparison.at_least:
                assert levels[more].match_weight >= levels[less].match_weight, (name, more, less)


def test_every_order_of_levels_names_levels_of_its_comparison() -> None:
    for comparisons in SCORECARDS.values():
        for comparison in comparisons:
            ids = {level.id for level in comparison.levels}
            assert {level for pair in comparison.at_least for level in pair} <= ids


def test_a_member_who_no_list_of_a_house_in_multiple_occupation_names_is_not_split_off(linked: Link) -> None:
    kept = [
        linked([place("D1", 1, "11", is_hmo=value)], FAMILY, [*PARENTS, stranger(1950)]).dwelling_of("n9")
        for value in (None, False, True)
    ]
    assert kept == [None, None, "D1"]


def test_a_long_spell_of_someone_who_is_listed_counts_for_them_and_a_middling_one_against(
    linked: Link,
) -> None:
    newest = patient("m1", 1, "Kate Byron", 1980, "11", address_start=date(2026, 3, 1))

    def since(day: date | None) -> float:
        ada = {**PARENTS[0], "address_start": day}
        return weight_of(linked, FAMILY, [ada, PARENTS[1], newest], record="n1")

    assert since(date(2018, 1, 1)) < since(None) < since(date(1990, 1, 1))
