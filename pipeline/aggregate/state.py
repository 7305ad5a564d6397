"""The state of every household as the tables count it, for the freeze of published values (P6).

One digest a household and unit: equal digests count alike in every cell of every table. What no table
shows does not enter, so a household whose unpublished facts changed has not changed.
"""

from collections.abc import Sequence

import duckdb

from pipeline.aggregate.contribution import Breakdowns, Counts, dimensions_of, mask_names


def create_state_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table `household_state` (lsoa21, contribution, digest)."""
    connection.execute(
        "CREATE OR REPLACE TABLE household_state (lsoa21 VARCHAR, contribution VARCHAR, digest VARCHAR)"
    )


def record_state(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    counts: Counts,
    breakdowns: Breakdowns,
    amounts: Sequence[str] = (),
) -> None:
    """Add one row per household of `<unit>_contribution`; `contribution` is "household|" or "resident|".

    amounts: SQL of what a row adds to each magnitude. A household's digest is of its categories, counts,
    amounts and keys; that of its residents adds up a number for each resident, so that the order of
    residents does not matter.
    """
    own = [f"dimension_{d}" for kind in ("household", "resident") for d in dimensions_of(kind, breakdowns)]
    told = [*own, *mask_names(counts), *(f"coalesce({amount}, -1)" for amount in amounts)]
    if unit == "household":
        told += ["household_key", "persons", "person_keys"]
        digests = (
            f"SELECT lsoa_id, md5(concat_ws('|', {', '.join(told)})) AS digest FROM household_contribution"
        )
    else:
        resident = f"CAST(md5_number_lower(concat_ws('|', {', '.join([*told, 'person_key'])})) AS HUGEINT)"
        digests = (
            f"SELECT lsoa_id, md5(concat_ws('|', household_key, SUM({resident}))) AS digest "
            "FROM resident_contribution GROUP BY household_id, lsoa_id, household_key"
        )
    connection.execute(
        f"INSERT INTO household_state SELECT lsoa.lsoa21, '{unit}|', state.digest "
        f"FROM ({digests}) AS state JOIN lsoa ON lsoa.lsoa_id = state.lsoa_id"
    )
