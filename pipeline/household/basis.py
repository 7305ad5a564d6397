"""What a release's figures rest on, so that two releases can say what changed besides the population."""

import duckdb

from pipeline.household.definition import VERSION


def create_basis(connection: duckdb.DuckDBPyConnection, model_digest: str, supplied: frozenset[str]) -> None:
    """Create `basis`: one row per aspect (and name, where an aspect has several), with its value as text.

    definition: version of the household definition; model_digest: of the linkage model; sources: optional
    NHS tables supplied; match_rate: share of people with a usual address on the reference date who were
    placed in a dwelling, in hundredths. Reads `placement`.
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
