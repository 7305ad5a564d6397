"""Contradictions between NHS numbers and people, and how each is settled. The rule is written here.

NUMBER_OF_TWO_PEOPLE  rows of one NHS number differ in birth date and in forename. The number identifies no
                      one, so it becomes missing in each of these rows, and each row is a person of its own
SAME_PERSON           rows agree in forename, surname, birth date and dwelling, and not in the NHS number. It
                      is one person: all rows get the lowest of the numbers, also a row without one

REPEATED_PERSON       such rows without a usable number: that with the latest start stays, the others are set
                      aside

Rows of one number and forename under two birth dates stay one person (one of the dates is a slip of the pen);
they are counted. A dwelling is a UPRN, or else a postcode with the first line of the address. Letters are
compared without case, blanks and punctuation. Only rows that are kept take part.
"""

from collections.abc import Collection
from typing import Any

import duckdb

from governance.counted import counted
from pipeline.ingest.converting.repairs import SAME_PERSON

_NAMES = ("forename", "surname")
_NEEDED = frozenset({"nhs_number", "birth_date", *_NAMES})
_KEPT = "checked JOIN verdict USING (line_number) WHERE verdict.reason IS NULL"


def settle_people(connection: duckdb.DuckDBPyConnection, columns: Collection[str]) -> dict[str, int]:
    """Settle contradictions in `checked` and return how many there were; {} if a needed column is absent.

    columns: contract columns that are read. Returns rows; numbers; numbers_of_two_people and
    rows_of_two_people; numbers_under_two_dates (one forename, two birth dates); people_under_two_numbers and
    rows_under_two_numbers; rows_without_number_joined; rows_repeated, set aside in `verdict`.
    """
    if not set(columns) >= _NEEDED:
        return {}
    connection.execute(
        f"""
        CREATE TEMP TABLE named AS
        SELECT
            line_number,
            "value nhs_number" AS number,
            "value birth_date" AS born,
            {_letters("forename")} AS forename,
            {_letters("surname")} AS surname,
            {_dwelling(columns)} AS dwelling
        FROM {_KEPT}
        """
    )
    shared = _number_of_two_people(connection)
    joined = _same_person(connection)
    repeated = _repeated_person(connection, "address_start" in columns)
    rows, numbers = connection.execute("SELECT COUNT(*), COUNT(DISTINCT number) FROM named").fetchall()[0]
    connection.execute("DROP TABLE named")
    return {"rows": rows, "numbers": numbers, **shared, **joined, **repeated}


