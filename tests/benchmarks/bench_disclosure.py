"""Protection and audit of 20 tables: 150 areas against a minute, and the cost of an area as areas grow.

Areas are made in local authorities of 150 LSOAs of 650 households each, which is how the audit splits
them: an authority is audited alone, with its own areas above it.
"""

import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb

from flows.benchmark import Figure
from pipeline.context import RunContext
from pipeline.disclosure.profile import Profile
from pipeline.disclosure.stage import protect_cells
from pipeline.engine.duckdb import EngineSettings, locked_connection

AUTHORITY_AREAS = 150
HOUSEHOLDS_PER_AREA = 650
PROFILE = Profile(
    name="cell-key",
    method="cell-key 1.0",
    minimum_cell_count=10,
    rounding_base=5,
    noise_bound=3,
    floor_households=40,
    floor_persons=100,
    floor_households_multiway=400,
    floor_persons_multiway=1000,
    maximum_hidden_share=0.25,
    dominant_share=0.9,
    minimum_changed_households=20,
    epoch="quarter",
)

#: Categories of each dimension; category k of n has a share that falls with k.
DIMENSIONS = {
    "tenure": 5,
    "epc": 4,
    "band": 8,
    "children": 3,
    "adults": 4,
    "fuel": 5,
    "landlord": 6,
    "age": 7,
}
TABLES: tuple[tuple[str, ...], ...] = (
    (),
    *((name,) for name in DIMENSIONS),
    ("tenure", "children"),
    ("epc", "children"),
    ("tenure", "epc"),
    ("children", "adults"),
    ("band", "children"),
)
RESIDENT_TABLES: tuple[tuple[str, ...], ...] = (
    (),
    ("tenure",),
    ("epc",),
    ("band",),
    ("children",),
    ("adults",),
)
LEVELS = {"LSOA21": "lsoa21", "MSOA21": "msoa21", "LAD": "local_authority"}


