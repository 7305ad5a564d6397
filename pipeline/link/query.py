"""The queries of the link stage, read from `sql/`."""

from importlib.resources import files

import duckdb


def read_sql(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return (files("pipeline.link") / "sql" / f"{name}.sql").read_text("utf-8")


def filled(name: str, **parts: str) -> str:
    """Return `sql/<name>.sql`, its {parts} filled with column lists that this package declares."""
    text = read_sql(name)
    for part, value in parts.items():
        text = text.replace("{" + part + "}", value)
    return text


def run_sql(connection: duckdb.DuckDBPyConnection, name: str, **parts: str) -> None:
    """Run `sql/<name>.sql`, filled."""
    connection.execute(filled(name, **parts))
