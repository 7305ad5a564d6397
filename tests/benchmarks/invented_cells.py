"""Cells of invented households in any number of areas, to measure disclosure control without a run.

The share of each category is half that of the previous one, so that every table has small cells.
"""

import duckdb

#: Number of categories of each dimension; shares fall from one category to the next.
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


def create_cells(
    connection: duckdb.DuckDBPyConnection, areas: int, authority_areas: int, households_per_area: int
) -> None:
    """Create `area`, and `cell` as the aggregate stage writes it, of 20 tables of invented households."""
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
        {"areas": areas, "authority_areas": authority_areas},
    )
    # each category has half the share of the previous one, so that every table has small cells
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
        CROSS JOIN range({households_per_area}) AS listed (number)
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
    """Return the SELECT of one measure's cells at one level: all areas and categories, also empty ones."""
    has = {"households": "FALSE", "residents_admitted": "emergency_admission"}.get(measured, measured)
    area = LEVELS[level]
    weight = "1" if unit == "household" else "residents"
    grid = f"(SELECT DISTINCT {area} AS grid_area FROM area)"
    for name in dimensions:
        grid += f' CROSS JOIN (SELECT range AS "grid_{name}" FROM range({DIMENSIONS[name]}))'
    matched = " AND ".join(
        [f"{area} = grid_area", *(f'household."{name}" = "grid_{name}"' for name in dimensions)]
    )
    named = [*sorted(dimensions), None, None][:2]
    categories = ", ".join(
        f"'{name}' AS dimension_{n}, CAST(\"grid_{name}\" AS VARCHAR) AS category_{n}"
        if name
        else f"NULL::VARCHAR AS dimension_{n}, NULL::VARCHAR AS category_{n}"
        for n, name in enumerate(named, 1)
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
