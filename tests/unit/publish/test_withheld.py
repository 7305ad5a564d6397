"""What a release says of measures that are withheld because their window is not covered."""

from collections.abc import Iterator

import duckdb
import pytest

from pipeline.publish.files.withheld import section_of_release, sentence_of_table, withheld_measures
from schemas.measure import measures
from schemas.table import tables

REASON = "nhs_event covers 2024-04-01 to 2026-03-31, which ends before the reference date"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        connection.execute("INSERT INTO basis VALUES ('withheld', 'emergency_admissions', ?)", [REASON])
        yield connection


def test_a_tables_description_names_the_measures_that_it_lacks_and_why() -> None:
    title = measures()["emergency_admission"].title
    assert withheld_measures("health", {"emergency_admissions": REASON}) == {title: REASON}
    sentence = sentence_of_table("health", {"emergency_admissions": REASON})
    assert sentence == f" Not in this release: {title}, because {REASON}."


def test_a_table_that_lacks_nothing_says_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    assert sentence_of_table("health", {"falls": REASON}) == ""
    assert section_of_release(connection, ("housing_condition",)) == ""


def test_a_table_broken_down_by_a_withheld_attribute_is_named_whole() -> None:
    name = "attendance_by_child_admitted"
    assert list(
        withheld_measures(name, {"respiratory_admissions": REASON, "emergency_admissions": REASON})
    ) == [tables()[name].title]


def test_the_readme_lists_what_is_withheld_of_the_agreed_tables(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    section = section_of_release(connection, ("health",))
    assert f"- {measures()['emergency_admission'].title}: {REASON}." in section
