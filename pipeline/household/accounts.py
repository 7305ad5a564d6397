"""Two other accounts of who lives where, between which the truth about uncertain links lies.

- strict: only residents whose links say that they live there with 9 in 10 or more;
- inclusive: everybody with a best candidate among the dwellings, however doubtful, and residents split off.

Both are formed by the whole definition, but only for the dwellings that they change; elsewhere they
are the published account. The aggregate stage counts them beside it (see `linkage_accounts`).
"""

from collections.abc import Iterator
from datetime import date

import duckdb

from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.household.building import build_households

ACCOUNTS = ("strict", "inclusive")
#: Least probability of living there with which the strict account keeps a resident.
STRICT_PROBABILITY = 0.9

_DOUBT = f"""
CREATE TABLE doubtful_record AS
WITH judged AS (
    SELECT
        resident_link.nhs_record_pseudonym,
        COALESCE(nhs_resident.nhs_number_pseudonym, nhs_resident.record_pseudonym) AS person_pseudonym,
        resident_link.reason,
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
)
SELECT * FROM judged
"""
_AFFECTED = """
CREATE TABLE affected_dwelling AS
SELECT DISTINCT inclusive AS household_pseudonym
FROM doubtful_record
WHERE strict IS DISTINCT FROM published OR inclusive IS DISTINCT FROM published
"""
_CONCERNED = """
CREATE TABLE concerned_record AS
SELECT doubtful_record.*
FROM doubtful_record
WHERE person_pseudonym IN (
    SELECT person_pseudonym FROM doubtful_record
    WHERE inclusive IN (SELECT household_pseudonym FROM affected_dwelling)
)
"""
#: Tables of the definition, cut down to what the affected dwellings need.
_CUT = {
    "nhs_resident": "record_pseudonym IN (SELECT nhs_record_pseudonym FROM concerned_record)",
    "dwelling": "record_pseudonym IN (SELECT inclusive FROM concerned_record)",
    "council_resident": "dwelling_record_pseudonym IN (SELECT inclusive FROM concerned_record)",
    "area": "TRUE",
    "nhs_condition": "{concerned}",
    "nhs_event": "{concerned}",
}
_OF_CONCERNED = (
    "nhs_number_pseudonym IN (SELECT person_pseudonym FROM concerned_record) "
    "OR resident_record_pseudonym IN (SELECT nhs_record_pseudonym FROM concerned_record)"
)


def build_accounts(
    connection: duckdb.DuckDBPyConnection, supplied: frozenset[str], reference_date: date, context: RunContext
) -> None:
    """Create `affected_dwelling`, `account_household` and `account_member` beside the published account.

    The connection holds what `build_households` left and, besides, `decision` of the linkage.
    """
    for statement in (_DOUBT, _AFFECTED, _CONCERNED):
        connection.execute(statement)
    for table, source in (("account_household", "household"), ("account_member", "household_member")):
        connection.execute(f"CREATE TABLE {table} AS SELECT '' AS account, * FROM {source} LIMIT 0")
    if not connection.execute("SELECT COUNT(*) FROM affected_dwelling").fetchall()[0][0]:
        return
    affected = connection.sql("SELECT * FROM affected_dwelling").to_arrow_table()
    for account in ACCOUNTS:
        with locked_connection(context.project.engine, context.spill) as other:
            for table, query in _cut_tables(supplied, account):
                other.register("_cut", connection.sql(query).to_arrow_table())
                other.execute(f"CREATE TABLE {table} AS SELECT * FROM _cut")
                other.unregister("_cut")
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


def _cut_tables(supplied: frozenset[str], account: str) -> Iterator[tuple[str, str]]:
    for table, condition in _CUT.items():
        if not table.startswith("nhs_") or table == "nhs_resident" or table.removeprefix("nhs_") in supplied:
            yield table, f"SELECT * FROM {table} WHERE {condition.format(concerned=_OF_CONCERNED)}"
    yield (
        "resident_link",
        f"SELECT nhs_record_pseudonym, {account} AS dwelling_record_pseudonym, "
        f"CASE WHEN {account} IS NULL THEN 'no_candidate' ELSE 'linked' END AS reason, match_probability, "
        "NULL::VARCHAR AS address_group, NULL::DOUBLE AS residence_match_weight FROM concerned_record",
    )
