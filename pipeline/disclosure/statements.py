"""The stage's SQL statements by name. The first comment of each file states what one row is."""

from functools import cache
from importlib.resources import files
from typing import Any

import duckdb

from pipeline.engine.cell_id import define_cell_ids


@cache
def statement(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return files("pipeline.disclosure").joinpath("sql", f"{name}.sql").read_text("utf-8")


def create_table(
    connection: duckdb.DuckDBPyConnection, table: str, name: str | None = None, **parameters: Any
) -> int:
    """Create `table` from the statement of that name (or `name`); returns its rows."""
    text = statement(name or table)
    define_cell_ids(connection)
    used = {key: value for key, value in parameters.items() if f"${key}" in text}
    connection.execute(f'CREATE OR REPLACE TABLE "{table}" AS {text}', used)
    return count_rows(connection, table)


def count_rows(connection: duckdb.DuckDBPyConnection, table: str, where: str = "TRUE") -> int:
    """Return how many rows of a table meet a condition."""
    return int(connection.execute(f'SELECT COUNT(*) FROM "{table}" WHERE {where}').fetchall()[0][0])
