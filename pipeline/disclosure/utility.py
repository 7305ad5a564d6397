"""The cost of protection: cells published, hidden and not produced, and the error of published counts.

Errors are calculated from the exact counts, so they are never part of a release. The numbers of cells are
public.
"""

from typing import Any

import duckdb

from pipeline.disclosure.profile import Profile

_BY_LEVEL = """
SELECT
    area_level,
    COUNT(*) AS cells,
    COUNT(value) AS published,
    COUNT(*) FILTER (shorthand = '[c]') AS hidden,
    COUNT(*) FILTER (shorthand = '[x]') AS not_produced
FROM protected_cell
GROUP BY area_level
ORDER BY area_level
"""

_ERROR = """
SELECT
    protected_cell.area_level,
    SUM(ABS(protected_cell.value - count.n)) / SUM(count.n) AS total_relative_error,
    AVG(ABS(protected_cell.value - count.n)) AS mean_absolute_error,
    MAX(ABS(protected_cell.value - count.n)) AS largest_absolute_error
FROM protected_cell
INNER JOIN count
    ON count.role <> 'complement'
   AND count.count_measure = protected_cell.measure
   AND count.group_id = group_id(
        protected_cell.unit, protected_cell.area_code, protected_cell.dimension_1, protected_cell.category_1,
        protected_cell.dimension_2, protected_cell.category_2
    )
WHERE protected_cell.value IS NOT NULL
GROUP BY protected_cell.area_level
ORDER BY protected_cell.area_level
"""


def measure_utility(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Return area level -> figures, from `protected_cell` and `count`.

    cells, published, hidden, not_produced: numbers of cells. total_relative_error: sum of the absolute errors
    of published counts, divided by the sum of the counts. mean_absolute_error, largest_absolute_error: in
    households or residents.
    """
    shares = {
        level: {"cells": cells, "published": published, "hidden": hidden, "not_produced": left_out}
        for level, cells, published, hidden, left_out in connection.execute(_BY_LEVEL).fetchall()
    }
    for level, relative, absolute, largest in connection.execute(_ERROR).fetchall():
        shares[level] |= {
            "total_relative_error": round(float(relative), 5),
            "mean_absolute_error": round(float(absolute), 3),
            "largest_absolute_error": float(largest),
        }
    return shares


_BY_RULE = """
WITH cell_of_table AS (
    SELECT DISTINCT table_id, count_measure, area_level, area_code, count_id
    FROM appearance
    WHERE role <> 'complement'
      AND NOT structural_zero
      AND n >= $minimum_cell_count
)
SELECT
    cell_of_table.area_level,
    CASE
        WHEN below_floor.table_id IS NOT NULL THEN 'area below its floor (P0)'
        WHEN too_sparse.table_id IS NOT NULL AND too_sparse.cells > 0 THEN 'level mostly hidden (P0)'
        WHEN too_sparse.table_id IS NOT NULL THEN 'level left out by the repair (P5)'
        WHEN primary_hidden.count_id IS NOT NULL THEN 'too few households or persons (P1)'
        WHEN attribute_hidden.count_id IS NOT NULL THEN 'attribute of a group (P2)'
        WHEN count_value.value IS NOT NULL THEN 'published'
        WHEN hidden.count_id IS NOT NULL THEN 'hidden by the repair (P5)'
        ELSE 'below the minimum with noise (P4)'
    END AS rule,
    COUNT(*) AS cells
FROM cell_of_table
INNER JOIN count_value USING (count_id)
LEFT JOIN below_floor USING (table_id, area_level, area_code)
LEFT JOIN too_sparse USING (table_id, count_measure, area_level)
LEFT JOIN primary_hidden USING (count_id)
LEFT JOIN attribute_hidden USING (count_id)
LEFT JOIN hidden USING (count_id)
GROUP BY ALL
ORDER BY ALL
"""


def count_by_rule(connection: duckdb.DuckDBPyConnection, profile: Profile) -> dict[str, dict[str, int]]:
    """Return area level -> rule -> cells, of the cells whose exact count reaches the minimum.

    A cell is a count in one table: a total, or the numerator of a rate. The rule is "published", or the first
    one that leaves the cell out. Call it after `protect_cells`, in the same connection. The numbers follow
    from exact counts and are never part of a release.
    """
    found: dict[str, dict[str, int]] = {}
    rows = connection.execute(_BY_RULE, {"minimum_cell_count": profile.minimum_cell_count}).fetchall()
    for level, rule, cells in rows:
        found.setdefault(level, {})[rule] = cells
    return found
