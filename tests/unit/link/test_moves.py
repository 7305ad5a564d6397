"""Who is listed at another dwelling than the one where the NHS records them."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from elm_road import listed, patient, place

Rows = list[dict[str, Any]]
Link = Callable[[Rows, Rows, Rows], Any]

#: Ada Byron is listed and registered at 1 Elm Road; Mary Shelley is registered there as well.
HOMES = [place("D1", 1, "11"), place("D2", 2, "12"), place("D3", 3, "13")]
ADA = listed("c1", "D1", "Ada Byron")
HOUSEHOLD = [patient("n1", 1, "Ada Byron", 1985, "11"), patient("n2", 1, "Mary Shelley", 1980, "11")]
MARY_AT_2 = [listed("c2", "D2", "Mary Shelley"), listed("c3", "D2", "Claire Clairmont")]


def test_a_full_name_that_no_one_else_has_moves_to_a_home_without_patients(linked: Link) -> None:
    result = linked(HOMES, [ADA, *MARY_AT_2], HOUSEHOLD)
    assert (result.dwelling_of("n1"), result.dwelling_of("n2")) == ("D1", "D2")
    assert result.residents["n2"]["listed_level"] == "unique_name"


@pytest.mark.parametrize(
    "namesake",
    [
        (HOMES, [listed("c4", "D3", "Mary Shelley")], []),
        (HOMES, [], [patient("n3", 3, "Mary Shelley", 1951, "13")]),
    ],
    ids=["listed at a third home", "registered with another birth date"],
)
def test_a_name_that_two_people_have_moves_no_one(linked: Link, namesake: tuple[Rows, Rows, Rows]) -> None:
    homes, people, patients = namesake
    result = linked(homes, [ADA, *MARY_AT_2, *people], [*HOUSEHOLD, *patients])
    assert result.dwelling_of("n2") != "D2"


def test_a_child_does_not_move_by_the_name_of_an_adult_on_a_list(linked: Link) -> None:
    child = patient("n2", 1, "Mary Shelley", 2015, "11")
    assert linked(HOMES, [ADA, *MARY_AT_2], [HOUSEHOLD[0], child]).dwelling_of("n2") != "D2"


def test_no_one_moves_by_name_to_a_home_that_is_recorded_as_empty(linked: Link) -> None:
    homes = [HOMES[0], place("D2", 2, "12", is_empty=True)]
    assert linked(homes, [ADA, *MARY_AT_2], HOUSEHOLD).dwelling_of("n2") != "D2"


def test_a_name_weighs_less_where_other_listed_people_are_registered(linked: Link) -> None:
    claire = patient("n3", 2, "Claire Clairmont", 1988, "12")
    assert linked(HOMES, [ADA, *MARY_AT_2], [*HOUSEHOLD, claire]).dwelling_of("n2") != "D2"


def test_a_family_follows_the_member_who_is_listed_elsewhere_and_others_do_not(linked: Link) -> None:
    child, lodger = patient("n3", 1, "Percy Shelley", 2016, "11"), patient("n4", 1, "John Keats", 1990, "11")
    result = linked(HOMES, [ADA, *MARY_AT_2], [*HOUSEHOLD, child, lodger])
    assert [result.dwelling_of(record) for record in ("n1", "n2", "n3")] == ["D1", "D2", "D2"]
    assert result.dwelling_of("n4") != "D2"


def test_a_father_with_the_same_name_does_not_hide_his_son(linked: Link) -> None:
    """The father is registered where both are listed; the son with the other birth date is still sought."""
    son = listed("c2", "D2", "Ada Byron", birth_date=date(1985, 5, 17), service="housing")
    father = {**patient("n3", 2, "Ada Byron", 1950, "12"), "birth_date": date(1950, 1, 2)}
    other = listed("c1", "D1", "John Keats")
    patients = [patient("n1", 1, "Ada Byron", 1985, "11"), patient("n4", 1, "John Keats", 1990, "11"), father]
    result = linked(HOMES, [other, son, listed("c3", "D2", "Kate Byron")], patients)
    assert result.dwelling_of("n1") == "D2"
    assert result.residents["n1"]["listed_level"] == "name_and_birth"


def test_members_of_a_group_without_a_dwelling_move_only_with_their_own_evidence(linked: Link) -> None:
    stale = {"postcode": "M99 9ZZ"}
    patients = [
        patient("n1", 77, "Mary Shelley", 1980, address_group_id="g", **stale),
        patient("n2", 77, "John Keats", 1990, address_group_id="g", **stale),
    ]
    result = linked(HOMES, MARY_AT_2, patients)
    assert (result.dwelling_of("n1"), result.dwelling_of("n2")) == ("D2", None)
