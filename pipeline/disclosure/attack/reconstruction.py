"""Attack 2, reconstruction: all tables at once, as one system of sums and bounds.

Tried three times: as the method prints it; guessing that no hidden count is zero; and knowing
the number of households of every area, as council tax statistics tell it.
"""

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells, load_system_tables
from pipeline.disclosure.audit import Auditor, AuditResult
from pipeline.disclosure.published_system import (
    Floats,
    PublishedSystem,
    create_system,
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
    # numbers of households that fit stand for the true ones, which are not in the files; so an interval
    # may be narrow here that the true numbers leave wide: that is told, and only certainty is a success
    known = Auditor(with_known_households(connection, system, reference), reference, minimum).run()
    findings["EXACT_KNOWING_HOUSEHOLDS"] = len(known.pinned)
    findings["PROVEN_ZERO_KNOWING_HOUSEHOLDS"] = known.count_proven("zero")
    figures["narrow_with_numbers_that_fit"] = known.count_proven("narrow") - len(known.pinned)
    guessed = replace(system, lower=np.where(system.hidden, np.maximum(system.lower, 1.0), system.lower))
    try:
        guess = Auditor(guessed, find_near(guessed, reference), minimum, minimum_width=1).run()
        findings["EXACT_IF_NONE_IS_ZERO"] = len(guess.pinned)
    except Infeasible:
        figures["some_hidden_is_zero"] = True
    return AttackOutcome.of(NUMBER, NAME, findings, figures)


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
