"""Means and percentiles: the exact figures from which they are published and by which they are protected.

`magnitude_cell` has one row per mean and cell, and one row per percentile, cell and band with at least one
unit; all unprotected. A household is one contributor: the amounts of its residents are added first.

| column | meaning |
|---|---|
| band | of a percentile: lower end of the band of amounts; null for a mean |
| units | households or residents |
| contributors | distinct households; of a mean only those with an amount above zero |
| total, largest, second_largest | of a mean: sum of the amounts, and the two largest contributions to it |
| contributors_below, contributors_above | of a percentile: households with an amount below, above the band |
| cell_key | sum of the contributors' record keys modulo 4096 |
"""

import duckdb

from pipeline.aggregate.contribution import KEY_MODULUS, Counts
from pipeline.aggregate.cube import category_name
from pipeline.aggregate.plan import Plan
from schemas.magnitude import Magnitude, magnitudes
from schemas.table import Table


def create_magnitude_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty `magnitude_cell`."""
    connection.execute(
        "CREATE OR REPLACE TABLE magnitude_cell (table_id VARCHAR, measure VARCHAR, area_level VARCHAR, "
        "area_code VARCHAR, category_1 VARCHAR, category_2 VARCHAR, band BIGINT, units BIGINT, "
        "contributors BIGINT, total BIGINT, largest BIGINT, second_largest BIGINT, "
        "contributors_below BIGINT, contributors_above BIGINT, cell_key BIGINT)"
    )


def shown_amounts(plan: Plan, unit: str, counts: Counts) -> list[str]:
    """SQL, for each magnitude of a unit: what a row of `<unit>_contribution` adds to it; null if nothing.

    For a percentile it is the band of the amount, so that a change within the band (a birthday) is no change
    of a published attribute.
    """
    named = sorted({name for table in plan.tables if table.unit == unit for name in table.magnitudes})
    return [
        f"CASE WHEN is_{counts.of[magnitude.among][0]} THEN amount_{magnitude.of}{_banded(magnitude)} END"
        for magnitude in (magnitudes()[name] for name in named)
    ]


def _banded(magnitude: Magnitude) -> str:
    return f" // {magnitude.band_width}" if magnitude.kind == "percentile" else ""


def insert_magnitudes(connection: duckdb.DuckDBPyConnection, plan: Plan, unit: str, counts: Counts) -> None:
    """Add the rows of every magnitude of a unit, from `<unit>_contribution`."""
    for table in plan.tables:
        for name in table.magnitudes if table.unit == unit else ():
            magnitude = magnitudes()[name]
            population = counts.of[magnitude.among][0]
            _create_contributors(connection, table, magnitude, population)
            figures = _MEAN if magnitude.kind == "mean" else _PERCENTILE
            connection.execute(
                f"INSERT INTO magnitude_cell BY NAME {figures}",
                {"table_id": table.table_id, "measure": name}
                | ({"width": magnitude.band_width} if magnitude.kind == "percentile" else {}),
            )
    connection.execute("DROP TABLE IF EXISTS magnitude_contributor")
    connection.execute("DROP TABLE IF EXISTS magnitude_unit")


def _create_contributors(
    connection: duckdb.DuckDBPyConnection, table: Table, magnitude: Magnitude, population: str
) -> None:
    """Create `magnitude_unit` (one row per unit and area) and `magnitude_contributor` (one per household)."""
    categories = [category_name(name) for name in table.dimensions] + ["NULL", "NULL"]
    connection.execute(
        f"""
CREATE OR REPLACE TABLE magnitude_unit AS
SELECT
    area_of.area_level,
    area_of.area_code,
    CAST({categories[0]} AS VARCHAR) AS category_1,
    CAST({categories[1]} AS VARCHAR) AS category_2,
    contribution.household_id,
    contribution.amount_{magnitude.of} AS amount,
    contribution.{"household_key" if magnitude.unit == "household" else "person_key"} AS record_key
FROM {magnitude.unit}_contribution AS contribution
JOIN area_of
    ON area_of.lsoa_id = contribution.lsoa_id
WHERE contribution.is_{population}
    AND list_contains($levels, area_of.area_level)
""",
        {"levels": list(table.area_levels)},
    )
    connection.execute(
        f"""
CREATE OR REPLACE TABLE magnitude_contributor AS
SELECT
    {_CELL},
    household_id,
    COUNT(*) AS units,
    SUM(amount) AS amount,
    MIN(amount) AS least,
    MAX(amount) AS most,
    SUM(record_key) AS record_key
FROM magnitude_unit
GROUP BY {_CELL}, household_id
"""
    )


_CELL = "area_level, area_code, category_1, category_2"
#: Identifies a cell among those of one table and measure.
_CELL_ID = "cell_id('', '', area_code, category_1, category_2)"

#: Contributors of a mean are the households with an amount above zero: one with zero hides no other.
_MEAN = f"""
SELECT
    $table_id AS table_id,
    $measure AS measure,
    {_CELL},
    SUM(units) AS units,
    COUNT(*) FILTER (amount > 0) AS contributors,
    SUM(amount) AS total,
    MAX(amount) AS largest,
    COALESCE(MAX(amount, 2)[2], 0) AS second_largest,
    SUM(record_key) % {KEY_MODULUS} AS cell_key
FROM magnitude_contributor
GROUP BY {_CELL}
"""

_PERCENTILE = f"""
WITH whole AS (
    SELECT {_CELL_ID} AS cell_id, COUNT(*) AS contributors, SUM(record_key) % {KEY_MODULUS} AS cell_key
    FROM magnitude_contributor
    GROUP BY ALL
),
band AS (
    SELECT {_CELL_ID} AS cell_id, {_CELL}, amount // $width * $width AS band, COUNT(*) AS units
    FROM magnitude_unit
    GROUP BY ALL
),
lowest AS (
    SELECT {_CELL_ID} AS cell_id, least // $width * $width AS band, COUNT(*) AS households
    FROM magnitude_contributor
    GROUP BY ALL
),
highest AS (
    SELECT {_CELL_ID} AS cell_id, most // $width * $width AS band, COUNT(*) AS households
    FROM magnitude_contributor
    GROUP BY ALL
)
SELECT
    $table_id AS table_id,
    $measure AS measure,
    {", ".join(f"band.{c}" for c in _CELL.split(", "))},
    band.band,
    band.units,
    whole.contributors,
    CAST(COALESCE((
        SELECT SUM(lowest.households)
        FROM lowest
        WHERE lowest.cell_id = band.cell_id AND lowest.band < band.band
    ), 0) AS BIGINT) AS contributors_below,
    CAST(COALESCE((
        SELECT SUM(highest.households)
        FROM highest
        WHERE highest.cell_id = band.cell_id AND highest.band > band.band
    ), 0) AS BIGINT) AS contributors_above,
    whole.cell_key
FROM band
JOIN whole USING (cell_id)
"""
