"""The figures of the whole run behind the limits of a rate: design effects and shifts by linkage."""

from collections.abc import Iterator
from math import exp, log

import duckdb
import pytest

from pipeline.aggregate.contribution import Counts
from pipeline.aggregate.coverage import Coverage
from pipeline.aggregate.uncertainty import create_design_table, record_design_effects, record_uncertainty
from pipeline.engine.cell_id import define_cell_ids

COUNTS = Counts((), {"ill": ("population_of_resident", "ill", "ill_complement")})


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as own:
        define_cell_ids(own)
        create_design_table(own)
        own.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        columns = "table_id VARCHAR, measure VARCHAR, area_level VARCHAR, area_code VARCHAR, "
        columns += "category_1 VARCHAR, category_2 VARCHAR"
        own.execute(f"CREATE TABLE cell ({columns}, denominator BIGINT)")
        own.execute(
            f"CREATE TABLE linkage_band ({columns}, rate DOUBLE, lower DOUBLE, upper DOUBLE, reach DOUBLE)"
        )
        yield own


def effect_of(connection: duckdb.DuckDBPyConnection, households: list[list[bool]]) -> float:
    connection.execute(
        "CREATE TABLE resident_contribution "
        "(household_id BIGINT, is_ill BOOLEAN, is_population_of_resident BOOLEAN)"
    )
    connection.executemany(
        "INSERT INTO resident_contribution VALUES (?, ?, TRUE)",
        [(number, ill) for number, people in enumerate(households) for ill in people],
    )
    record_design_effects(connection, "resident", COUNTS)
    return float(connection.execute("SELECT design_effect FROM design_effect").fetchall()[0][0])


def test_two_residents_who_are_always_alike_count_as_one(connection: duckdb.DuckDBPyConnection) -> None:
    assert effect_of(connection, [[True, True], [False, False]] * 50) == pytest.approx(2.0)


def test_residents_who_live_in_homes_of_their_own_are_independent(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert effect_of(connection, [[True], [False]] * 50) == pytest.approx(1.0)


def test_residents_who_differ_more_than_by_chance_do_not_narrow_the_limits(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert effect_of(connection, [[True, False]] * 50) == 1.0


def test_households_are_independent_of_each_other(connection: duckdb.DuckDBPyConnection) -> None:
    record_design_effects(
        connection, "household", Counts((), {"damp": ("population_of_household", "damp", None)})
    )
    assert connection.execute("SELECT * FROM design_effect").fetchall() == [("damp", 1.0)]


def insert_band(
    connection: duckdb.DuckDBPyConnection, category: str | None, below: float, above: float, n: int
) -> None:
    """Add a rate of 50% whose band is so many log odds below and above it, without chance."""
    place = ("t", "ill", "LAD", "E08", category, None)
    connection.execute("INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?, ?)", [*place, n])
    limits = (1 / (1 + exp(below)), 1 / (1 + exp(-above)))
    connection.execute("INSERT INTO linkage_band VALUES (?, ?, ?, ?, ?, ?, 0.5, ?, ?, 0)", [*place, *limits])


def figures(connection: duckdb.DuckDBPyConnection, included: int = 1000) -> dict[str, str]:
    record_uncertainty(connection, {"ill": Coverage(included, included)})
    return dict(connection.execute("SELECT aspect, value FROM basis").fetchall())


def test_shifts_are_those_of_the_total_rounded_up_to_their_step(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    insert_band(connection, None, 0.05, 0.1, 2000)
    assert figures(connection) == {"linkage_below": "0.06", "linkage_above": "0.10", "linkage_spread": "0.00"}


def test_without_a_total_the_categories_are_weighted_by_their_denominators(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    insert_band(connection, "a", 0.0, 0.0, 1000)
    insert_band(connection, "b", 0.2, 0.0, 3000)
    assert figures(connection)["linkage_below"] == "0.16"  # 0.15 rounded up


def test_chance_is_apart_from_the_shift(connection: duckdb.DuckDBPyConnection) -> None:
    insert_band(connection, None, 0.3, 0.3, 2500)
    connection.execute("UPDATE linkage_band SET reach = 0.05")
    chance = log(0.55 / 0.45)
    found = figures(connection)
    assert float(found["linkage_below"]) == pytest.approx(0.3 - chance, abs=0.02)
    assert float(found["linkage_spread"]) == pytest.approx(50 * chance, abs=0.1)


def test_figures_of_fewer_than_a_thousand_are_not_published(connection: duckdb.DuckDBPyConnection) -> None:
    insert_band(connection, None, 0.05, 0.1, 2000)
    assert figures(connection, 999) == {}
