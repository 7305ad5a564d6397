"""The basis of a release's figures: what can change them between two releases other than the population."""

import duckdb

from pipeline.household.definition import VERSION


def create_basis(connection: duckdb.DuckDBPyConnection, model_digest: str, supplied: frozenset[str]) -> None:
    """Create `basis`: one row per aspect (and name, if an aspect has several values), with its value as text.

    Aspects: definition, the version of the household definition; model_digest of the linkage model;
    sources, the optional NHS tables supplied; match_rate, the share of people with a usual address on the
    reference date who were placed in a dwelling, from 0 to 1 with two decimals. Reads `placement`.
    """
    placed, others = connection.execute(
        "SELECT COALESCE(SUM(persons_placed), 0), COALESCE(SUM(persons_not_placed), 0) FROM placement"
    ).fetchall()[0]
    share = placed / (placed + others) if placed + others else 0.0
    connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
    connection.executemany(
        "INSERT INTO basis VALUES (?, '', ?)",
        [
            ("definition", VERSION),
            ("model_digest", model_digest),
            ("sources", ", ".join(sorted(supplied))),
            ("match_rate", f"{share:.2f}"),
        ],
    )


def basis_of(connection: duckdb.DuckDBPyConnection, aspect: str) -> dict[str, str]:
    """Return the values of one aspect of `basis`, name -> value as text, in order of the names."""
    rows = connection.execute("SELECT name, value FROM basis WHERE aspect = ? ORDER BY name", [aspect])
    return dict(rows.fetchall())
