"""What is worked out before a release by somebody who believes more than he knows.

The audit starts from the truth. A belief that the truth contradicts can still fit what is printed, and seem
to prove a count; it shall not.
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

#: Cells of an authority above which a cell is hidden better than asked about in all tables jointly.
LARGEST_JOINT_PROGRAM = 15_000


def worked_out_if_all_are_small(
    connection: duckdb.DuckDBPyConnection, printed: PublishedSystem, reference: Floats, rules: PublicRules
) -> Whole:
    """Return the hidden cells that somebody works out who believes that all hidden counts are small.

    Where that is true, the audit has asked already. Where a larger count was hidden to cover another, it
    can still fit what is printed, and seem to prove a count that the truth leaves open.
    """
    none = np.zeros(0, dtype=np.int64)
    if not (printed.hidden & (reference > printed.upper)).any():
        return none
    try:
        fitting = find_near(printed, reference)
    except Infeasible:
        return none
    if printed.size > LARGEST_JOINT_PROGRAM:
        # without the joint program nothing is proven, so what is open is taken as worked out
        return Auditor(printed, fitting, rules.minimum_cell_count).run(None, LARGEST_JOINT_PROGRAM).exposed
    return reconstruct_from(connection, printed, fitting, rules.minimum_cell_count).cells


def exact_if_none_is_zero(system: PublishedSystem, reference: Floats, rules: PublicRules) -> Whole:
    """Return the hidden cells that somebody pins down who guesses that no hidden count is zero.

    He first believes that hidden counts are small; where that contradicts what is printed, that they are
    of any size. Empty where both do.
    """
    guessed = with_none_zero(system)
    for candidate in (guessed, with_any_size(guessed)):
        try:
            fitting = find_near(candidate, reference)
            auditor = Auditor(candidate, fitting, rules.minimum_cell_count, minimum_width=1)
            result = auditor.run(None, LARGEST_JOINT_PROGRAM)
        except Infeasible:
            continue
        # without the joint program nothing is proven, so what is open is taken as pinned down
        return result.pinned if candidate.size <= LARGEST_JOINT_PROGRAM else result.exposed
    return np.zeros(0, dtype=np.int64)
