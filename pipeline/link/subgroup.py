"""Match rates by group, for the gate: does linkage serve some people worse than others?

The gate judges sex, age band and ethnic category; `quality.py` reports more groups beside a release.
"""

from typing import Any

import duckdb

from governance.artefact import Artefact
from pipeline.engine.tables import load_table

_COLUMNS = ("record_pseudonym", "sex", "age_years", "ethnic_category")

_RATES = """
    -- One row per group of each attribute: NHS records, and how many of them are linked.
    WITH record AS (
        SELECT
            outcome.dwelling_id IS NOT NULL AS is_linked,
            subgroup_record.sex,
            CASE
                WHEN age_years < 18 THEN '0-17'
                WHEN age_years < 40 THEN '18-39'
                WHEN age_years < 65 THEN '40-64'
                ELSE '65+'
            END AS age_band,
            subgroup_record.ethnic_category
        FROM outcome
        INNER JOIN subgroup_record
            ON subgroup_record.record_pseudonym = outcome.nhs_record_pseudonym
        WHERE subgroup_record.age_years IS NOT NULL
    ),
    listed AS (
        SELECT 'sex' AS attribute, sex AS category, is_linked FROM record
        UNION ALL
        SELECT 'age_band' AS attribute, age_band AS category, is_linked FROM record
        UNION ALL
        SELECT 'ethnic_category' AS attribute, ethnic_category AS category, is_linked FROM record
    )
    SELECT
        attribute,
        category,
        COUNT(*) AS records,
        COUNT(*) FILTER (is_linked) AS linked
    FROM listed
    WHERE category IS NOT NULL
    GROUP BY attribute, category
    ORDER BY attribute, category
"""


def subgroup_counts(connection: duckdb.DuckDBPyConnection, nhs: Artefact) -> list[dict[str, Any]]:
    """Return {attribute, category, records, linked} of every group; `outcome` stands in `connection`."""
    load_table(connection, nhs.path("nhs_resident"), "subgroup_record", _COLUMNS)
    rows = connection.execute(_RATES).fetchall()
    connection.execute("DROP TABLE subgroup_record")
    names = ("attribute", "category", "records", "linked")
    return [dict(zip(names, row, strict=True)) for row in rows]
