"""Attack 2, reconstruction: all tables at once, as one system of sums and bounds.

Tried three times: as the method prints it; guessing that no hidden count is zero; and knowing
the number of households of every area, as council tax statistics tell it.
"""

from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells, load_system_tables
from pipeline.disclosure.audit import Auditor, AuditResult
from pipeline.disclosure.published_system import (
    Floats,
    PublishedSystem,
    Whole,
    create_system,
    known_households,
    with_known_households,
)
from pipeline.disclosure.reference import find_near, find_reference
from pipeline.disclosure.solver import Infeasible

NUMBER, NAME = 2, "joint reconstruction"


def attack(connection: duckdb.DuckDBPyConnection, release: ReleaseFiles) -> AttackOutcome:
    """Bound every hidden count by everything that is printed."""
    load_cells(connection, release, "released")
    load_system_tables(connection, "released")
    system = create_system(connection, release.rules, release.area)
    minimum = release.rules.minimum_cell_count
    below = connection.execute(
        "SELECT COUNT(*) FROM shown WHERE value < $minimum AND kind = 'count'", {"minimum": minimum}
    ).fetchall()[0][0]
    findings: dict[str, int] = {"PRINTED_BELOW_MINIMUM": int(below)}
    figures: dict[str, Any] = {"counts": system.size, "hidden": int(system.hidden.sum())}
    fitting = _fit(system)
    if fitting is None:
        findings["PRINTED_BEYOND_RULE"] = 1
        return AttackOutcome.of(NUMBER, NAME, findings, figures)
    system, reference, figures["assumed"] = fitting
    plain = Auditor(system, reference, minimum).run()
    _note(findings, plain)
    figures["narrowest_interval_found"] = _narrowest(plain, system)
    known = _knowing_households(connection, system, reference, minimum)
    findings["EXACT_KNOWING_HOUSEHOLDS"] = len(known.exact)
    findings["PROVEN_ZERO_KNOWING_HOUSEHOLDS"] = len(known.zero)
    figures["narrow_with_numbers_that_fit"] = known.narrow
    figures["exact_with_some_numbers_only"] = known.by_one_fit_only
    guessed = replace(system, lower=np.where(system.hidden, np.maximum(system.lower, 1.0), system.lower))
    try:
        guess = Auditor(guessed, find_near(guessed, reference), minimum, minimum_width=1).run()
        findings["EXACT_IF_NONE_IS_ZERO"] = len(guess.pinned)
    except Infeasible:
        figures["some_hidden_is_zero"] = True
    return AttackOutcome.of(NUMBER, NAME, findings, figures)


@dataclass(frozen=True)
class _Known:
    """What numbers of households give away: cells pinned and cells proven nought, whichever numbers fit.

    narrow: cells left narrow. by_one_fit_only: cells that some numbers pin and others, fitting too, do not.
    """

    exact: Whole
    zero: Whole
    narrow: int
    by_one_fit_only: int = 0


def _knowing_households(
    connection: duckdb.DuckDBPyConnection, system: PublishedSystem, reference: Floats, minimum: int
) -> _Known:
    """Bound the hidden counts once more, knowing the number of households of every area.

    The true numbers are not in the files, so numbers that fit stand for them. What such numbers seem to pin
    is asked again with numbers from the other end of their ranges, and is a success only where both agree;
    the audit before a release asks it of the true ones.
    """
    households = known_households(connection)
    first = Auditor(with_known_households(system, households, reference), reference, minimum).run()
    narrow = first.count_proven("narrow") - len(first.pinned)
    if not len(first.pinned) and not len(first.proven_zero):
        return _Known(first.pinned, first.proven_zero, narrow)
    middle = (system.lower + system.upper) / 2
    costs = np.zeros(system.size)
    costs[households] = np.where(reference[households] > middle[households], 1.0, -1.0)
    costs[~np.isfinite(system.upper)] = 0.0
    other = find_reference(system, costs)
    second = Auditor(with_known_households(system, households, other), other, minimum).run()
    exact = np.intersect1d(first.pinned, second.pinned)
    zero = np.intersect1d(first.proven_zero, second.proven_zero)
    return _Known(exact, zero, narrow, len(first.pinned) - len(exact))


def _fit(system: PublishedSystem) -> tuple[PublishedSystem, Floats, str] | None:
    """Return the strongest assumptions under which the printed values have a solution, with one.

    Hidden counts are small; failing that, of any size (others were hidden to cover them); failing that,
    areas are of different epochs (carried forward). None where even then they contradict each other.
    """
    any_size = replace(system, upper=np.where(system.hidden, np.inf, system.upper))
    for assumed, candidate in (
        ("hidden counts are small", system),
        ("hidden counts are of any size", any_size),
        ("areas are of different epochs", any_size.within_areas()),
    ):
        try:
            return candidate, find_reference(candidate), assumed
        except Infeasible:
            continue
    return None


def _note(findings: dict[str, int], result: AuditResult) -> None:
    exact = result.count_proven("exact")
    findings["EXACT"] = exact
    findings["PROVEN_ZERO"] = result.count_proven("zero")
    findings["NARROW"] = result.count_proven("narrow") - exact


def _narrowest(result: AuditResult, system: PublishedSystem) -> float | None:
    widths = (result.high - result.low)[system.hidden]
    return float(widths.min()) if len(widths) else None
