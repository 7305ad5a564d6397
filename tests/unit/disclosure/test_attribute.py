"""P2: a distribution that would disclose an attribute of a group is hidden; on each side of the bound."""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from pipeline.disclosure.rules.attribute import suppress_attribute

COLUMNS = (
    "count_id INTEGER, table_id VARCHAR, measure VARCHAR, role VARCHAR, count_measure VARCHAR, "
    "unit VARCHAR, area_level VARCHAR, area_code VARCHAR, dimension_1 VARCHAR, category_1 VARCHAR, "
    "dimension_2 VARCHAR, category_2 VARCHAR, group_id VARCHAR, n INTEGER, structural_zero BOOLEAN"
)


def appearances(connection: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]], small: list[int]) -> None:
    """rows: (count_id, measure, role, dimension, category, n) of one table in one area."""
    connection.execute(f"CREATE TABLE appearance ({COLUMNS})")
    connection.execute("CREATE TABLE primary_hidden (count_id INTEGER)")
    for count_id, measure, role, dimension, category, n in rows:
        connection.execute(
            "INSERT INTO appearance VALUES ($1, 't', $2, $3, $2, 'household', 'MSOA21', 'E02', $4, $5, "
            "NULL, NULL, concat_ws('|', 'E02', $4, $5), $6, FALSE)",
            [count_id, measure, role, dimension, category, n],
        )
    for count_id in small:
        connection.execute("INSERT INTO primary_hidden VALUES ($1)", [count_id])


def hidden(connection: duckdb.DuckDBPyConnection) -> set[int]:
    return {row[0] for row in connection.execute("SELECT count_id FROM attribute_hidden").fetchall()}


@pytest.mark.parametrize(
    ("has", "has_not", "told"),
    [(0, 100, True), (1, 99, False), (89, 11, False), (90, 10, True), (100, 0, True)],
)
def test_a_sensitive_measure_that_none_or_nearly_all_of_a_group_have_is_hidden(
    engine: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Any],
    has: int,
    has_not: int,
    told: bool,
) -> None:
    """That most are not in treatment discloses nothing: a count of 99 who are not is published."""
    appearances(
        engine,
        [
            (1, "treatment", "numerator", "tenure", "owned", has),
            (2, "treatment", "complement", "tenure", "owned", has_not),
        ],
        [],
    )

    suppress_attribute(engine, make_profile(), ["treatment"], [])

    assert hidden(engine) == ({1, 2} if told else set())


def test_a_measure_that_is_not_sensitive_is_not_hidden(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    appearances(
        engine,
        [(1, "damp", "numerator", "tenure", "owned", 100), (2, "damp", "complement", "tenure", "owned", 0)],
        [],
    )

    assert suppress_attribute(engine, make_profile(), ["treatment"], []) == 0


@pytest.mark.parametrize(
    ("categories", "small", "told"),
    [
        ((89, 11), [], False),
        ((90, 10), [], True),
        ((100, 0), [], True),
        ((60, 30, 10), [], False),
        ((80, 12, 8), [3], False),
        ((85, 8, 7), [2, 3], True),
    ],
    ids=["89%", "90%", "100%", "three categories", "two may be printed", "one may be printed"],
)
def test_a_sensitive_distribution_that_one_category_nearly_fills_is_hidden_whole(
    engine: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Any],
    categories: tuple[int, ...],
    small: list[int],
    told: bool,
) -> None:
    rows = [
        (number, "households", "denominator", "ethnicity", f"c{number}", n)
        for number, n in enumerate(categories, 1)
    ]
    appearances(engine, rows, small)

    suppress_attribute(engine, make_profile(), [], ["ethnicity"])

    assert hidden(engine) == ({row[0] for row in rows} if told else set())


def test_the_agreed_share_decides(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    rows = [
        (1, "households", "denominator", "ethnicity", "a", 80),
        (2, "households", "denominator", "ethnicity", "b", 20),
    ]
    appearances(engine, rows, [])

    assert suppress_attribute(engine, make_profile(dominant_share=0.8), [], ["ethnicity"]) == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("table_id", "u"), ("measure", "other"), ("area_code", "E08"),
        ("dimension_1", "epc"), ("category_1", "rented"), ("dimension_2", "epc"), ("category_2", "D"),
    ],
)  # fmt: skip
def test_a_groups_share_is_taken_only_with_its_own_complement(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], column: str, value: str
) -> None:
    """89 of 100 disclose nothing; with the complement of another group, 1, they would."""
    rows: list[tuple[Any, ...]] = [
        (1, "treatment", "numerator", "tenure", "owned", 89),
        (2, "treatment", "complement", "tenure", "owned", 11),
        (3, "treatment", "complement", "tenure", "owned", 1),
    ]
    appearances(engine, rows, [])
    engine.execute(f"UPDATE appearance SET {column} = $value WHERE count_id = 3", {"value": value})
    engine.execute(
        "UPDATE appearance SET group_id = "
        "concat_ws('|', area_code, dimension_1, category_1, dimension_2, category_2) WHERE count_id = 3"
    )

    assert suppress_attribute(engine, make_profile(), ["treatment"], []) == 0


def test_equal_counts_in_two_tables_are_one_and_structural_zeros_are_no_category(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    rows = [
        (1, "households", "denominator", "ethnicity", "a", 89),
        (2, "households", "denominator", "ethnicity", "b", 11),
        (3, "households", "denominator", "ethnicity", "c", 900),
        (4, "households", "complement", "ethnicity", "d", 900),
        (1, "households", "denominator", "ethnicity", "a", 89),
    ]
    appearances(engine, rows, [])
    engine.execute("UPDATE appearance SET structural_zero = TRUE WHERE count_id = 3")

    assert suppress_attribute(engine, make_profile(), [], ["ethnicity"]) == 0
