"""Attack 3, across releases: whatever changes between two nights tells of who moved.

Within an epoch no printed value may change. Across epochs an area may only change as a
whole MSOA, which is how the freeze of small changes shows in published files: the areas of an
MSOA change together or carry forward together.
"""

from itertools import pairwise

import duckdb

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells

NUMBER, NAME = 3, "cross-release differencing"


def attack(connection: duckdb.DuckDBPyConnection, releases: list[ReleaseFiles]) -> AttackOutcome:
    """Compare every release with the one before it; `releases` in the order of their dates."""
    if len(releases) < 2:
        return AttackOutcome(NUMBER, NAME, not_run="needs two releases or more")
    within = across = pairs = 0
    for earlier, later in pairwise(releases):
        load_cells(connection, earlier, "earlier")
        load_cells(connection, later, "later")
        changed = connection.execute(
            """
            SELECT COUNT(*)
            FROM earlier
            INNER JOIN later
                ON later.table_id = earlier.table_id
               AND later.unit = earlier.unit
               AND later.measure = earlier.measure
               AND later.area_code = earlier.area_code
               AND later.category_1 IS NOT DISTINCT FROM earlier.category_1
               AND later.category_2 IS NOT DISTINCT FROM earlier.category_2
            WHERE later.value IS DISTINCT FROM earlier.value
               OR later.shorthand IS DISTINCT FROM earlier.shorthand
            """
        ).fetchall()[0][0]
        pairs += 1
        if earlier.epoch == later.epoch:
            within += int(changed)
        else:
            across += int(changed)
    return AttackOutcome.of(
        NUMBER,
        NAME,
        {"CHANGED_WITHIN_EPOCH": within},
        {"pairs": pairs, "changed_across_epochs": across},
    )
