"""Counts identifiers, pseudonyms and sentinels, for rule PSE-04.

The rule requires as many distinct pseudonyms as distinct identifiers; a collision or a skipped value would
change that. It also requires that no value that means "unknown" was hashed: hashed zeros would link people
who have nothing to do with each other.
"""

from collections.abc import Sequence
from datetime import date

import duckdb

from pipeline.pseudonymise.tables import NHS_NUMBER, UPRN, PseudonymisedTable

#: Values that suppliers enter for "unknown". Ingest replaces them with NULL; this is a second check.
SENTINELS = {
    UPRN: ("000000000000", "999999999999"),
    NHS_NUMBER: ("0000000000", "1111111111", "9999999999"),
}

Counts = dict[str, dict[str, int]]


def count_identifiers(connection: duckdb.DuckDBPyConnection, tables: Sequence[PseudonymisedTable]) -> Counts:
    """Return kind -> values hashed, distinct identifiers in, distinct pseudonyms out, over all tables."""
    return {
        kind: {
            "values": _number(connection, f"SELECT COUNT(value) FROM ({clear})"),
            "distinct_in": _number(connection, f"SELECT COUNT(DISTINCT value) FROM ({clear})"),
            "distinct_out": _number(connection, f"SELECT COUNT(DISTINCT value) FROM ({hashed})"),
        }
        for kind, clear, hashed in columns_by_kind(tables)
    }


def count_sentinels(connection: duckdb.DuckDBPyConnection, tables: Sequence[PseudonymisedTable]) -> int:
    """Return the number of hashed values that mean "unknown": blank, or one of SENTINELS."""
    total = 0
    for kind, clear, _ in columns_by_kind(tables):
        rows = connection.execute(
            f"SELECT COUNT(*) FROM ({clear}) WHERE trim(value) = '' OR list_contains($sentinels, value)",
            {"sentinels": list(SENTINELS.get(kind, ()))},
        ).fetchall()
        total += int(rows[0][0])
    return total


def count_births_after(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[PseudonymisedTable], reference_date: date
) -> int:
    """Return the number of people with a birth date after the reference date, who therefore have no age."""
    total = 0
    for table in tables:
        if table.source in ("council_person", "nhs_person"):
            rows = connection.execute(
                f'SELECT COUNT(*) FROM "{table.source}" WHERE birth_date > $reference_date',
                {"reference_date": reference_date},
            ).fetchall()
            total += int(rows[0][0])
    return total


def columns_by_kind(
    tables: Sequence[PseudonymisedTable], *, hashed: bool = True
) -> list[tuple[str, str, str]]:
    """Return (kind, query for its clear values, query for its pseudonyms) for each kind in use.

    Each query has one column, `value`. hashed: whether the pseudonymised tables are in the connection; if
    not, the query for pseudonyms is an empty text.
    """
    columns: dict[str, list[tuple[str, str]]] = {}
    for table in tables:
        for pseudonym, (kind, clear) in table.pseudonyms.items():
            columns.setdefault(kind, []).append(
                (
                    f'SELECT "{clear}" AS value FROM "{table.source}"',
                    f'SELECT "{pseudonym}" AS value FROM "{table.hashed_name}"',
                )
            )
    return [
        (
            kind,
            " UNION ALL ".join(c for c, _ in pairs),
            " UNION ALL ".join(h for _, h in pairs) if hashed else "",
        )
        for kind, pairs in sorted(columns.items())
    ]


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
