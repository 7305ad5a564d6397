"""Cases on each side of a boundary of the household definition, one statement at a time."""

from datetime import timedelta
from typing import Any

import duckdb

from pipeline.engine.statements import Statements
from pipeline.household.basis import create_basis
from pipeline.household.definition import FLOOR_DATE
from tests.unit.household.world import REFERENCE_DATE, built_world, dwelling, record


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_the_match_rate_counts_people_of_every_stratum() -> None:
    placed = [record("p1", "home"), record("p2", "home", age_years=70)]
    others = [record("o1", None), record("o2", None, age_years=70)]
    with built_world([dwelling("home")], [*placed, *others]) as connection:
        create_basis(connection, "abc", frozenset())
        assert rows(connection, "SELECT value FROM basis WHERE aspect = 'match_rate'") == [("0.50",)]


def test_a_registration_of_one_day_counts_on_that_day() -> None:
    day = {"registration_start": REFERENCE_DATE, "registration_end": REFERENCE_DATE}
    reversed_ = {"registration_start": REFERENCE_DATE, "registration_end": REFERENCE_DATE - timedelta(days=1)}
    records = [record("day", "home", **day), record("reversed", "home", **reversed_)]
    with built_world([dwelling("home")], records) as connection:
        found = rows(connection, "SELECT record_pseudonym, failed_rule FROM registration ORDER BY 1")
    assert found == [("day", None), ("reversed", "not_registered")]


def test_a_record_that_linkage_does_not_mention_is_still_a_registration() -> None:
    with built_world([dwelling("home")], [record("r1", "home"), record("r2", "home")]) as connection:
        connection.execute("DELETE FROM resident_link WHERE nhs_record_pseudonym = 'r2'")
        connection.execute("DROP TABLE registration")
        dates = {"reference_date": REFERENCE_DATE, "floor_date": FLOOR_DATE}
        connection.execute(Statements("pipeline.household").read("residence/20_registration"), dates)
        found = rows(connection, "SELECT record_pseudonym FROM registration ORDER BY 1")
    assert found == [("r1",), ("r2",)]


def test_a_dwelling_without_any_word_of_it_is_not_recorded_as_empty() -> None:
    listed = [
        dwelling("plain"),
        dwelling("empty", is_empty=True),
        dwelling("vacant", council_tax_exemption="E"),
    ]
    with built_world(listed, []) as connection:
        found = rows(
            connection, "SELECT household_pseudonym, is_recorded_empty FROM council_dwelling ORDER BY 1"
        )
    assert found == [("empty", True), ("plain", False), ("vacant", True)]


def test_a_code_counts_only_in_its_own_list() -> None:
    """Class O is a property of another kind; exemption O is a home that the armed forces occupy."""
    listed = [dwelling("class", blpu_class="O"), dwelling("exemption", council_tax_exemption="O")]
    with built_world(listed, []) as connection:
        found = rows(connection, "SELECT household_pseudonym, failed_rule FROM council_dwelling ORDER BY 1")
    assert found == [("class", "non_residential"), ("exemption", None)]


def test_only_residents_decide_whether_old_people_share_a_practice() -> None:
    old = [record(f"r{n}", "home", age_years=80, practice_code="P1") for n in range(5)]
    other = record("r5", "home", age_years=80, practice_code="P2")
    dead = record("r6", "home", age_years=80, practice_code="P1", is_deceased=True)
    with built_world([dwelling("home")], [*old, other, dead]) as connection:
        found = rows(connection, "SELECT residents, failed_rule FROM occupied_dwelling")
    assert found == [(6, "improbable_size")]  # not communal_evident


def test_an_event_of_an_unknown_record_is_of_no_person() -> None:
    event = {"event": "emergency_admission", "event_date": REFERENCE_DATE}
    events = [event | {"resident_record_pseudonym": name} for name in ("r1", "unknown")]
    with built_world([dwelling("home")], [record("r1", "home")], events=events) as connection:
        assert rows(connection, "SELECT person_pseudonym FROM event_outcome") == [("r1",)]
