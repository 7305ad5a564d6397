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


def shares(one: str, other: str) -> str:
    """SQL: the two lists of tokens have one in common; false where either is missing.

    To look for a token is ten times quicker than `list_has_any`, which hashes a list for each row;
    so it suits an `other` of one person's tokens, seldom more than three.
    """
    looked_for = " OR ".join(f"list_contains({one}, {other}[{n}])" for n in (1, 2, 3))
    return (
        f"COALESCE({looked_for} OR CASE WHEN len({other}) > 3 THEN list_has_any({one}, {other}) END, FALSE)"
    )
