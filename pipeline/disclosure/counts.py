"""From cells to counts: a count of certain people is protected once, however many tables contain it.

The same households counted in two tables are one count, with one noise, one published value and one decision.
Every cell has a denominator and, if its measure has one, a numerator and its complement. The complement is
never published, but can be calculated.
"""

import duckdb
import numpy as np
import pyarrow as pa

from governance.errors import Fault
from pipeline.disclosure.noise.p_table import noise_of
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.disclosure.profile import Profile
from pipeline.disclosure.statements import count_rows, create_table


def create_counts(connection: duckdb.DuckDBPyConnection) -> int:
    """Create `appearance`, `count` and `area_size` from `cell`; returns the number of distinct counts.

    Raises Fault if a count is missing or negative, or has different values in two tables.
    """
    create_table(connection, "appearance")
    create_table(connection, "count")
    broken = count_rows(connection, "count", "n IS NULL OR n < 0 OR households < 0 OR persons < 0")
    contradicted = count_rows(connection, "count", "is_contradicted")
    if broken or contradicted:
        raise Fault(
            "CELLS_DISAGREE",
            f"{broken} counts are missing or negative; {contradicted} have different values in two tables.",
            "Report this as a defect of the aggregate stage; nothing was published.",
        )
    create_table(connection, "area_size")
    return count_rows(connection, "count")


def create_noise(
    connection: duckdb.DuckDBPyConnection, profile: Profile, secret: RecordKeySecret | None
) -> None:
    """Create `count_noise` (count_id, noise): one row per count; noise is 0 if the profile adds none.

    Raises Fault if the profile adds noise and a count has no cell key.
    """
    ids, counts, keys = (
        np.asarray(column)
        for column in connection.sql(
            "SELECT count_id, n, COALESCE(cell_key, -1) FROM count ORDER BY count_id"
        )
        .fetchnumpy()
        .values()
    )
    if profile.is_exact or secret is None:
        noise = np.zeros(len(ids), dtype=np.int64)
    else:
        if len(keys) and keys.min() < 0:
            raise Fault(
                "CELL_KEYS_MISSING",
                f"{int((keys < 0).sum())} of {len(keys)} counts have no cell key.",
                "Run the aggregate stage with the project's record-key secret.",
            )
        noise = noise_of(counts.astype(np.int64), keys.astype(np.int64), profile.noise_bound, secret)
    connection.register("_noise", pa.table({"count_id": ids, "noise": noise}))
    try:
        connection.execute("CREATE OR REPLACE TABLE count_noise AS SELECT count_id, noise FROM _noise")
    finally:
        connection.unregister("_noise")
