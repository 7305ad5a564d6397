"""Completeness: how many of the homes and adults of the area are in the households, by the council's lists.

No one has a list of everyone. The NHS and the council's services list people independently of each other, and
the single person discount states how many adults a home has. So those whom one list has and the other has not
show how many neither has (dual-system estimate). The lists have errors: people who left stay on them. So the
share of adults is a range. Its lower end takes every listed adult who is no resident as missing. Its upper
end takes only those by whom the list exceeds the residents, less the surplus in homes with a discount.

The number of residents is too small by these shares, and too large by those who have left: `lives_there` is
the mean probability that a resident lives in the household. So the true number is between
residents x lives_there / (homes x adults_upper) and residents / (homes x adults_lower).

The shares are of the whole run and never of an area. They are published in hundredths, and only where a
hundredth is ten or more homes.
"""

from dataclasses import dataclass
from math import ceil, floor

import duckdb

#: The fewest homes for which completeness is published.
LEAST_HOMES = 1000
ASPECT = "completeness"


@dataclass(frozen=True)
class Completeness:
    """Estimated shares, 0 to 1.

    homes: of homes with people, those that have residents. adults: of their adults, those who are residents.
    lives_there: of residents, those who live there.
    """

    homes: float
    adults_lower: float
    adults_upper: float
    lives_there: float

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the rows of `basis`, in hundredths; the range is rounded outwards."""
        shares = {
            "homes": f"{self.homes:.2f}",
            "adults_lower": f"{floor(100 * self.adults_lower) / 100:.2f}",
            "adults_upper": f"{ceil(100 * self.adults_upper) / 100:.2f}",
            "lives_there": f"{self.lives_there:.2f}",
        }
        return [(ASPECT, name, share) for name, share in shares.items()]


def completeness_of(connection: duckdb.DuckDBPyConnection) -> Completeness | None:
    """Return the estimate from the table `completeness`; None if no adult resident is on a list."""
    with_residents, without, adults, coverage, unexplained, surplus, lives_there = connection.execute(
        "SELECT homes_with_residents, homes_without_residents, adults, list_coverage, unexplained_adults, "
        "surplus_adults, lives_there FROM completeness"
    ).fetchall()[0]
    if not coverage:
        return None
    return Completeness(
        homes=with_residents / (with_residents + without),
        adults_lower=adults / (adults + unexplained / coverage),
        adults_upper=adults / (adults + surplus / coverage),
        lives_there=lives_there,
    )


def add_completeness(connection: duckdb.DuckDBPyConnection) -> Completeness | None:
    """Add the estimate to `basis` if there are enough homes; returns it in any case."""
    found = completeness_of(connection)
    homes = connection.execute("SELECT homes_with_residents FROM completeness").fetchall()[0][0]
    if found is not None and homes >= LEAST_HOMES:
        connection.executemany("INSERT INTO basis VALUES (?, ?, ?)", found.rows())
    return found
