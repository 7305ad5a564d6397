"""Linked records by group of people, for the gate: is one group linked less often than the others?

The gate (LNK-03) compares match rates by sex, age band and ethnic category. The quality report of a
release shows more groups (see `pipeline/quality`).
"""

from typing import Any

import duckdb

_RATES = """
    -- One row per group of each attribute: NHS records, and how many of them are linked.
    WITH counted AS (
        SELECT
            nhs_member.sex,
            CASE
                WHEN nhs_member.age_years < 18 THEN '0-17'
                WHEN nhs_member.age_years < 40 THEN '18-39'
                WHEN nhs_member.age_years < 65 THEN '40-64'
                ELSE '65+'
            END AS age_band,
            nhs_member.ethnic_category,
            COUNT(*) AS records,
            COUNT(outcome.dwelling_id) AS linked
        FROM outcome
        INNER JOIN nhs_member ON nhs_member.member_id = outcome.member_id
        WHERE nhs_member.age_years IS NOT NULL
        GROUP BY ALL
    ),
    by_attribute AS (
        SELECT 'sex' AS attribute, sex AS category, records, linked FROM counted
        UNION ALL
        SELECT 'age_band' AS attribute, age_band AS category, records, linked FROM counted
        UNION ALL
        SELECT 'ethnic_category' AS attribute, ethnic_category AS category, records, linked FROM counted
    )
    SELECT
        attribute,
        category,
        SUM(records)::BIGINT AS records,
        SUM(linked)::BIGINT AS linked
    FROM by_attribute
    WHERE category IS NOT NULL
    GROUP BY attribute, category
    ORDER BY attribute, category
"""


def subgroup_counts(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return {attribute, category, records, linked} for each group, from `outcome` and `nhs_member`.

    Records without an age are not counted; a missing sex or ethnic category is no group.
    """
    rows = connection.execute(_RATES).fetchall()
    names = ("attribute", "category", "records", "linked")
    return [dict(zip(names, row, strict=True)) for row in rows]
