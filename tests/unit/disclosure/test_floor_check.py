"""P0 read back: a printed value of an area below its floor is found, whatever the stage did to hide it."""

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipeline.disclosure import stage
from pipeline.disclosure.rules.floor_check import count_values_below_floor
from pipeline.disclosure.statements import create_table


def exact(
    connection: duckdb.DuckDBPyConnection, *rows: tuple[str, str, str, str, int | None, int | None]
) -> None:
    """rows: (table, measure, unit, category, households, persons) of the area E02 at its level."""
    connection.execute(
        "CREATE TABLE cell (table_id VARCHAR, measure VARCHAR, unit VARCHAR, category_1 VARCHAR, "
        "denominator_households BIGINT, denominator_persons BIGINT, area_level VARCHAR, area_code VARCHAR)"
    )
    connection.executemany("INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?, 'MSOA21', 'E02')", rows)


def written(*rows: tuple[str, str | None, float | None]) -> pa.Table:
    """rows: (area code, second dimension, value)."""
    area, second, value = zip(*rows, strict=True)
    return pa.table(
        {
            "area_level": ["MSOA21"] * len(rows),
            "area_code": list(area),
            "dimension_2": pa.array(second, pa.string()),
            "value": pa.array(value, pa.float64()),
        }
    )


@pytest.mark.parametrize(
    ("households", "persons", "one_way", "two_way"),
    [
        (39, 100, 1, 1),
        (40, 99, 1, 1),
        (40, 100, 0, 1),
        (41, 101, 0, 1),
        (399, 1000, 0, 1),
        (400, 999, 0, 1),
        (400, 1000, 0, 0),
        (401, 1001, 0, 0),
    ],
)
def test_a_value_counts_where_its_area_is_below_the_floor_of_its_table(
    engine: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Any],
    households: int,
    persons: int,
    one_way: int,
    two_way: int,
) -> None:
    exact(engine, ("health", "households", "household", "", households, persons))

    for second, found in ((None, one_way), ("epc", two_way)):
        values = written(("E02", second, 25.0), ("E02", second, None))
        assert count_values_below_floor(engine, values, make_profile()) == found


def test_an_area_without_exact_counts_has_no_households(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    exact(engine, ("health", "households", "household", "", 400, 1000))

    assert count_values_below_floor(engine, written(("E99", None, 25.0)), make_profile()) == 1


@pytest.mark.parametrize(("floor", "below"), [(0, 0), (1, 1)])
@pytest.mark.parametrize("area", ["E02", "E99"])
def test_an_area_whose_counts_are_missing_has_neither_a_household_nor_a_person(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], area: str, floor: int, below: int
) -> None:
    exact(engine, ("health", "households", "household", "", None, None))
    value = written((area, None, 25.0))

    for floors in (
        {"floor_households": floor, "floor_persons": 0},
        {"floor_persons": floor, "floor_households": 0},
    ):
        assert count_values_below_floor(engine, value, make_profile(**floors)) == below


def test_households_add_up_over_categories_and_residents_do_not(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    by_tenure = [("by_tenure", "households", "household", name, 20, 50) for name in ("owned", "rented")]
    by_age = [("by_age", "residents", "resident", name, 39, 90) for name in ("young", "old")]
    exact(engine, *by_age)
    value = written(("E02", None, 25.0))
    assert count_values_below_floor(engine, value, make_profile()) == 1

    engine.executemany("INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?, 'MSOA21', 'E02')", by_tenure)
    assert count_values_below_floor(engine, value, make_profile()) == 0


def test_the_largest_table_of_an_area_decides_and_an_empty_cell_counts_for_nothing(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    exact(
        engine,
        ("few", "households", "household", "", 5, 9),
        ("all", "households", "household", "", 40, 100),
        ("none", "households", "household", "", None, None),
    )

    assert count_values_below_floor(engine, written(("E02", None, 25.0)), make_profile()) == 0


def test_a_stage_that_leaves_no_area_out_is_found_by_its_own_evidence(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five LSOAs of some 30 households: below the floor of 40, each of them."""
    town = make_town(5, households_per_lsoa=30)
    _, evidence = run_disclosure(bench, town)
    assert evidence.facts["areas_below_floor"] > 0
    assert evidence.facts["published_below_floor"] == 0

    def leave_none_out(connection: duckdb.DuckDBPyConnection, profile: Any) -> int:
        create_table(
            connection,
            "below_floor",
            floor_households=0,
            floor_persons=0,
            floor_households_multiway=0,
            floor_persons_multiway=0,
        )
        return 0

    monkeypatch.setattr(stage, "find_areas_below_floor", leave_none_out)
    _, evidence = run_disclosure(bench, town, "broken")
    assert evidence.facts["published_below_floor"] > 0


def run_disclosure(bench: Any, town: Any, fingerprint: str = "sound") -> tuple[Any, Any]:
    return stage.disclosure(bench.aggregated(town), fingerprint.ljust(64, "0"), bench.context())
