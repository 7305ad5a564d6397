"""P5, repair: protects the cells that the audit finds exposed, by hiding further cells.

With noise, few cells are exposed, and it is enough to hide the smallest published neighbour of each. Without
noise (exact counts), this is complementary suppression: an integer program over all linked tables together
finds the cheapest cover of each exposed cell, and the cells of the cover have to be protected too. If cells
are still exposed after some rounds, their table is not produced at that area level. If cells are exposed even
then, the release is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import duckdb
import numpy as np
import pyarrow as pa

from governance.errors import Refused
from pipeline.disclosure.audit.attacker_assumptions import (
    LARGEST_JOINT_PROGRAM,
    exact_if_none_is_zero,
    worked_out_if_all_are_small,
)
from pipeline.disclosure.audit.auditor import MINIMUM_WIDTH, Auditor, AuditResult
from pipeline.disclosure.audit.cell_system import CellId, CellSystem
from pipeline.disclosure.audit.cover import Covers
from pipeline.disclosure.audit.published_system import (
    Floats,
    PublicRules,
    PublishedSystem,
    Whole,
    create_system,
    known_households,
    with_known_households,
)
from pipeline.disclosure.profile import Profile

#: Rounds of audit and repair before the tables of cells that are still exposed are coarsened.
MAXIMUM_ROUNDS = 5
#: After these rounds tables are coarsened. Each such round leaves out a level, so the repair ends.
MAXIMUM_COARSENINGS = 25
#: If more cells than this of one measure and breakdown are exposed, their table is coarsened in that round.
COARSENED_FROM = 3


@dataclass(frozen=True)
class Repaired:
    """The result of the repair.

    audit: the last audit. rounds: number of audits. hidden_counts: number of counts hidden in addition.
    coarsened: number of tables and measures that are not produced at an area level.
    """

    audit: AuditResult
    rounds: int
    hidden_counts: int
    coarsened: int


def audit_and_repair(
    connection: duckdb.DuckDBPyConnection, profile: Profile, area: pa.Table, print_again: Callable[[], None]
) -> Repaired:
    """Audit `protected_cell`; add counts to `hidden` and levels to `too_sparse` until no cell is exposed.

    area: one row per LSOA, as for `create_system`. print_again: creates `protected_cell` again from `hidden`
    and `too_sparse`. Raises Refused (AUDIT_EXPOSED) if a cell is exposed whatever is hidden or coarsened.
    """
    rules = PublicRules(profile.minimum_cell_count, profile.rounding_base, profile.noise_bound)
    hidden_counts = coarsened = 0
    before: set[str] = set()
    for rounds in range(1, MAXIMUM_ROUNDS + MAXIMUM_COARSENINGS + 1):
        printed, system, reference, targets = true_system(connection, rules, area)
        audit = Auditor(system, reference, rules.minimum_cell_count, targets=targets).run(
            None if rules.is_exact else COARSENED_FROM, LARGEST_JOINT_PROGRAM
        )
        exposed, limits = audit.exposed, audit.limits
        if not len(exposed) and not rules.is_exact:
            known = with_known_households(system, known_households(connection), reference)
            auditor = Auditor(known, reference, rules.minimum_cell_count)
            result = auditor.run(None, LARGEST_JOINT_PROGRAM)
            exposed, limits = result.exposed, result.limits
        if not len(exposed):
            exposed = exact_if_none_is_zero(system, reference, rules)
        if not len(exposed):
            exposed = worked_out_if_all_are_small(connection, printed, reference, rules)
        if not len(exposed):
            return Repaired(audit, rounds, hidden_counts, coarsened)
        if rules.is_exact:
            few, many = exposed, exposed[:0]
        else:
            few, many = _few_and_many(system, exposed, limits)
        names = _names(system, exposed)
        is_stuck = bool(limits) and names <= before  # their limits were hidden in the round before
        if rounds > MAXIMUM_ROUNDS or (is_stuck and not rules.is_exact):
            few, many = few[:0], exposed
        before = names
        if len(many):
            coarsened += _coarsen(connection, many)
        if len(few):
            support = (
                _covers(system, reference, few)
                if rules.is_exact
                else _neighbours(system, reference, few, limits)
            )
            hidden_counts += _hide(connection, support)
        print_again()
    raise Refused(
        "AUDIT_EXPOSED",
        f"{len(exposed)} hidden cells can be worked out from what would be printed.",
        "Merge categories, or leave the tables named above out of the agreement's outputs at that level.",
    )


def true_system(
    connection: duckdb.DuckDBPyConnection, rules: PublicRules, area: pa.Table
) -> tuple[PublishedSystem, PublishedSystem, Floats, Whole]:
    """Return the attacker's system of `protected_cell`, the audited system, exact counts and targets.

    The audited system has no upper bound for hidden cells that are larger than small counts can be, because
    the attacker's bound would exclude the exact count. The exact counts have one value per cell. The targets,
    cells to audit, are the hidden cells, and the small complements and differences of two counts of which
    one is published. A difference of zero is not small: it shows only that two published counts are equal.
    """
    connection.execute(
        """
        CREATE OR REPLACE TABLE shown AS
        SELECT protected_cell.*
        FROM protected_cell
        INNER JOIN published_measure USING (measure, unit)
        WHERE kind = 'count'
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TABLE denominator_of AS
        SELECT measure, unit, denominator_measure
        FROM published_measure
        WHERE kind = 'count' AND denominator_measure IS NOT NULL
        """
    )
    printed = create_system(connection, rules, area)
    columns = connection.sql(
        """
        SELECT
            count.n,
            COALESCE(count.role = 'complement'
                AND NOT count.structural_zero
                AND count.n < $minimum_cell_count, FALSE) AS is_small_complement
        FROM system_cell
        LEFT JOIN count
            ON count.count_measure = system_cell.measure
           AND count.group_id = system_cell.group_id
        ORDER BY cell
        """,
        params={"minimum_cell_count": rules.minimum_cell_count},
    ).fetchnumpy()
    counts = np.ma.filled(np.ma.asarray(columns["n"]).astype(np.float64), np.nan)
    reference = _fill_implied(printed, counts)
    system = replace(
        printed, upper=np.where(printed.hidden & (reference > printed.upper), np.inf, printed.upper)
    )
    outside = (reference < system.lower) | (reference > system.upper)
    if outside.any():
        raise Refused(
            "PRINTED_BEYOND_RULE",
            f"{int(outside.sum())} printed counts are further from the truth than the method allows.",
            "Report this as a defect of the disclosure stage.",
        )
    small = np.asarray(columns["is_small_complement"], dtype=bool)
    small |= system.difference & (reference > 0) & (reference < rules.minimum_cell_count)
    return printed, system, reference, np.flatnonzero(system.hidden | (small & _has_printed_part(system)))


def _fill_implied(system: PublishedSystem, counts: Floats) -> Floats:
    """Return one count per cell: those that are in no table (NaN) are calculated from their sums."""
    filled = counts.copy()
    relation, cell, sign = system.member_relation, system.member_cell, system.member_sign
    relations = int(relation.max(initial=-1)) + 1
    while np.isnan(filled).any():
        unknown = np.isnan(filled)[cell]
        missing = np.bincount(relation, weights=unknown, minlength=relations)
        known = np.bincount(relation, weights=sign * np.nan_to_num(filled[cell]), minlength=relations)
        solved = unknown & (missing[relation] == 1)
        if not solved.any():
            raise Refused(
                "AUDIT_INCOMPLETE",
                f"{int(np.isnan(filled).sum())} implied counts follow from no table.",
                "Report this as a defect of the disclosure stage.",
            )
        filled[cell[solved]] = -known[relation[solved]] / sign[solved]
    return filled


def _has_printed_part(system: PublishedSystem) -> np.ndarray:
    """Return for each cell whether a sum that it is part of contains a published cell."""
    relations = int(system.member_relation.max(initial=-1)) + 1
    printed = np.bincount(
        system.member_relation, weights=system.printed[system.member_cell], minlength=relations
    )
    found = np.zeros(system.size, dtype=bool)
    found[system.member_cell[printed[system.member_relation] > 0]] = True
    return found


def _few_and_many(
    system: PublishedSystem, exposed: Whole, limits: Mapping[int, Whole] = MappingProxyType({})
) -> tuple[Whole, Whole]:
    """Return the exposed cells that hiding a few counts may protect, and those whose table is coarsened.

    The first: those whose limits are known, and those whose measure and breakdown have at most
    COARSENED_FROM.
    """
    named = _named(system, exposed)
    _, group, count = np.unique(named, return_inverse=True, return_counts=True)
    has_limits = np.array([len(limits.get(int(cell), ())) > 0 for cell in exposed], dtype=bool)
    is_few = (count[group] <= COARSENED_FROM) | has_limits
    return exposed[is_few], exposed[~is_few]


def _named(system: PublishedSystem, cells: Whole) -> np.ndarray:
    return np.asarray(system.measure_group[cells] + "|" + system.breakdown[cells]).astype(str)


def _names(system: PublishedSystem, cells: Whole) -> set[str]:
    """Return the measures, breakdowns and areas of cells."""
    return {
        f"{name}|{area}" for name, area in zip(_named(system, cells), system.block_area[cells], strict=True)
    }


def _neighbours(
    system: PublishedSystem,
    reference: Floats,
    exposed: Whole,
    limits: Mapping[int, Whole] = MappingProxyType({}),
) -> Whole:
    """Return for each exposed cell the smallest published cell that limits it, or is in a sum with it.

    A cell that limits an exposed cell also protects others that it limits.
    """
    chosen: set[int] = set()
    for cell in exposed:
        near = limits.get(int(cell), np.zeros(0, dtype=np.int64))
        if not len(near):
            relations = system.member_relation[system.member_cell == cell]
            near = np.unique(system.member_cell[np.isin(system.member_relation, relations)])
            near = near[system.printed[near]]
        if len(near) and not chosen & set(near.tolist()):
            chosen.add(int(near[np.argmin(reference[near])]))
    return np.array(sorted(chosen), dtype=np.int64)


def _covers(system: PublishedSystem, reference: Floats, exposed: Whole) -> Whole:
    """Return the published cells to hide: the cheapest cover of each exposed cell."""
    start = np.searchsorted(
        system.member_relation, np.arange(int(system.member_relation.max(initial=-1)) + 2)
    )
    relations: list[tuple[CellId, tuple[CellId, ...]]] = []
    for number in range(len(start) - 1):
        span = slice(start[number], start[number + 1])
        cells, signs = system.member_cell[span], system.member_sign[span]
        relations.append((int(cells[signs < 0][0]), tuple(int(c) for c in cells[signs > 0])))
    cell_system = CellSystem({c: float(v) for c, v in enumerate(reference)}, tuple(relations))
    before: set[CellId] = {int(c) for c in np.flatnonzero(~system.printed)}
    covers = Covers(cell_system, set(before), MINIMUM_WIDTH)
    for cell in exposed:
        covers.hidden |= covers.cheapest(int(cell))
    return np.array(sorted(int(str(c)) for c in covers.hidden - before), dtype=np.int64)


def _hide(connection: duckdb.DuckDBPyConnection, cells: Whole) -> int:
    """Add the counts of these cells to `hidden`; returns how many were added."""
    connection.register("_support", pa.table({"cell": cells}))
    before = connection.execute("SELECT COUNT(*) FROM hidden").fetchall()[0][0]
    try:
        connection.execute(
            """
            INSERT INTO hidden
            SELECT DISTINCT count_id
            FROM count
            INNER JOIN system_cell
                ON count.count_measure = system_cell.measure
               AND count.group_id = system_cell.group_id
            INNER JOIN _support USING (cell)
            WHERE count_id NOT IN (SELECT count_id FROM hidden)
            """
        )
    finally:
        connection.unregister("_support")
    return int(connection.execute("SELECT COUNT(*) FROM hidden").fetchall()[0][0]) - int(before)


def _coarsen(connection: duckdb.DuckDBPyConnection, exposed: Whole) -> int:
    """Add tables, measures and area levels of exposed cells to `too_sparse`; returns how many were added."""
    connection.register("_exposed", pa.table({"cell": exposed}))
    before = connection.execute("SELECT COUNT(*) FROM too_sparse").fetchall()[0][0]
    try:
        connection.execute(
            """
            INSERT INTO too_sparse
            SELECT appearance.table_id, appearance.count_measure, appearance.area_level, 0, 0
            FROM appearance
            INNER JOIN system_cell
                ON appearance.unit = system_cell.unit
               AND appearance.count_measure = split_part(system_cell.measure, ':', 1)
               AND appearance.area_level = system_cell.area_level
               AND appearance.dimension_1 IS NOT DISTINCT FROM system_cell.dimension_1
               AND appearance.dimension_2 IS NOT DISTINCT FROM system_cell.dimension_2
            INNER JOIN _exposed USING (cell)
            WHERE NOT EXISTS (
                SELECT 1 FROM too_sparse
                WHERE too_sparse.table_id = appearance.table_id
                  AND too_sparse.count_measure = appearance.count_measure
                  AND too_sparse.area_level = appearance.area_level
            )
            GROUP BY ALL
            """
        )
    finally:
        connection.unregister("_exposed")
    return int(connection.execute("SELECT COUNT(*) FROM too_sparse").fetchall()[0][0]) - int(before)
