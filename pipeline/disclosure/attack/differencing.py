"""Attack 1, differencing: the printed parts of a sum are subtracted from its printed total.

Every sum is tried in which exactly one count is not printed: sums over the categories of a dimension, over
the areas of a larger area, between two tables that share dimensions, and of a numerator and its complement.
"""

import duckdb
import numpy as np

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells, load_system_tables
from pipeline.disclosure.audit.auditor import MINIMUM_WIDTH
from pipeline.disclosure.audit.published_system import create_system

NUMBER, NAME = 1, "margin differencing"


def attack(connection: duckdb.DuckDBPyConnection, release: ReleaseFiles) -> AttackOutcome:
    """Subtract the printed parts from every total, and count the hidden values that this discloses."""
    load_cells(connection, release, "released")
    load_system_tables(connection, "released")
    system = create_system(connection, release.rules, release.area)
    minimum = release.rules.minimum_cell_count
    relation, cell, sign = system.member_relation, system.member_cell, system.member_sign
    relations = int(relation.max(initial=-1)) + 1
    is_missing = ~system.printed[cell]
    missing = np.bincount(relation, weights=is_missing, minlength=relations)
    low = np.where(sign > 0, system.lower[cell], -system.upper[cell])
    high = np.where(sign > 0, system.upper[cell], -system.lower[cell])
    rest_low = np.bincount(relation, weights=np.where(is_missing, 0.0, low), minlength=relations)
    rest_high = np.bincount(relation, weights=np.where(is_missing, 0.0, high), minlength=relations)
    single = np.flatnonzero(is_missing & (missing[relation] == 1) & np.isfinite(rest_low[relation]))
    # the missing count is the total less the printed parts
    from_low = np.where(sign[single] > 0, -rest_high[relation[single]], rest_low[relation[single]])
    from_high = np.where(sign[single] > 0, -rest_low[relation[single]], rest_high[relation[single]])
    found_low = np.maximum(np.maximum(from_low, system.lower[cell[single]]), 0.0)
    found_high = np.minimum(from_high, system.upper[cell[single]])
    contradicts = found_low > found_high
    # structural zeros, and counts that must be large, are not secret
    secret = ~contradicts & (found_low < minimum) & (system.upper[cell[single]] > 0)
    # a difference of two counts that is zero shows only that they are equal, as the audit decides too
    between = connection.execute(
        "SELECT cell FROM system_cell WHERE contains(measure, ':within:')"
    ).fetchnumpy()
    is_between = np.isin(cell[single], between["cell"])
    secret &= ~is_between | (system.difference[cell[single]] & (found_high >= 1))
    width = found_high - found_low
    contains_small = (found_low <= 1) & (found_high >= minimum - 1)
    unnested = connection.execute(
        """
        SELECT COUNT(DISTINCT area_code)
        FROM released
        WHERE area_code NOT IN (SELECT area_code FROM area_block)
        """
    ).fetchall()[0][0]
    return AttackOutcome.of(
        NUMBER,
        NAME,
        {
            "DIFFERENCE_EXACT": int((secret & (width < 1)).sum()),
            "DIFFERENCE_NARROW": int(
                (secret & (width >= 1) & (width < MINIMUM_WIDTH) & ~contains_small).sum()
            ),
            "DIFFERENCE_ZERO": int((secret & (found_high < 1)).sum()),
            "UNNESTED_GEOGRAPHY": int(unnested),
        },
        {"sums": relations, "differences": len(single)},
    )
