"""Audits the values to be published against an attacker who makes unproven assumptions.

The main audit starts from the exact counts. An assumption that contradicts the exact counts can still fit the
published values and lead to one value for a hidden count. Such inferences are blocked even when they would
be wrong.
"""

import duckdb
import numpy as np

from pipeline.disclosure.audit.auditor import Auditor
from pipeline.disclosure.audit.published_system import (
    Floats,
    PublicRules,
    PublishedSystem,
    Whole,
    with_any_size,
    with_none_zero,
)
from pipeline.disclosure.audit.reconstruction import reconstruct_from
from pipeline.disclosure.audit.reference import find_near
from pipeline.disclosure.audit.solver import Infeasible

#: Largest number of cells of a local authority for which all tables are solved jointly. Above it, the joint
#: program takes too long, so an undecided cell is treated as exposed.
LARGEST_JOINT_PROGRAM = 15_000


def worked_out_if_all_are_small(
    connection: duckdb.DuckDBPyConnection, printed: PublishedSystem, reference: Floats, rules: PublicRules
) -> Whole:
    """Return the hidden cells that are worked out under the assumption that all hidden counts are small.

    printed: the published values, under that assumption. reference: the exact count of each cell. If the
    assumption is true, the main audit has covered it, so nothing is returned. It is false if a larger count
    was hidden to protect another, and can still fit the published values.
    """
    none = np.zeros(0, dtype=np.int64)
    if not (printed.hidden & (reference > printed.upper)).any():
        return none
    try:
        fitting = find_near(printed, reference)
    except Infeasible:
        return none
    if printed.size > LARGEST_JOINT_PROGRAM:
        # without the joint program nothing is proven, so undecided cells are treated as worked out
        return Auditor(printed, fitting, rules.minimum_cell_count).run(None, LARGEST_JOINT_PROGRAM).exposed
    return reconstruct_from(connection, printed, fitting, rules.minimum_cell_count).cells


def exact_if_none_is_zero(system: PublishedSystem, reference: Floats, rules: PublicRules) -> Whole:
    """Return the hidden cells that have one possible value under the assumption that none of them is zero.

    system: the published values. reference: the exact count of each cell. Hidden counts are first assumed to
    be small; if that contradicts the published values, they may have any size. Empty if both contradict them.
    """
    guessed = with_none_zero(system)
    for candidate in (guessed, with_any_size(guessed)):
        try:
            fitting = find_near(candidate, reference)
            auditor = Auditor(candidate, fitting, rules.minimum_cell_count, minimum_width=1)
            result = auditor.run(None, LARGEST_JOINT_PROGRAM)
        except Infeasible:
            continue
        # without the joint program nothing is proven, so undecided cells are treated as pinned
        return result.pinned if candidate.size <= LARGEST_JOINT_PROGRAM else result.exposed
    return np.zeros(0, dtype=np.int64)
