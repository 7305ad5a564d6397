"""The state of every household as the tables count it, for the freeze of published values (P6).

One digest a contribution: equal digests count alike in every cell of every table. What no table
shows does not enter, so a household whose unpublished facts changed has not changed.
"""

import duckdb


def create_state_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table `household_state` (lsoa21, contribution, digest)."""
    connection.execute(
        "CREATE OR REPLACE TABLE household_state (lsoa21 VARCHAR, contribution VARCHAR, digest VARCHAR)"
    )


def record_state(connection: duckdb.DuckDBPyConnection, unit: str) -> None:
    """Add one row per row of `<unit>_contribution`; `contribution` names the unit and its own dimensions."""
    connection.execute(
        f"""
        INSERT INTO household_state
        SELECT
            lsoa21,
            '{unit}' || '|' || own AS contribution,
            md5(CAST(counted AS VARCHAR)) AS digest
        FROM {unit}_contribution AS counted
        """
    )
