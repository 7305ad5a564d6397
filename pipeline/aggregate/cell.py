"""From counts by LSOA to the complete grid of cells, at every area level of every table."""

from collections.abc import Iterator, Mapping
from itertools import product

import duckdb
import pyarrow as pa

from pipeline.aggregate.contribution import KEY_MODULUS, POPULATION, Counts
from pipeline.aggregate.cube import QUANTITIES, ROLES
from pipeline.engine.statements import Statements
from schemas.dimension import UNKNOWN, dimensions
from schemas.table import Table

_SQL = Statements("pipeline.aggregate")
_COLUMNS = tuple(f"{role}_{quantity}" for role in ROLES for quantity in QUANTITIES)


_REGISTERED = pa.schema(
    [
        ("table_id", pa.string()),
        ("measure", pa.string()),
        ("population", pa.string()),
        ("unit", pa.string()),
        ("dimension_1", pa.string()),
        ("category_1", pa.string()),
        ("dimension_2", pa.string()),
        ("category_2", pa.string()),
        ("has_numerator", pa.bool_()),
        ("structural_zero", pa.bool_()),
        ("area_levels", pa.list_(pa.string())),
    ]
)


def create_count_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty `count_by_lsoa`: one row per table, measure, LSOA and category of each dimension."""
    counted = ", ".join(f"{column} BIGINT" for column in _COLUMNS)
    connection.execute(
        "CREATE OR REPLACE TABLE count_by_lsoa (table_id VARCHAR, measure VARCHAR, population VARCHAR, "
        f"lsoa_id UINTEGER, category_1 VARCHAR, category_2 VARCHAR, {counted})"
    )


def register_grid(
    connection: duckdb.DuckDBPyConnection, tables: tuple[Table, ...], counts_of: Mapping[str, Counts]
) -> None:
    """Create `registered`: one row per table, measure and combination of categories."""
    rows = [row for table in tables for row in _combinations(table, counts_of[table.unit])]
    connection.register("_registered", pa.Table.from_pylist(rows, schema=_REGISTERED))
    try:
        connection.execute("CREATE TABLE registered AS SELECT * FROM _registered")
    finally:
        connection.unregister("_registered")


def _combinations(table: Table, counts: Counts) -> Iterator[dict[str, object]]:
    domains = [dimensions()[d].categories for d in table.dimensions]
    for measure, categories in product(table.measures, product(*domains)):
        population, numerator, _ = counts.of[measure]
        placed = dict(zip(table.dimensions, categories, strict=True)) | {"measure": measure}
        row: dict[str, object] = {
            "table_id": table.table_id,
            "measure": measure,
            "population": population.removeprefix(POPULATION),
            "unit": table.unit,
            "has_numerator": numerator is not None,
            "structural_zero": any(zero.items() <= placed.items() for zero in table.structural_zeros),
            "area_levels": list(table.area_levels),
        }
        for position, (name, category) in enumerate(zip(table.dimensions, categories, strict=True), start=1):
            row |= {f"dimension_{position}": name, f"category_{position}": category}
        yield row


def build_cells(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `cell`. A category `unknown` that is empty in the whole extract is a structural zero."""
    connection.execute(
        f"""
UPDATE registered SET structural_zero = TRUE
WHERE (category_1 = '{UNKNOWN}' OR category_2 = '{UNKNOWN}')
    AND cell_id(table_id, measure, '', category_1, category_2) NOT IN (
        SELECT cell_id(table_id, measure, '', category_1, category_2) FROM count_by_lsoa
    )"""
    )
    sums = ",\n        ".join(
        f"SUM({column}) % {KEY_MODULUS} AS {column}"
        if column.endswith("_key")
        else f"SUM({column}) AS {column}"
        for column in _COLUMNS
    )
    filled = ",\n        ".join(_filled(column) for column in _COLUMNS)
    connection.execute(_SQL.filled("50_cell", sums=sums, filled=filled, written=",\n    ".join(_COLUMNS)))


def _filled(column: str) -> str:
    empty = f"CAST(COALESCE(summed.{column}, 0) AS BIGINT)"
    if column.startswith("denominator"):
        return f"{empty} AS {column}"
    return f"CASE WHEN grid.has_numerator THEN {empty} END AS {column}"
