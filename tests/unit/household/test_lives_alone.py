"""Who lives alone by three sources, and how complete the households are."""

import pytest

from pipeline.household.completeness import Completeness, add_completeness, completeness_of
from tests.unit.household.test_statements import listed, rows_of
from tests.unit.household.world import built_world, dwelling, households_of, record


def adults_listed(
    home: str, *ages: int | None, service: str = "electoral_register"
) -> list[dict[str, object]]:
    """People of these ages whom a service lists at a home, and who are none of its residents."""
    return [
        {"record_pseudonym": f"{home}-{service}-{n}", "dwelling_record_pseudonym": home, "service": service}
        | {"age_years": age, "sex": "2"}
        for n, age in enumerate(ages)
    ]


@pytest.mark.parametrize(
    ("discount", "listed_ages", "alone", "composition"),
    [
        (None, (), True, "one_person_65_and_over"),
        (True, (), True, "one_person_65_and_over"),
        (False, (), None, None),  # one source against one
        (None, (80,), True, "one_person_65_and_over"),  # a listed adult: perhaps the resident by another name
        (None, (80, None), None, None),
        (True, (80, None), True, "one_person_65_and_over"),
        (False, (80,), True, "one_person_65_and_over"),
        (False, (80, None), False, None),
        (False, (80, 17), True, "one_person_65_and_over"),  # a listed child is no adult
    ],
)
def test_a_single_resident_lives_alone_if_most_sources_count_one_adult(
    discount: bool | None, listed_ages: tuple[int | None, ...], alone: bool | None, composition: str | None
) -> None:
    home = dwelling("home", single_person_discount=discount)
    rows = [record("r", "home", age_years=70, sex="1")]
    found = households_of([home], rows, adults_listed("home", *listed_ages))["household"][0]
    assert (found["lives_alone"], found["composition"]) == (alone, composition)


@pytest.mark.parametrize(
    ("ages", "discount", "listed_ages", "alone", "composition"),
    [
        ((70, 70), None, (), False, "couple_without_children"),
        ((70, 70), True, (), None, None),
        ((70, 70), True, (80,), True, None),
        ((70, 50), True, (80,), None, None),  # one of them lives there, and who is not known
        ((70, 70), True, (80, 81), False, "couple_without_children"),
        ((70, 70), None, (80,), False, "couple_without_children"),  # a list does not name everyone
        ((70, 70), False, (80,), False, "couple_without_children"),
        ((30, 5), True, (80,), False, "lone_parent"),
        ((30, 5), False, (80, 81), False, None),
    ],
)
def test_two_residents_live_with_others_unless_most_sources_count_one_adult(
    ages: tuple[int, int],
    discount: bool | None,
    listed_ages: tuple[int, ...],
    alone: bool | None,
    composition: str | None,
) -> None:
    home = dwelling("home", single_person_discount=discount)
    rows = [record(f"r{n}", "home", age_years=age, sex="1") for n, age in enumerate(ages)]
    found = households_of([home], rows, adults_listed("home", *listed_ages))["household"][0]
    assert (found["lives_alone"], found["composition"]) == (alone, composition)


def test_an_adult_on_two_lists_counts_once_and_one_who_may_be_either_resident_is_explained() -> None:
    twice = adults_listed("home", 80) + adults_listed("home", 80, service="council_tax")
    rows = [record("r", "home", age_years=70, sex="1")]
    with built_world([dwelling("home")], rows, twice) as connection:
        assert rows_of(connection, "SELECT unexplained_adults, adults FROM listed_adult") == [
            {"unexplained_adults": 1, "adults": 1}
        ]
    either = [record(n, "home", age_years=70, sex="1", person_name="n") for n in ("r", "s")]
    tied = [listed("c", dwelling_record_pseudonym="home", person_name="n", age_years=70, sex="1")]
    with built_world([dwelling("home")], either, tied) as connection:
        assert rows_of(connection, "SELECT unexplained_adults FROM listed_adult") == [
            {"unexplained_adults": 0}
        ]


def test_completeness_counts_homes_without_residents_and_listed_adults_who_are_none() -> None:
    homes = [
        dwelling("a"),
        dwelling("b"),
        dwelling("missed"),
        dwelling("empty", is_empty=True),
        dwelling("unlisted"),
    ]
    rows = [record(f"{h}{age}", h, age_years=age, sex="1") for h in "ab" for age in (30, 40)]
    known = [
        listed(f"c{h}{age}", dwelling_record_pseudonym=h, age_years=age, sex="1")
        for h, age in (("a", 30), ("a", 40), ("b", 30))
    ]
    others = [*adults_listed("b", 80, 81), *adults_listed("missed", 50), *adults_listed("empty", 50)]
    with built_world(homes, rows, known + others) as connection:
        assert completeness_of(connection) == Completeness(
            homes=2 / 3, adults_lower=4 / (4 + 2 / 0.75), adults_upper=4 / (4 + 1 / 0.75), lives_there=1.0
        )


def test_completeness_is_unknown_without_a_list_and_unpublished_for_few_homes() -> None:
    rows = [record("r", "a", age_years=40, sex="1")]
    with built_world([dwelling("a")], rows) as connection:
        assert completeness_of(connection) is None
    known = [listed("c", dwelling_record_pseudonym="a", age_years=40, sex="1")]
    with built_world([dwelling("a")], rows, known) as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        assert add_completeness(connection) == Completeness(1.0, 1.0, 1.0, 1.0)
        assert connection.execute("SELECT COUNT(*) FROM basis").fetchall() == [(0,)]
