"""Duplicate properties of a council, and homes of minors only in an NHS extract. Counts of kept rows."""

from pathlib import Path

import duckdb

from pipeline.engine.tables import load_table

#: People younger than this do not live without an adult.
ADULT_AGE = 16
_ADDRESS = tuple(f"address_line_{number}" for number in range(1, 6))


def property_facts(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Return properties; duplicates: rows that repeat the address of an earlier row, with no other UPRN.

    Returns {} if the council supplied no properties.
    """
    file = folder / "council_property.parquet"
    if not file.exists():
        return {}
    load_table(connection, file, "addressed", ("uprn", "postcode", *_ADDRESS, "line_number"))
    lines = ", ".join(_ADDRESS)
    properties, duplicates = connection.execute(
        f"""
        WITH home AS (
            SELECT
                uprn,
                postcode,
                regexp_replace(lower(concat_ws(' ', {lines})), '[^a-z0-9]+', ' ', 'g') AS address
            FROM addressed
            WHERE line_number IS NOT NULL
        ),
        repeated AS (
            SELECT COUNT(*) - greatest(COUNT(DISTINCT uprn), 1) AS surplus
            FROM home
            WHERE postcode IS NOT NULL
              AND address <> ''
            GROUP BY postcode, address
            HAVING COUNT(*) > 1
        )
        SELECT (SELECT COUNT(*) FROM home), coalesce((SELECT SUM(surplus) FROM repeated), 0)
        """
    ).fetchall()[0]
    return {"properties": int(properties), "duplicates": int(duplicates)}


def home_facts(connection: duckdb.DuckDBPyConnection, folder: Path, reference_date: str) -> dict[str, int]:
    """Return homes: UPRNs at which patients live on the reference date; minors_only: without an adult.

    Returns {} unless the NHS body supplied people. reference_date: ISO.
    """
    file = folder / "nhs_person.parquet"
    if not file.exists():
        return {}
    columns = ("uprn", "birth_date", "address_end", "registration_end", "death_date", "line_number")
    load_table(connection, file, "patient", columns)
    homes, minors = connection.execute(
        f"""
        WITH home AS (
            SELECT MIN(birth_date) AS eldest_born
            FROM patient
            WHERE line_number IS NOT NULL
              AND uprn IS NOT NULL
              AND death_date IS NULL
              AND coalesce(address_end >= $day, TRUE)
              AND coalesce(registration_end >= $day, TRUE)
            GROUP BY uprn
            HAVING COUNT(birth_date) = COUNT(*)
        )
        SELECT COUNT(*), COUNT(*) FILTER (eldest_born > CAST($day AS DATE) - INTERVAL {ADULT_AGE} YEAR)
        FROM home
        """,
        {"day": reference_date},
    ).fetchall()[0]
    return {"homes": homes, "minors_only": minors}
