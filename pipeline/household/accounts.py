"""Two alternative accounts of who lives where: how far doubtful links could change the households.

| account | an NHS record is placed |
|---|---|
| published | where it is linked |
| strict | where it is linked, unless the person lives there with a probability below 0.9 |
| inclusive | where it is linked; else at the best candidate of its address group, however doubtful |

The truth about doubtful links is between strict and inclusive. Both apply the whole household definition,
but only to the dwellings that they change; all others are as published. The aggregate stage counts them in
addition to the published account (see `linkage_accounts`).
"""

from collections.abc import Iterator
from datetime import date

import duckdb

from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.household.building import build_households

ACCOUNTS = ("strict", "inclusive")
#: The strict account keeps a resident whose probability of living there is at least this.
STRICT_PROBABILITY = 0.9

#: One row per NHS record: its dwelling by each account. The residence match weight is log2 of odds.
_PLACE_RECORDS = f"""
CREATE TABLE placed_record AS
SELECT
    resident_link.nhs_record_pseudonym,
    COALESCE(nhs_resident.nhs_number_pseudonym, nhs_resident.record_pseudonym) AS person_pseudonym,
    resident_link.match_probability,
    resident_link.dwelling_record_pseudonym AS published,
    COALESCE(resident_link.dwelling_record_pseudonym, decision.dwelling_record_pseudonym) AS inclusive,
    CASE
        WHEN COALESCE(1 / (1 + power(2, -resident_link.residence_match_weight)), 1)
            >= {STRICT_PROBABILITY} THEN resident_link.dwelling_record_pseudonym
    END AS strict
FROM resident_link
JOIN nhs_resident
    ON nhs_resident.record_pseudonym = resident_link.nhs_record_pseudonym
LEFT JOIN decision
    ON decision.address_group = resident_link.address_group
"""
#: One row per dwelling that has other records by an alternative account than by the published one.
_FIND_AFFECTED = """
CREATE TABLE affected_dwelling AS
SELECT DISTINCT inclusive AS household_pseudonym
FROM placed_record
WHERE strict IS DISTINCT FROM published OR inclusive IS DISTINCT FROM published
"""
#: One row per NHS record of a person with a record at an affected dwelling, because the definition compares
#: all records of a person.
_FIND_NEEDED = """
CREATE TABLE needed_record AS
SELECT placed_record.*
FROM placed_record
WHERE person_pseudonym IN (
    SELECT person_pseudonym FROM placed_record
    WHERE inclusive IN (SELECT household_pseudonym FROM affected_dwelling)
)
"""
#: Table of the definition -> its rows that the affected dwellings need.
_NEEDED_ROWS = {
    "nhs_resident": "record_pseudonym IN (SELECT nhs_record_pseudonym FROM needed_record)",
    "dwelling": "record_pseudonym IN (SELECT inclusive FROM needed_record)",
    "council_resident": "dwelling_record_pseudonym IS NULL "
    "OR dwelling_record_pseudonym IN (SELECT inclusive FROM needed_record)",
    "area": "TRUE",
    "nhs_condition": "{of_needed_records}",
    "nhs_event": "{of_needed_records}",
}
_OF_NEEDED_RECORDS = (
    "nhs_number_pseudonym IN (SELECT person_pseudonym FROM needed_record) "
    "OR resident_record_pseudonym IN (SELECT nhs_record_pseudonym FROM needed_record)"
)


def build_accounts(
    connection: duckdb.DuckDBPyConnection, supplied: frozenset[str], reference_date: date, context: RunContext
) -> None:
    """Create `affected_dwelling`, `account_household` and `account_member` for the alternative accounts.

    affected_dwelling: one row per dwelling that an account changes. account_household, account_member: the
    rows of household and household_member at these dwellings, by account. The connection must contain the
    tables of `build_households` and `decision` of the linkage.
    """
    for statement in (_PLACE_RECORDS, _FIND_AFFECTED, _FIND_NEEDED):
        connection.execute(statement)
    for table, source in (("account_household", "household"), ("account_member", "household_member")):
        connection.execute(f"CREATE TABLE {table} AS SELECT '' AS account, * FROM {source} LIMIT 0")
    if not connection.execute("SELECT COUNT(*) FROM affected_dwelling").fetchall()[0][0]:
        return
    affected = connection.sql("SELECT * FROM affected_dwelling").to_arrow_table()
    for account in ACCOUNTS:
        with locked_connection(context.project.engine, context.spill) as other:
            for table, query in _needed_tables(supplied, account):
                other.register("_needed", connection.sql(query).to_arrow_table())
                other.execute(f"CREATE TABLE {table} AS SELECT * FROM _needed")
                other.unregister("_needed")
            build_households(other, supplied, reference_date)
            other.register("affected_dwelling", affected)
            for table, source in (("account_household", "household"), ("account_member", "household_member")):
                rows = other.sql(
                    f"SELECT '{account}' AS account, * FROM {source} "
                    "WHERE household_pseudonym IN (SELECT household_pseudonym FROM affected_dwelling)"
                ).to_arrow_table()
                connection.register("_rows", rows)
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM _rows")
                connection.unregister("_rows")


def _needed_tables(supplied: frozenset[str], account: str) -> Iterator[tuple[str, str]]:
    """Yield the tables that the definition reads, each with a query for its rows by this account."""
    for table, condition in _NEEDED_ROWS.items():
        if not table.startswith("nhs_") or table == "nhs_resident" or table.removeprefix("nhs_") in supplied:
            yield (
                table,
                f"SELECT * FROM {table} WHERE {condition.format(of_needed_records=_OF_NEEDED_RECORDS)}",
            )
    yield (
        "resident_link",
        f"SELECT nhs_record_pseudonym, {account} AS dwelling_record_pseudonym, "
        f"CASE WHEN {account} IS NULL THEN 'no_candidate' ELSE 'linked' END AS reason, match_probability, "
        "NULL::VARCHAR AS address_group, NULL::DOUBLE AS residence_match_weight FROM needed_record",
    )