def _number_of_two_people(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    connection.execute(
        """
        CREATE TEMP TABLE contradicting AS
        SELECT
            number,
            COUNT(*) AS rows_of_it,
            COUNT(DISTINCT forename) > 1 AS is_of_two
        FROM named
        WHERE number IS NOT NULL
        GROUP BY number
        HAVING COUNT(DISTINCT born) > 1
        """
    )
    two, rows, dates = connection.execute(
        """
        SELECT
            COUNT(*) FILTER (is_of_two),
            coalesce(SUM(rows_of_it) FILTER (is_of_two), 0),
            COUNT(*) FILTER (NOT is_of_two)
        FROM contradicting
        """
    ).fetchall()[0]
    if two:
        connection.execute(
            """
            UPDATE checked
            SET
                "value nhs_number" = NULL,
                "reason nhs_number" = CASE WHEN is_of_two THEN 'NUMBER_OF_TWO_PEOPLE' END
            FROM named
            JOIN contradicting USING (number)
            WHERE named.line_number = checked.line_number
              AND is_of_two
            """
        )
    connection.execute("DROP TABLE contradicting")
    return {
        "numbers_of_two_people": int(two),
        "rows_of_two_people": int(rows),
        "numbers_under_two_dates": int(dates),
    }


def _same_person(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    connection.execute(
        """
        CREATE TEMP TABLE same_person AS
        WITH settled AS (
            SELECT
                named.line_number,
                checked."value nhs_number" AS number,
                checked."reason nhs_number" AS reason,
                hash(forename, surname, born, dwelling) AS person
            FROM named
            JOIN checked USING (line_number)
            WHERE forename <> ''
              AND surname <> ''
              AND born IS NOT NULL
              AND dwelling IS NOT NULL
        ),
        repeated AS (
            SELECT person, MIN(number) AS lowest, COUNT(DISTINCT number) AS numbers
            FROM settled
            WHERE reason IS DISTINCT FROM 'NUMBER_OF_TWO_PEOPLE'
            GROUP BY person
            HAVING COUNT(*) > 1
               AND COUNT(number) > 0
               AND (COUNT(DISTINCT number) > 1 OR COUNT(number) < COUNT(*))
        )
        SELECT line_number, person, number, lowest, numbers
        FROM settled
        JOIN repeated USING (person)
        WHERE reason IS DISTINCT FROM 'NUMBER_OF_TWO_PEOPLE'
        """
    )
    people, rows, joined = connection.execute(
        """
        SELECT
            COUNT(DISTINCT person) FILTER (numbers > 1),
            COUNT(*) FILTER (numbers > 1 AND number IS NOT NULL),
            COUNT(*) FILTER (number IS NULL)
        FROM same_person
        """
    ).fetchall()[0]
    if people or joined:
        connection.execute(
            f"""
            UPDATE checked
            SET
                "value nhs_number" = lowest,
                "reason nhs_number" = NULL,
                "repair nhs_number" = '{SAME_PERSON}'
            FROM same_person
            WHERE same_person.line_number = checked.line_number
              AND number IS DISTINCT FROM lowest
            """
        )
    connection.execute("DROP TABLE same_person")
    return {
        "people_under_two_numbers": people,
        "rows_under_two_numbers": rows,
        "rows_without_number_joined": joined,
    }


def _repeated_person(connection: duckdb.DuckDBPyConnection, has_start: bool) -> dict[str, int]:
    latest = 'checked."value address_start" DESC NULLS LAST, ' if has_start else ""
    connection.execute(
        f"""
        CREATE TEMP TABLE repeated_person AS
        SELECT
            line_number,
            ROW_NUMBER() OVER (
                PARTITION BY forename, surname, born, dwelling
                ORDER BY {latest}line_number
            ) > 1 AS is_repeated
        FROM named
        JOIN checked USING (line_number)
        WHERE checked."value nhs_number" IS NULL
          AND forename <> ''
          AND surname <> ''
          AND born IS NOT NULL
          AND dwelling IS NOT NULL
        """
    )
    rows = connection.execute("SELECT COUNT(*) FROM repeated_person WHERE is_repeated").fetchall()[0][0]
    if rows:
        connection.execute(
            """
            UPDATE verdict
            SET reason = CASE WHEN is_repeated THEN 'REPEATED_PERSON' END
            FROM repeated_person
            WHERE repeated_person.line_number = verdict.line_number
              AND is_repeated
            """
        )
    connection.execute("DROP TABLE repeated_person")
    return {"rows_repeated": rows}


def sentences_on_people(table: str, facts: dict[str, Any]) -> list[str]:
    """Return a sentence for each kind of contradiction that was found."""
    number = ("NHS number", "NHS numbers")
    texts = {
        "numbers_of_two_people": (
            number,
            "shared by people who differ in forename and birth date; left out in their rows",
        ),
        "people_under_two_numbers": (
            ("person", "people"),
            "with one name, birth date and dwelling under several NHS numbers; read as one person each",
        ),
        "rows_without_number_joined": (
            ("row", "rows"),
            "without an NHS number, with name, birth date and dwelling of another row; read as that person",
        ),
        "rows_repeated": (
            ("row", "rows"),
            "without a usable NHS number, equal to another in name, birth date and dwelling; set aside",
        ),
        "numbers_under_two_dates": (
            number,
            "with one forename under two birth dates; read as one person each",
        ),
    }
    return [
        f"{table}: {counted(facts[n], *words)} {text}" for n, (words, text) in texts.items() if facts.get(n)
    ]


def _letters(column: str) -> str:
    return f"regexp_replace(lower(coalesce(\"value {column}\", '')), '[^\\p{{L}}]', '', 'g')"


def _dwelling(columns: Collection[str]) -> str:
    """Return SQL for the dwelling of a row; NULL if it is not known."""
    parts = []
    if "uprn" in columns:
        parts.append('"value uprn"')
    if {"postcode", "address_line_1"} <= set(columns):
        line = "regexp_replace(lower(\"value address_line_1\"), '[^\\p{L}0-9]', '', 'g')"
        parts.append(f"\"value postcode\" || '|' || {line}")
    return f"coalesce({', '.join(parts)})" if parts else "CAST(NULL AS VARCHAR)"