def measure(households: int, folder: Path) -> list[Figure]:
    """Time 150 areas, and as many more as `households` fill, by the clock and in processor seconds."""
    larger = max(600, households // HOUSEHOLDS_PER_AREA // AUTHORITY_AREAS * AUTHORITY_AREAS)
    figures = []
    per_area = {}
    for areas in (AUTHORITY_AREAS, larger):
        clock, processor, published, hidden = protect(areas, folder)
        per_area[areas] = processor / areas
        held = "under 60" if areas == AUTHORITY_AREAS else ""
        figures += [
            Figure(f"{areas} areas, 20 tables: by the clock", clock, "s", held),
            Figure(f"{areas} areas, 20 tables: processor", processor, "s"),
            Figure(f"{areas} areas: cells published", published, "cells"),
            Figure(f"{areas} areas: cells hidden", hidden, "cells"),
        ]
    ratio = per_area[larger] / per_area[AUTHORITY_AREAS]
    figures.append(Figure(f"cost of an area at {larger} beside {AUTHORITY_AREAS}", ratio, "ratio", "about 1"))
    return figures


def protect(areas: int, folder: Path) -> tuple[float, float, int, int]:
    """Return seconds by the clock and of the processor, and cells published and hidden."""
    project = SimpleNamespace(
        reference_date=date(2026, 3, 31),
        custody="single-operator",
        production=False,
        folder=folder,
        keys={"record_key_file": "record-key.secret"},
    )
    context = cast(RunContext, SimpleNamespace(project=project, report=lambda _: None))
    with locked_connection(EngineSettings(), folder) as connection:
        create_cells(connection, areas)
        clock, processor = time.perf_counter(), time.process_time()
        facts: dict[str, Any] = protect_cells(
            connection, PROFILE, connection.table("area").to_arrow_table(), context
        )
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        if facts["audit_exposed"]:
            raise AssertionError("the audit left cells exposed")
        published, hidden = connection.execute(
            "SELECT COUNT(value), COUNT(*) FILTER (shorthand = '[c]') FROM protected_cell"
        ).fetchall()[0]
    return clock, processor, int(published), int(hidden)


def create_cells(connection: duckdb.DuckDBPyConnection, areas: int) -> None:
    """Create `area`, and `cell` as the aggregate stage writes it, of invented households."""
    connection.execute(
        """
        CREATE TABLE area AS
        SELECT
            format('E01{:06d}', number) AS lsoa21,
            format('E02{:06d}', number // 5) AS msoa21,
            format('E08{:06d}', number // $authority_areas) AS local_authority,
            1 + number % 10 AS imd_decile
        FROM range($areas) AS listed (number)
        ORDER BY lsoa21
        """,
        {"areas": areas, "authority_areas": AUTHORITY_AREAS},
    )
    # shares fall by half from one category to the next, so that every table has small cells
    drawn = ", ".join(
        f'LEAST(FLOOR(-LOG2(1 - draw(household, {number}))), {categories - 1})::BIGINT AS "{name}"'
        for number, (name, categories) in enumerate(DIMENSIONS.items())
    )
    connection.execute("CREATE MACRO draw(household, n) AS (hash(household, n) % 1000003) / 1000003.0")
    connection.execute(
        f"""
        CREATE TABLE household AS
        SELECT
            area.* EXCLUDE (imd_decile),
            {drawn},
            1 + (5 * draw(household, 90) * draw(household, 91))::BIGINT AS residents,
            draw(household, 92) < 0.06 + 0.014 * imd_decile AS emergency_admission,
            draw(household, 93) < 0.03 + 0.01 * imd_decile AS childhood_asthma,
            (hash(household, 'key') % 4096)::BIGINT AS record_key
        FROM area
        CROSS JOIN range({HOUSEHOLDS_PER_AREA}) AS listed (number)
        CROSS JOIN LATERAL (SELECT lsoa21 || '-' || number) AS named (household)
        """
    )
    parts = [
        _cells(dimensions, level, measure_, "household")
        for dimensions in TABLES
        for level in LEVELS
        for measure_ in ("households", "emergency_admission", "childhood_asthma")
    ]
    parts += [
        _cells(dimensions, level, "residents_admitted", "resident")
        for dimensions in RESIDENT_TABLES
        for level in LEVELS
    ]
    connection.execute("CREATE TABLE cell AS " + " UNION ALL ".join(parts))


def _cells(dimensions: tuple[str, ...], level: str, measured: str, unit: str) -> str:
    """Return the SELECT of one measure's cells at one level: every category of every area, empty ones too."""
    has = {"households": "FALSE", "residents_admitted": "emergency_admission"}.get(measured, measured)
    area = LEVELS[level]
    weight = "1" if unit == "household" else "residents"
    grid = f"(SELECT DISTINCT {area} AS grid_area FROM area)"
    for name in dimensions:
        grid += f' CROSS JOIN (SELECT range AS "grid_{name}" FROM range({DIMENSIONS[name]}))'
    matched = " AND ".join(
        [f"{area} = grid_area", *(f'household."{name}" = "grid_{name}"' for name in dimensions)]
    )
    told = [*sorted(dimensions), None, None][:2]
    categories = ", ".join(
        f"'{name}' AS dimension_{n}, CAST(\"grid_{name}\" AS VARCHAR) AS category_{n}"
        if name
        else f"NULL::VARCHAR AS dimension_{n}, NULL::VARCHAR AS category_{n}"
        for n, name in enumerate(told, 1)
    )

    def figures(prefix: str, condition: str) -> str:
        key = f"COALESCE(SUM(record_key * {weight}) FILTER ({condition}), 0)::BIGINT % 4096"
        keys = (key, "NULL::BIGINT") if unit == "household" else ("NULL::BIGINT", key)
        return (
            f"COUNT(household.lsoa21) FILTER ({condition}) AS {prefix}_households, "
            f"COALESCE(SUM(residents) FILTER ({condition}), 0)::BIGINT AS {prefix}_persons, "
            f"{keys[0]} AS {prefix}_household_key, {keys[1]} AS {prefix}_person_key"
        )

    plain = measured == "households"
    population = "households" if unit == "household" else "residents"
    counted = f"COALESCE(SUM({weight}), 0)::BIGINT" if unit == "resident" else "COUNT(household.lsoa21)"
    yes = f"COALESCE(SUM({weight}) FILTER ({has}), 0)::BIGINT"
    table_id = "_".join((unit, *dimensions))
    return f"""
        SELECT
            '{table_id}' AS table_id, '{measured}' AS measure, '{unit}' AS unit, '{population}' AS population,
            '{level}' AS area_level, grid_area AS area_code, {categories},
            {counted} AS denominator, {"NULL::BIGINT" if plain else yes} AS numerator,
            {figures("denominator", "TRUE")},
            {figures("numerator", "FALSE" if plain else has)},
            {figures("complement", "FALSE" if plain else f"NOT {has}")},
            FALSE AS structural_zero
        FROM {grid}
        LEFT JOIN household ON {matched}
        GROUP BY grid_area{"".join(f', "grid_{name}"' for name in dimensions)}
        """
