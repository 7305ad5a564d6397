"""Attack 3, across releases: values that change between two releases could disclose who moved.

Within an epoch, no printed value and no figure of the linkage quality report may change. Across epochs, the
areas of an MSOA either all change or all keep their values, because small changes are frozen (P6).
"""

from itertools import pairwise

import duckdb

from governance.canonical import digest_of_file
from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells
from pipeline.quality.writing import FILES as QUALITY_FILES

NUMBER, NAME = 3, "cross-release differencing"


def attack(connection: duckdb.DuckDBPyConnection, releases: list[ReleaseFiles]) -> AttackOutcome:
    """Compare every release with the one before it. releases: in the order of their dates."""
    if len(releases) < 2:
        return AttackOutcome(NUMBER, NAME, not_run="needs two releases or more")
    within = across = pairs = quality = 0
    for earlier, later in pairwise(releases):
        load_cells(connection, earlier, "earlier")
        load_cells(connection, later, "later")
        changed = connection.execute(
            """
            SELECT COUNT(*)
            FROM earlier
            INNER JOIN later
                ON later.table_id = earlier.table_id
               AND later.measure = earlier.measure
               AND later.group_id = earlier.group_id
            WHERE later.value IS DISTINCT FROM earlier.value
               OR later.shorthand IS DISTINCT FROM earlier.shorthand
            """
        ).fetchall()[0][0]
        pairs += 1
        if earlier.epoch == later.epoch:
            within += int(changed)
            quality += _differing_files(earlier, later)
        else:
            across += int(changed)
    return AttackOutcome.of(
        NUMBER,
        NAME,
        {"CHANGED_WITHIN_EPOCH": within, "QUALITY_CHANGED_WITHIN_EPOCH": quality},
        {"pairs": pairs, "changed_across_epochs": across},
    )


def _differing_files(earlier: ReleaseFiles, later: ReleaseFiles) -> int:
    """Count the files of the linkage quality report that are in both releases and differ."""
    both = [
        (earlier.folder / name, later.folder / name)
        for name in QUALITY_FILES
        if (earlier.folder / name).is_file() and (later.folder / name).is_file()
    ]
    return sum(digest_of_file(one) != digest_of_file(other) for one, other in both)
