"""Match rates by group, for the gate: does linkage serve some people worse than others?

The gate judges sex, age band and ethnic category; `quality.py` reports more groups beside a release.
"""

from typing import Any

import duckdb

_RATES = """
    -- One row per group of each attribute: NHS records, and how many of them are linked.
    WITH crossed AS (
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
    listed AS (
        SELECT 'sex' AS attribute, sex AS category, records, linked FROM crossed
        UNION ALL
        SELECT 'age_band' AS attribute, age_band AS category, records, linked FROM crossed
        UNION ALL
        SELECT 'ethnic_category' AS attribute, ethnic_category AS category, records, linked FROM crossed
    )
    SELECT
        attribute,
        category,
        SUM(records)::BIGINT AS records,
        SUM(linked)::BIGINT AS linked
    FROM listed
    WHERE category IS NOT NULL
    GROUP BY attribute, category
    ORDER BY attribute, category
"""


def subgroup_counts(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return {attribute, category, records, linked} of every group of `outcome` and `nhs_member`."""
    rows = connection.execute(_RATES).fetchall()
    names = ("attribute", "category", "records", "linked")
    return [dict(zip(names, row, strict=True)) for row in rows]
