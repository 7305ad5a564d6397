"""The cost of protection: cells published, hidden and not produced, and the error of published counts.

Errors are calculated from the exact counts, so they are never part of a release. The numbers of cells are
public.
"""

from typing import Any

import duckdb

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
