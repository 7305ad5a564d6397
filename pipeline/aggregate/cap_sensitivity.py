"""Sensitivity to the caps on household size: what every figure would be under other caps.

The caps of household/v3 are the strictest. Any others would add dwellings that are now improbable as
households. So only these dwellings are counted, and the table contains what they would add to a cell.
"""

import duckdb

from pipeline.aggregate.counting import count_tables
from pipeline.aggregate.plan import Plan
from pipeline.household.definition import ALTERNATIVE_CAPS, CAPS, Caps

_KEYS = "table_id, measure, area_level, area_code, category_1, category_2"


def build_cap_sensitivity(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Create `cap_sensitivity`: one row per alternative caps and cell that they would change.

    added_denominator, added_numerator: what the caps add to the cell, in households or residents by its unit.
    Replaces household_base, resident_base and count_by_lsoa, so it must run after the cells are counted.
    """
    connection.execute(
        "CREATE OR REPLACE TABLE cap_sensitivity (caps VARCHAR, table_id VARCHAR, measure VARCHAR, "
        "area_level VARCHAR, area_code VARCHAR, category_1 VARCHAR, category_2 VARCHAR, "
        "added_denominator BIGINT, added_numerator BIGINT)"
    )
    if not plan.tables:
        return
    for caps in ALTERNATIVE_CAPS:
        check_looser(caps)
        admitted = f"household.standing = 'improbable' AND {_admitted(caps)}"
        if not connection.execute(f"SELECT COUNT(*) FROM household WHERE {admitted}").fetchall()[0][0]:
            continue
        count_tables(connection, plan, admitted, with_state=False)
        connection.execute(
            f"""
INSERT INTO cap_sensitivity
WITH added AS (
    SELECT
        count_by_lsoa.table_id,
        count_by_lsoa.measure,
        area_of.area_level,
        area_of.area_code,
        count_by_lsoa.category_1,
        count_by_lsoa.category_2,
        SUM(denominator_households) AS households,
        SUM(denominator_persons) AS persons,
        SUM(numerator_households) AS counted_households,
        SUM(numerator_persons) AS counted_persons
    FROM count_by_lsoa
    JOIN area_of
        ON area_of.lsoa_id = count_by_lsoa.lsoa_id
    GROUP BY ALL
)
SELECT
    '{caps.name}' AS caps,
    cell.table_id,
    cell.measure,
    cell.area_level,
    cell.area_code,
    cell.category_1,
    cell.category_2,
    CASE cell.unit WHEN 'household' THEN added.households ELSE added.persons END AS added_denominator,
    CASE cell.unit WHEN 'household' THEN added.counted_households ELSE added.counted_persons END
        AS added_numerator
FROM cell
JOIN added
    ON cell_id(added.table_id, added.measure, added.area_code, added.category_1, added.category_2)
        = cell_id(cell.table_id, cell.measure, cell.area_code, cell.category_1, cell.category_2)
"""
        )


def check_looser(caps: Caps) -> None:
    """Raise ValueError if the caps are stricter than the definition's: they would remove households."""
    if caps.maximum_residents < CAPS.maximum_residents or (
        caps.maximum_older_residents < CAPS.maximum_older_residents
    ):
        raise ValueError(
            f"The alternative caps {caps.name!r} are stricter than those of the household definition, so they"
            " would remove households. Only looser caps can be compared."
        )


def _admitted(caps: Caps) -> str:
    return (
        f"household.residents <= {caps.maximum_residents} AND NOT (household.residents > "
        f"{caps.maximum_older_residents} AND household.residents_over_67 = household.residents)"
    )
