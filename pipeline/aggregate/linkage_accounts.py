"""Rates by the strict and the inclusive account of uncertain links, by which linkage bands are widened.

The accounts (see `pipeline/household/accounts.py`) differ from the published one in a few dwellings. Only
these are counted again, by all accounts in one pass: each account is treated as a district of its own. The
rest of a cell is as published.
"""

import duckdb

from pipeline.aggregate.counting import count_tables
from pipeline.aggregate.plan import Plan

_TABLES = ("household", "household_member", "lsoa", "household_record_key", "person_record_key")

#: Households and residents of the affected dwellings by each account, "published" included.
_SETUP = (
    """
    CREATE TABLE household AS
    SELECT * EXCLUDE (account) REPLACE (
        account || '|' || household_pseudonym AS household_pseudonym,
        account || '|' || lsoa21 AS lsoa21
    )
    FROM (
        SELECT 'published' AS account, * FROM official_household
        WHERE household_pseudonym IN (SELECT household_pseudonym FROM affected_dwelling)
        UNION ALL BY NAME
        SELECT * FROM account_household
    )
    """,
    """
    CREATE TABLE household_member AS
    SELECT * EXCLUDE (account) REPLACE (account || '|' || household_pseudonym AS household_pseudonym)
    FROM (
        SELECT 'published' AS account, * FROM official_household_member
        WHERE household_pseudonym IN (SELECT household_pseudonym FROM affected_dwelling)
        UNION ALL BY NAME
        SELECT * FROM account_member
    )
    """,
    """
    CREATE TABLE lsoa AS
    SELECT
        CAST(ROW_NUMBER() OVER (ORDER BY account, official_lsoa.lsoa21) AS UINTEGER) AS lsoa_id,
        account || '|' || official_lsoa.lsoa21 AS lsoa21,
        official_lsoa.msoa21,
        official_lsoa.local_authority,
        account,
        official_lsoa.lsoa21 AS own_lsoa21
    FROM official_lsoa
    CROSS JOIN (VALUES ('published'), ('strict'), ('inclusive')) AS accounts(account)
    """,
    "CREATE TABLE household_record_key AS "
    "SELECT DISTINCT dwelling_anchor AS anchor, 0 AS record_key FROM household",
    "CREATE TABLE person_record_key AS "
    "SELECT DISTINCT person_pseudonym AS anchor, 0 AS record_key FROM household_member",
)

_WIDEN = """
CREATE OR REPLACE TABLE linkage_band AS
WITH placed AS (
    SELECT lsoa_id, account, 'LSOA21' AS area_level, own_lsoa21 AS area_code FROM lsoa
    UNION ALL
    SELECT lsoa_id, account, 'MSOA21' AS area_level, msoa21 AS area_code FROM lsoa
    UNION ALL
    SELECT lsoa_id, account, 'LAD' AS area_level, local_authority AS area_code FROM lsoa
),
counted AS (
    SELECT
        placed.account,
        cell_id(table_id, measure, placed.area_code, category_1, category_2) AS cell_id,
        SUM(denominator_households) AS households,
        SUM(denominator_persons) AS persons,
        SUM(numerator_households) AS counted_households,
        SUM(numerator_persons) AS counted_persons
    FROM count_by_lsoa
    JOIN placed
        ON placed.lsoa_id = count_by_lsoa.lsoa_id
    GROUP BY ALL
),
affected_cell AS (
    SELECT
        cell.table_id,
        cell.measure,
        cell.area_level,
        cell.area_code,
        cell.category_1,
        cell.category_2,
        ANY_VALUE(cell.numerator) AS numerator,
        ANY_VALUE(cell.denominator) AS denominator,
        {sums}
    FROM cell
    JOIN counted
        ON counted.cell_id
            = cell_id(cell.table_id, cell.measure, cell.area_code, cell.category_1, cell.category_2)
    GROUP BY ALL
),
rated AS (
    SELECT
        cell_id(table_id, measure, area_code, category_1, category_2) AS cell_id,
        (numerator - published_n + strict_n)
            / NULLIF(denominator - published_d + strict_d, 0) AS strict,
        (numerator - published_n + inclusive_n)
            / NULLIF(denominator - published_d + inclusive_d, 0) AS inclusive
    FROM affected_cell
)
SELECT
    linkage_band.* EXCLUDE (lower, upper),
    -- LEAST and GREATEST pass over nulls, so a cell that no account changes must not meet 0 and 1
    CASE
        WHEN COALESCE(strict, inclusive) IS NULL THEN lower
        ELSE LEAST(lower, GREATEST(0, LEAST(strict, inclusive) - reach))
    END AS lower,
    CASE
        WHEN COALESCE(strict, inclusive) IS NULL THEN upper
        ELSE GREATEST(upper, LEAST(1, GREATEST(strict, inclusive) + reach))
    END AS upper
FROM linkage_band
LEFT JOIN rated
    ON rated.cell_id = cell_id(
        linkage_band.table_id, linkage_band.measure, linkage_band.area_code,
        linkage_band.category_1, linkage_band.category_2
    )
"""


def widen_linkage_bands(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Widen each row of `linkage_band` to contain the rates by both other accounts, and a margin for chance.

    Reads affected_dwelling, account_household and account_member of the household stage. Replaces the working
    tables of this stage, so it must run last.
    """
    affected = connection.execute("SELECT COUNT(*) FROM affected_dwelling").fetchall()[0][0]
    if not affected or not plan.tables:
        return
    for table in _TABLES:
        connection.execute(f"ALTER TABLE {table} RENAME TO official_{table}")
    for statement in _SETUP:
        connection.execute(statement)
    count_tables(connection, plan, "household.standing = 'household'", with_state=False)
    connection.execute(_WIDEN.replace("{sums}", ",\n        ".join(_sums())))


def _sums() -> list[str]:
    return [
        f"COALESCE(SUM(CASE cell.unit WHEN 'household' THEN counted.{households} ELSE counted.{persons} END) "
        f"FILTER (counted.account = '{account}'), 0) AS {account}_{role}"
        for account in ("published", "strict", "inclusive")
        for role, households, persons in (
            ("n", "counted_households", "counted_persons"),
            ("d", "households", "persons"),
        )
    ]
