"""The state of every household as the tables count it: the input of the freeze of published values (P6).

There is one digest per household and unit. Households with equal digests count in the same way in every cell
of every table. The digest covers only what a table shows, so a change of an unpublished attribute does not
change it.
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

    amounts: SQL of what a row adds to each magnitude. A household's digest covers its categories, counts,
    amounts and record keys. The digest of its residents is of the sum of one number per resident, so that
    their order does not matter.
    """
    own = [f"dimension_{d}" for kind in ("household", "resident") for d in dimensions_of(kind, breakdowns)]
    shown = [*own, *mask_names(counts), *(f"coalesce({amount}, -1)" for amount in amounts)]
    if unit == "household":
        shown += ["household_key", "persons", "person_keys"]
        digests = (
            f"SELECT lsoa_id, md5(concat_ws('|', {', '.join(shown)})) AS digest FROM household_contribution"
        )
    else:
        resident = f"CAST(md5_number_lower(concat_ws('|', {', '.join([*shown, 'person_key'])})) AS HUGEINT)"
        digests = (
            f"SELECT lsoa_id, md5(concat_ws('|', household_key, SUM({resident}))) AS digest "
            "FROM resident_contribution GROUP BY household_id, lsoa_id, household_key"
        )
    connection.execute(
        f"INSERT INTO household_state SELECT lsoa.lsoa21, '{unit}|', state.digest "
        f"FROM ({digests}) AS state JOIN lsoa ON lsoa.lsoa_id = state.lsoa_id"
    )
