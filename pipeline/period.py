"""The period that a table of dated rows covers: as its supplier declared it, or as the rows show it.

An extract that ends before a measure's window does makes every rate smaller, and nothing in a row shows that.
So the months of a table are counted, and a month with far fewer rows than those next to it is not covered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

#: Fewer dated rows do not show a period.
FEWEST_ROWS = 50
#: A month is covered if it has at least this share of the rows of an average month of the year next to it;
#: months without rows do not count.
_LEAST_SHARE = 0.1
_MONTHS_OF_A_YEAR = 12


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`. is_declared: by the supplier; otherwise seen in the rows."""

    first: date
    last: date
    is_declared: bool = False

    def __str__(self) -> str:
        source = "declared" if self.is_declared else "seen in the data"
        return f"{self.first} to {self.last} ({source})"


def seen_period(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> Period | None:
    """Return the whole months that the dates of a column cover; None if there are too few rows to see it."""
    rows = connection.execute(
        f'SELECT 12 * year("{column}") + month("{column}") - 1 AS month, COUNT(*) FROM "{table}" '
        f'WHERE "{column}" IS NOT NULL GROUP BY month'
    ).fetchall()
    return period_of_months({int(month): int(count) for month, count in rows})


def period_of_months(counts: Mapping[int, int]) -> Period | None:
    """Return the period of months with rows. counts: month, as 12 times the year plus 0 to 11 -> rows."""
    if sum(counts.values()) < FEWEST_ROWS:
        return None
    months = sorted(counts)
    last = next((m for m in reversed(months) if _is_covered(m, counts, -1)), months[-1])
    first = next((m for m in months if _is_covered(m, counts, 1)), months[0])
    return Period(_first_day(first), _first_day(last + 1) - timedelta(days=1))


def _is_covered(month: int, counts: Mapping[int, int], direction: int) -> bool:
    """Answer whether a month is no stray: compared with the year before it (-1), or after it (1)."""
    year = range(1, _MONTHS_OF_A_YEAR + 1)
    near = [counts[month + direction * n] for n in year if month + direction * n in counts]
    near = near or list(counts.values())
    average = sum(near) / len(near)
    return counts[month] >= max(1.0, _LEAST_SHARE * average)


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
