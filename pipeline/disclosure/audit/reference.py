"""Finds a feasible point in whole numbers, from which an audit starts.

Before a release, the exact counts are such a point. After it, or under an assumption that contradicts the
exact counts, one has to be found: near a point that is almost feasible, or from nothing, one local authority
at a time.
"""

from itertools import islice

import numpy as np

from pipeline.disclosure.audit.moves import Moves
from pipeline.disclosure.audit.neighbourhood import Neighbourhoods
from pipeline.disclosure.audit.published_system import Floats, PublishedSystem, Whole
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, SparseRows

#: Number of neighbourhoods tried before the whole authority.
_NEAR = 2


def find_near(system: PublishedSystem, start: Floats) -> Floats:
    """Return a feasible point near `start`, whose sums are correct but some of whose cells are out of bounds.

    start, result: one value per cell. Cells out of bounds are moved together with their neighbours, in wider
    neighbourhoods if necessary, finally within their whole local authority. Raises Infeasible if there is no
    feasible point.
    """
    point, moves, neighbourhoods = start.copy(), Moves(system), Neighbourhoods(system)
    for key, targets in neighbourhoods.groups(_outside(system, point)).items():
        for members in islice(neighbourhoods.widening(key), _NEAR):
            if not len(np.intersect1d(targets, _outside(system, point), assume_unique=True)):
                break
            moved, is_whole = moves.towards_bounds(members, point)
            if is_whole:
                point[members] = moved
    for authority in sorted(set(system.authority[_outside(system, point)])):
        members = np.flatnonzero(system.authority == authority)
        moved, is_whole = moves.towards_bounds(members, point)
        inside = (moved >= system.lower[members] - TOLERANCE) & (moved <= system.upper[members] + TOLERANCE)
        if not inside.all():
            raise Infeasible
        if not is_whole:
            return find_reference(system)
        point[members] = moved
    return point


def find_reference(system: PublishedSystem, costs: Floats | None = None) -> Floats:
    """Return a feasible point in whole numbers, found one local authority at a time.

    costs: per cell, the cost of one household or resident more; the point then has the least total cost. None
    if any feasible point will do.

    Raises Infeasible if there is none: the published values then contradict the published rules.
    """
    point = np.zeros(system.size)
    relation_authority = np.empty(int(system.member_relation.max(initial=-1)) + 1, dtype=object)
    relation_authority[system.member_relation] = system.authority[system.member_cell]
    owner = relation_authority[system.member_relation]
    for authority in sorted(set(system.authority)):
        members = np.flatnonzero(system.authority == authority)
        number = np.full(system.size, -1, dtype=np.int64)
        number[members] = np.arange(len(members))
        own = owner == authority
        rows = SparseRows.of_entries(
            system.member_relation[own], number[system.member_cell[own]], system.member_sign[own]
        )
        bounds = system.lower[members], system.upper[members]
        aim = (
            {}
            if costs is None
            else {int(i): float(costs[members[i]]) for i in np.flatnonzero(costs[members])}
        )
        found = LinearSystem(*bounds, rows).least(aim)
        if not found.is_integral:
            found = LinearSystem(*bounds, rows, is_whole=True).least(aim)
        if found.point is None:
            raise Infeasible
        point[members] = np.rint(found.point)
    return point


def _outside(system: PublishedSystem, point: Floats) -> Whole:
    return np.flatnonzero((point < system.lower) | (point > system.upper))
