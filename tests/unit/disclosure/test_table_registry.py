"""P0: an area with too few households or persons has no row of numbers, on each side of every floor."""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from pipeline.disclosure.rules.table_registry import find_areas_below_floor, find_sparse_tables

ONE_WAY, TWO_WAY = "health_by_tenure", "health_by_tenure_and_epc"


def town(connection: duckdb.DuckDBPyConnection, households: int, persons: int) -> None:
    """One MSOA of that size, in a table of one dimension and in one of two."""
    connection.execute(
        "CREATE TABLE appearance "
        "(table_id VARCHAR, area_level VARCHAR, area_code VARCHAR, dimension_2 VARCHAR)"
    )
    connection.executemany(
        "INSERT INTO appearance VALUES (?, 'MSOA21', 'E02', ?)", [(ONE_WAY, None), (TWO_WAY, "epc")]
    )
    connection.execute(
        "CREATE TABLE area_size AS SELECT 'MSOA21' AS area_level, 'E02' AS area_code, "
        "$households AS households, $persons AS persons",
        {"households": households, "persons": persons},
    )


@pytest.mark.parametrize(
    ("households", "persons", "below"),
    [
        (39, 1000, [ONE_WAY, TWO_WAY]),
        (40, 100, [TWO_WAY]),
        (41, 99, [ONE_WAY, TWO_WAY]),
        (40, 101, [TWO_WAY]),
        (399, 1000, [TWO_WAY]),
        (400, 999, [TWO_WAY]),
        (400, 1000, []),
        (401, 1001, []),
    ],
)
def test_an_area_below_the_floor_of_its_tables_households_or_persons_is_found(
    engine: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Any],
    households: int,
    persons: int,
    below: list[str],
) -> None:
    town(engine, households, persons)

    number = find_areas_below_floor(engine, make_profile())

    found = engine.execute("SELECT table_id, area_level, area_code FROM below_floor").fetchall()
    assert found == [(table, "MSOA21", "E02") for table in below]
    assert number == len(below)


SPARSE = (
    "table_id VARCHAR, count_measure VARCHAR, area_level VARCHAR, area_code VARCHAR, role VARCHAR, "
    "category_1 VARCHAR, category_2 VARCHAR, structural_zero BOOLEAN, count_id INTEGER"
)


def cells(
    connection: duckdb.DuckDBPyConnection, shown: int, hidden: int, rows: tuple[dict[str, Any], ...] = ()
) -> None:
    """A table at one level with so many shown and hidden cells, and further hidden cells as `rows` state."""
    connection.execute(f"CREATE TABLE appearance ({SPARSE})")
    connection.execute("CREATE TABLE hidden (count_id INTEGER)")
    connection.execute("CREATE TABLE below_floor (table_id VARCHAR, area_level VARCHAR, area_code VARCHAR)")
    connection.execute("INSERT INTO below_floor VALUES ('t', 'MSOA21', 'E02-small')")
    plain = {
        "table_id": "t", "count_measure": "m", "area_level": "MSOA21", "area_code": "E02",
        "role": "denominator", "category_1": "owned", "category_2": None, "structural_zero": False,
    }  # fmt: skip
    for number, row in enumerate([{}] * (shown + hidden) + list(rows)):
        connection.execute(
            "INSERT INTO appearance VALUES ($table_id, $count_measure, $area_level, $area_code, $role, "
            "$category_1, $category_2, $structural_zero, $count_id)",
            plain | row | {"count_id": number},
        )
        if number >= shown:
            connection.execute("INSERT INTO hidden VALUES ($id)", {"id": number})


@pytest.mark.parametrize(("shown", "hidden", "is_left_out"), [(75, 25, False), (74, 26, True), (3, 1, False)])
def test_a_table_is_left_out_at_a_level_of_which_more_than_the_agreed_share_is_hidden(
    engine: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Any],
    shown: int,
    hidden: int,
    is_left_out: bool,
) -> None:
    cells(engine, shown, hidden)

    found = find_sparse_tables(engine, make_profile(maximum_hidden_share=0.25))

    assert [(f.table_id, f.measure, f.area_level, f.cells, f.hidden_cells) for f in found] == (
        [("t", "m", "MSOA21", 100, hidden)] if is_left_out else []
    )


@pytest.mark.parametrize(
    "row",
    [
        {"structural_zero": True},
        {"role": "complement"},
        {"category_1": "unknown"},
        {"category_2": "unknown"},
        {"area_code": "E02-small"},
    ],
)
def test_hidden_cells_of_unknown_categories_do_not_leave_a_table_out(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], row: dict[str, Any]
) -> None:
    """A quarter is hidden; one more cell would leave the table out, but for what it is."""
    cells(engine, 75, 25, (row,) * 5)

    assert find_sparse_tables(engine, make_profile(maximum_hidden_share=0.25)) == ()


def test_a_table_without_categories_is_judged_like_any_other(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    cells(engine, 0, 0, ({"category_1": None},))

    (found,) = find_sparse_tables(engine, make_profile(maximum_hidden_share=0.25))

    assert (found.cells, found.hidden_cells) == (1, 1)
