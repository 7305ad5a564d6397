"""What an outsider works out of all tables at once, who has nothing but what is printed.

He takes the strongest assumptions under which the printed values have a solution, and tries three times: as
the method prints it; guessing that no hidden count is zero; and knowing the number of households of every
area, as council tax statistics tell it. An assumption may fit and yet be false (a larger count was hidden
to cover a small one), so that what he works out need not be true; nobody shall be told it all the same.

`hearth attack` asks this of finished files, and the repair before a release of what it is about to print.
"""

from dataclasses import dataclass

import duckdb
import numpy as np

from pipeline.disclosure.audit.auditor import Auditor, AuditResult
from pipeline.disclosure.audit.published_system import (
    Floats,
    PublishedSystem,
    Whole,
    known_households,
    with_any_size,
    with_known_households,
    with_none_zero,
)
from pipeline.disclosure.audit.reference import find_near, find_reference
from pipeline.disclosure.audit.solver import Infeasible

#: What an outsider believes first.
SMALL = "hidden counts are small"


@dataclass(frozen=True)
class Known:
    """What numbers of households give away: cells pinned and cells proven nought, whichever numbers fit.

    narrow: cells left narrow. by_one_fit_only: cells that some numbers pin and others, fitting too, do not.
    """

    exact: Whole
    zero: Whole
    narrow: int
    by_one_fit_only: int = 0


@dataclass(frozen=True)
class Reconstruction:
    """What is worked out. assumed: the assumptions that fit; system: the printed values under them.

    none_is_zero: the audit of who guesses that no hidden count is zero; None where some has to be.
    """

    assumed: str
    system: PublishedSystem
    plain: AuditResult
    knowing_households: Known
    none_is_zero: AuditResult | None

    @property
    def cells(self) -> Whole:
        """Hidden cells that are worked out in any of the ways."""
        plain, known = self.plain, self.knowing_households
        guessed = [] if self.none_is_zero is None else [self.none_is_zero.pinned]
        return np.unique(np.concatenate((plain.narrow, plain.proven_zero, known.exact, known.zero, *guessed)))


def reconstruct(
    connection: duckdb.DuckDBPyConnection, printed: PublishedSystem, minimum_cell_count: int
) -> Reconstruction | None:
    """Bound every hidden count by everything that is printed; None where the printed values contradict it.

    printed: as `create_system` has just made it in `connection`.
    """
    any_size = with_any_size(printed)
    for assumed, system in (
        (SMALL, printed),
        ("hidden counts are of any size", any_size),
        ("areas are of different epochs", any_size.within_areas()),  # some were carried forward
    ):
        try:
            reference = find_reference(system)
        except Infeasible:
            continue
        return reconstruct_from(connection, system, reference, minimum_cell_count, assumed)
    return None


def reconstruct_from(
    connection: duckdb.DuckDBPyConnection,
    system: PublishedSystem,
    reference: Floats,
    minimum_cell_count: int,
    assumed: str = SMALL,
) -> Reconstruction:
    """Bound every hidden count of a system, from a point that fits it."""
    plain = Auditor(system, reference, minimum_cell_count).run()
    known = knowing_households(connection, system, reference, minimum_cell_count)
    guessed = with_none_zero(system)
    try:
        none_is_zero = Auditor(
            guessed, find_near(guessed, reference), minimum_cell_count, minimum_width=1
        ).run()
    except Infeasible:
        none_is_zero = None
    return Reconstruction(assumed, system, plain, known, none_is_zero)


def knowing_households(
    connection: duckdb.DuckDBPyConnection, system: PublishedSystem, reference: Floats, minimum_cell_count: int
) -> Known:
    """Bound the hidden counts once more, knowing the number of households of every area.

    The true numbers are not in the files, so numbers that fit stand for them. What such numbers seem to pin
    is asked again with numbers from the other end of their ranges, and is a success only where both agree;
    the audit before a release asks it of the true ones.
    """
    households = known_households(connection)
    first = Auditor(with_known_households(system, households, reference), reference, minimum_cell_count).run()
    narrow = len(first.narrow) - len(first.pinned)
    if not len(first.pinned) and not len(first.proven_zero):
        return Known(first.pinned, first.proven_zero, narrow)
    middle = (system.lower + system.upper) / 2
    costs = np.zeros(system.size)
    costs[households] = np.where(reference[households] > middle[households], 1.0, -1.0)
    costs[~np.isfinite(system.upper)] = 0.0
    other = find_reference(system, costs)
    second = Auditor(with_known_households(system, households, other), other, minimum_cell_count).run()
    exact = np.intersect1d(first.pinned, second.pinned)
    zero = np.intersect1d(first.proven_zero, second.proven_zero)
    return Known(exact, zero, narrow, len(first.pinned) - len(exact))
