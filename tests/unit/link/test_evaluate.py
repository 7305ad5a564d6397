"""Precision, recall and gaps against a truth that can be counted by hand."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from pipeline.link.evaluate import evaluate_links
from pipeline.statistics.proportion import Proportion


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def table(connection: duckdb.DuckDBPyConnection, name: str, columns: str, *rows: tuple[str, ...]) -> None:
    names = columns.split()
    rows_given = pa.table({n: pa.array([row[i] for row in rows], pa.string()) for i, n in enumerate(names)})
    connection.register("rows_given", rows_given)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_given")


PAIR = "council_record_id nhs_record_id"


def test_records_and_households_are_counted_apart(connection: duckdb.DuckDBPyConnection) -> None:
    table(connection, "truth", PAIR, ("D1", "a"), ("D1", "b"), ("D2", "c"), ("D3", "d"))
    table(connection, "links", PAIR, ("D1", "a"), ("D1", "a"), ("D2", "c"), ("D9", "d"))
    table(
        connection,
        "grouped",
        "nhs_record_id address_group",
        ("a", "G1"),
        ("b", "G1"),
        ("c", "G2"),
        ("d", "G3"),
    )
    result = evaluate_links(connection, "links", "grouped", residence="truth", households="truth")
    assert result.records is not None
    assert result.households is not None
    assert (result.records.precision, result.records.recall) == (Proportion(2, 3), Proportion(2, 4))
    assert (result.households.precision, result.households.recall) == (Proportion(2, 3), Proportion(2, 3))


def test_a_ghost_that_is_not_linked_is_no_fault_of_the_household(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """b left long ago and is still registered: its group is found by a, and b has no residence to find."""
    table(connection, "residence", PAIR, ("D1", "a"))
    table(connection, "households", PAIR, ("D1", "a"), ("D1", "b"))
    table(connection, "links", PAIR, ("D1", "a"))
    table(connection, "grouped", "nhs_record_id address_group", ("a", "G1"), ("b", "G1"))
    result = evaluate_links(connection, "links", "grouped", residence="residence", households="households")
    assert result.records is not None
    assert result.households is not None
    assert result.records.recall == result.households.recall == Proportion(1, 1)


def test_a_unit_without_truth_is_not_measured(connection: duckdb.DuckDBPyConnection) -> None:
    table(connection, "links", PAIR, ("D1", "a"))
    table(connection, "grouped", "nhs_record_id address_group", ("a", "G1"))
    result = evaluate_links(connection, "links", "grouped", households="links")
    assert (result.records, result.as_json()["records"]) == (None, None)
    assert result.households is not None


@pytest.mark.parametrize(("missed", "flagged"), [(2, False), (3, True)])
def test_a_group_more_than_two_points_behind_is_flagged(
    connection: duckdb.DuckDBPyConnection, missed: int, flagged: bool
) -> None:
    records = [(f"D{n}", f"r{n}") for n in range(100)]
    table(connection, "truth", PAIR, *records, *((f"E{n}", f"s{n}") for n in range(9_900)))
    table(connection, "links", PAIR, *records[missed:], *((f"E{n}", f"s{n}") for n in range(9_900)))
    table(connection, "grouped", "nhs_record_id address_group")
    table(connection, "attribute", "nhs_record_id tenure", *((r, "rented") for _, r in records))
    (gap,) = evaluate_links(connection, "links", "grouped", residence="truth", attributes="attribute").gaps
    assert (gap.category, gap.recall, gap.is_flagged) == ("rented", Proportion(100 - missed, 100), flagged)
