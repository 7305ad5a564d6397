"""From counts by LSOA to the whole grid of cells at every area level of every table."""

from importlib.resources import files
from itertools import product

import duckdb

from pipeline.aggregate.contribution import KEY_MODULUS, Counts
from pipeline.aggregate.cube import COUNTED, SIDES
from schemas.attribute import UNKNOWN, dimensions
from schemas.table import Table

_COLUMNS = tuple(f"{side}_{counted}" for side in SIDES for counted in COUNTED)


def create_count_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty `count_by_lsoa` and `registered` that the tables are gathered in."""
    counted = ", ".join(f"{column} BIGINT" for column in _COLUMNS)
    connection.execute(
        "CREATE TABLE count_by_lsoa (table_id VARCHAR, measure VARCHAR, population VARCHAR, lsoa21 VARCHAR, "
        f"category_1 VARCHAR, category_2 VARCHAR, {counted})"
    )
    connection.execute(
        "CREATE TABLE registered (table_id VARCHAR, measure VARCHAR, population VARCHAR, unit VARCHAR, "
        "dimension_1 VARCHAR, category_1 VARCHAR, dimension_2 VARCHAR, category_2 VARCHAR, "
        "has_numerator BOOLEAN, structural_zero BOOLEAN, area_levels VARCHAR[])"
    )


def register_grid(connection: duckdb.DuckDBPyConnection, table: Table, counts: Counts) -> None:
    """Add every combination of a table's measures and categories to `registered`."""
    domains = [dimensions()[d].categories for d in table.dimensions]
    rows = []
    for measure, categories in product(table.measures, product(*domains)):
        population, numerator, _ = counts.of[measure]
        placed = dict(zip(table.dimensions, categories, strict=True)) | {"measure": measure}
        impossible = any(zero.items() <= placed.items() for zero in table.structural_zeros)
        named = [part for pair in zip(table.dimensions, categories, strict=True) for part in pair]
        rows.append(
            [
                table.table_id,
                measure,
                population,
                table.unit,
                *named,
                *([None] * (4 - len(named))),
                numerator is not None,
                impossible,
                list(table.area_levels),
            ]
        )
    connection.executemany(f"INSERT INTO registered VALUES ({', '.join('?' * 11)})", rows)


def build_cells(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `cell`; a category nobody in the whole extract is in, called unknown, is a structural zero."""
    connection.execute(
        f"""
UPDATE registered SET structural_zero = TRUE
WHERE (category_1 = '{UNKNOWN}' OR category_2 = '{UNKNOWN}') AND NOT EXISTS (
    SELECT 1 FROM count_by_lsoa AS counted
    WHERE counted.table_id = registered.table_id AND counted.measure = registered.measure
        AND counted.category_1 IS NOT DISTINCT FROM registered.category_1
        AND counted.category_2 IS NOT DISTINCT FROM registered.category_2
)"""
    )
    sums = ",\n        ".join(
        f"SUM({column}) % {KEY_MODULUS} AS {column}"
        if column.endswith("_key")
        else f"SUM({column}) AS {column}"
        for column in _COLUMNS
    )
    filled = ",\n        ".join(_filled(column) for column in _COLUMNS)
    text = (files("pipeline.aggregate") / "sql" / "50_cell.sql").read_text("utf-8")
    text = (
        text.replace("{sums}", sums)
        .replace("{filled}", filled)
        .replace("{written}", ",\n    ".join(_COLUMNS))
    )
    connection.execute(text)


def _filled(column: str) -> str:
    empty = f"CAST(COALESCE(summed.{column}, 0) AS BIGINT)"
    if column.startswith("denominator"):
        return f"{empty} AS {column}"
    return f"CASE WHEN grid.has_numerator THEN {empty} END AS {column}"
