"""Cells whose exact count reaches the minimum are each counted once, under the rule that leaves them out."""

from collections.abc import Callable

import duckdb
import pytest

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.utility import count_by_rule

LEFT_OUT = {
    "published": "",
    "area below its floor (P0)": "INSERT INTO below_floor VALUES ('t', 'LAD', 'E06')",
    "level mostly hidden (P0)": "INSERT INTO too_sparse VALUES ('t', 'm', 'LAD', 4, 3)",
    "level left out by the repair (P5)": "INSERT INTO too_sparse VALUES ('t', 'm', 'LAD', 0, 0)",
    "too few households or persons (P1)": "INSERT INTO primary_hidden VALUES (1)",
    "attribute of a group (P2)": "INSERT INTO attribute_hidden VALUES (1)",
    "hidden by the repair (P5)": "INSERT INTO hidden VALUES (1)",
    "below the minimum with noise (P4)": "",
}


def one_cell(connection: duckdb.DuckDBPyConnection, n: int) -> None:
    """A table with one cell, and one appearance that is no cell of it: the complement."""
    connection.execute(
        f"""
        CREATE TABLE appearance AS
        SELECT 't' AS table_id, 'm' AS count_measure, 'LAD' AS area_level, 'E06' AS area_code,
            UNNEST(['numerator', 'complement']) AS role, FALSE AS structural_zero, {n} AS n, 1 AS count_id;
        CREATE TABLE below_floor (table_id VARCHAR, area_level VARCHAR, area_code VARCHAR);
        CREATE TABLE too_sparse (table_id VARCHAR, count_measure VARCHAR, area_level VARCHAR,
            cells INTEGER, hidden_cells INTEGER);
        CREATE TABLE primary_hidden (count_id INTEGER);
        CREATE TABLE attribute_hidden (count_id INTEGER);
        CREATE TABLE hidden (count_id INTEGER);
        """
    )


@pytest.mark.parametrize(("rule", "sql"), LEFT_OUT.items())
def test_a_cell_is_counted_under_the_rule_that_leaves_it_out(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Profile], rule: str, sql: str
) -> None:
    one_cell(engine, 10)
    engine.execute(sql or "SELECT 1")
    value = 10 if rule == "published" else None
    engine.execute(
        "CREATE TABLE count_value AS SELECT 1 AS count_id, $value::INTEGER AS value", {"value": value}
    )

    assert count_by_rule(engine, make_profile()) == {"LAD": {rule: 1}}


def test_a_cell_with_an_exact_count_below_the_minimum_is_not_counted(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Profile]
) -> None:
    one_cell(engine, 9)
    engine.execute("CREATE TABLE count_value AS SELECT 1 AS count_id, NULL::INTEGER AS value")

    assert count_by_rule(engine, make_profile()) == {}
