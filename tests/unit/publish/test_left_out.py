"""What a release says of measures that are left out, for whatever reason, in one wording."""

from collections.abc import Iterator

import duckdb
import pytest

from pipeline.publish.files.left_out import left_out_of, section_of_release, sentence_of_table
from schemas.measure import measures
from schemas.table import tables

WINDOW = "nhs_event covers 2024-04-01 to 2026-03-31, which ends before the reference date"
COVERAGE = "the status of workless is known for 65% of those it includes"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        rows = [("not_produced", "emergency_admission", WINDOW), ("not_produced", "workless", COVERAGE)]
        connection.executemany("INSERT INTO basis VALUES (?, ?, ?)", rows)
        yield connection


@pytest.mark.parametrize(
    ("table", "measure", "reason"),
    [("health", "emergency_admission", WINDOW), ("work", "workless", COVERAGE)],
)
def test_a_tables_description_names_the_measures_that_it_lacks_and_why(
    table: str, measure: str, reason: str
) -> None:
    title = measures()[measure].title
    assert left_out_of(table, {measure: reason}) == {title: reason}
    assert sentence_of_table(table, {measure: reason}) == f" Not produced: {title}, because {reason}."


def test_a_table_that_lacks_nothing_says_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    assert sentence_of_table("health", {"older_residents_fallen": WINDOW}) == ""
    assert section_of_release(connection, ("housing_condition",)) == ""


def test_a_table_whose_dimension_is_left_out_is_named_whole() -> None:
    name = "attendance_by_child_admitted"
    assert list(left_out_of(name, {name: WINDOW})) == [tables()[name].title]


def test_the_readme_lists_what_is_left_out_of_the_agreed_tables_for_either_reason(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    section = section_of_release(connection, ("health", "work"))
    assert section.startswith("\n## Measures not produced\n")
    assert f"- {measures()['emergency_admission'].title}: {WINDOW}." in section
    assert f"- {measures()['workless'].title}: {COVERAGE}." in section
