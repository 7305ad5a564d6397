"""Runs the SQL statements of this folder, and creates the macros that decide what a valid UPRN is."""

from importlib.resources import files
from typing import Any

import duckdb


def create_uprn_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the UPRN macros of ingest, so that both use the same definition of a valid UPRN."""
    connection.execute((files("pipeline.ingest.converting") / "sql" / "uprn.sql").read_text("utf-8"))


def run_statement(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, Any] | None = None
) -> None:
    """Run the file `name` of the folder `sql`."""
    statement = (files("pipeline.assign_uprn") / "sql" / name).read_text("utf-8")
    connection.execute(statement, parameters)
