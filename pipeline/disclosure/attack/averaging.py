"""Attack 5, averaging: two releases of the same reference date must have the same noise.

If record keys were derived from cluster ids, every new linkage would draw new noise, and the mean of a few
releases would be close to the exact count.
"""

from itertools import combinations

import duckdb

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells

NUMBER, NAME = 5, "averaging"


def attack(connection: duckdb.DuckDBPyConnection, releases: list[ReleaseFiles]) -> AttackOutcome:
    """Compare all pairs of releases with the same reference date and epoch."""
    pairs = [
        (one, other)
        for one, other in combinations(releases, 2)
        if one.reference_date == other.reference_date
        and one.epoch == other.epoch  # a correction counts other people
        and one.criteria.get("agreement") == other.criteria.get("agreement")
    ]
    if not pairs:
        return AttackOutcome(NUMBER, NAME, not_run="needs two releases of one reference date and epoch")
    redrawn = 0
    for one, other in pairs:
        load_cells(connection, one, "one")
        load_cells(connection, other, "other")
        redrawn += int(
            connection.execute(
                """
                SELECT COUNT(*)
                FROM one
                INNER JOIN other
                    ON other.table_id = one.table_id
                   AND other.measure = one.measure
                   AND other.group_id = one.group_id
                WHERE one.kind = 'count'
                  AND one.value IS DISTINCT FROM other.value
                """
            ).fetchall()[0][0]
        )
    return AttackOutcome.of(NUMBER, NAME, {"NOISE_REDRAWN": redrawn}, {"pairs": len(pairs)})
