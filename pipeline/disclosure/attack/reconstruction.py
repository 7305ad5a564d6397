"""Attack 2, reconstruction: all tables together, as one system of sums and bounds."""

from typing import Any

import duckdb

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells, load_system_tables
from pipeline.disclosure.audit.auditor import AuditResult
from pipeline.disclosure.audit.published_system import PublishedSystem, create_system
from pipeline.disclosure.audit.reconstruction import reconstruct

NUMBER, NAME = 2, "joint reconstruction"


def attack(connection: duckdb.DuckDBPyConnection, release: ReleaseFiles) -> AttackOutcome:
    """Bound every hidden count by all printed values, and count those that are disclosed."""
    load_cells(connection, release, "released")
    load_system_tables(connection, "released")
    system = create_system(connection, release.rules, release.area)
    minimum = release.rules.minimum_cell_count
    below = connection.execute(
        "SELECT COUNT(*) FROM shown WHERE value < $minimum AND kind = 'count'", {"minimum": minimum}
    ).fetchall()[0][0]
    findings: dict[str, int] = {"PRINTED_BELOW_MINIMUM": int(below)}
    figures: dict[str, Any] = {"counts": system.size, "hidden": int(system.hidden.sum())}
    found = reconstruct(connection, system, minimum)
    if found is None:
        findings["PRINTED_BEYOND_RULE"] = 1
        return AttackOutcome.of(NUMBER, NAME, findings, figures)
    plain, known = found.plain, found.knowing_households
    findings["EXACT"] = len(plain.pinned)
    findings["PROVEN_ZERO"] = len(plain.proven_zero)
    findings["NARROW"] = len(plain.narrow) - len(plain.pinned)
    findings["EXACT_KNOWING_HOUSEHOLDS"] = len(known.exact)
    findings["PROVEN_ZERO_KNOWING_HOUSEHOLDS"] = len(known.zero)
    figures["assumed"] = found.assumed
    figures["narrowest_interval_found"] = _narrowest(plain, found.system)
    figures["narrow_with_numbers_that_fit"] = known.narrow
    figures["exact_with_some_numbers_only"] = known.by_one_fit_only
    if found.none_is_zero is None:
        figures["some_hidden_is_zero"] = True
    else:
        findings["EXACT_IF_NONE_IS_ZERO"] = len(found.none_is_zero.pinned)
    return AttackOutcome.of(NUMBER, NAME, findings, figures)


def _narrowest(result: AuditResult, system: PublishedSystem) -> float | None:
    widths = (result.high - result.low)[system.hidden]
    return float(widths.min()) if len(widths) else None
