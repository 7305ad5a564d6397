"""Joint reconstruction: what an outsider can work out from all published tables together.

The attack uses the strongest assumptions under which the published values have a solution. It is made three
times: with these assumptions; assuming also that no hidden count is zero; and with the number of households
of every area, as council tax statistics publish it. An assumption can fit the published values and still be
false (a larger count may have been hidden to protect a small one). Inferences are blocked even when they
would be wrong.

`hearth attack` uses this module on finished files, and the repair before a release on the values that it is
about to publish.
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

#: The first assumption of the attacker.
SMALL = "hidden counts are small"


@dataclass(frozen=True)
class Known:
    """What can be worked out with the number of households of every area.

    exact: cells with one possible value. zero: cells proven to be zero; both for all numbers tried. narrow:
    number of other cells with a narrow interval. by_one_fit_only: number of cells that have one possible
    value with some numbers that fit, but not with others.
    """

    exact: Whole
    zero: Whole
    narrow: int
    by_one_fit_only: int = 0


@dataclass(frozen=True)
class Reconstruction:
    """What can be worked out.

    assumed: the assumptions that fit, in words. system: the published values under them. plain: the audit of
    this system. none_is_zero: the audit under the assumption that no hidden count is zero; None if this
    contradicts the published values.
    """

    assumed: str
    system: PublishedSystem
    plain: AuditResult
    knowing_households: Known
    none_is_zero: AuditResult | None

    @property
    def cells(self) -> Whole:
        """Hidden cells that are worked out in at least one of the three ways."""
        plain, known = self.plain, self.knowing_households
        guessed = [] if self.none_is_zero is None else [self.none_is_zero.pinned]
        return np.unique(np.concatenate((plain.narrow, plain.proven_zero, known.exact, known.zero, *guessed)))


def reconstruct(
    connection: duckdb.DuckDBPyConnection, printed: PublishedSystem, minimum_cell_count: int
) -> Reconstruction | None:
    """Bound every hidden count by all published values; None if these contradict the method.

    printed: as `create_system` has just returned it for this connection.
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
    """Bound every hidden count of a system. reference: a feasible point, one value per cell."""
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
    """Bound the hidden counts with the number of households of every area.

    reference: a feasible point, one value per cell. The exact numbers are not in the files, so those of the
    feasible point are used. The result is checked with numbers from the other end of their ranges, and
    counts only if both agree. The audit before a release uses the exact numbers.
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
