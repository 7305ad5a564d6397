"""The statements of this folder, by name, and the macros that say what a UPRN is."""

from importlib.resources import files
from typing import Any

import duckdb


def create_uprn_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros of ingest: there is one notion of a valid UPRN."""
    connection.execute((files("pipeline.ingest") / "sql" / "uprn.sql").read_text("utf-8"))


def run_statement(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, Any] | None = None
) -> None:
    """Run one `.sql` file of this folder."""
    statement = (files("pipeline.assign_uprn") / "sql" / name).read_text("utf-8")
    connection.execute(statement, parameters)
