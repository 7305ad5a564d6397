"""Moves from one feasible point to another: by how much some cells increase or decrease.

All other cells, and every sum, keep their values.
"""

import numpy as np

from pipeline.disclosure.audit.published_system import Floats, PublishedSystem, Whole
from pipeline.disclosure.audit.solver import LinearSystem, SparseRows, not_optimal

#: Limit of every move, so that every answer is finite. No cell has to move further to protect another.
_FARTHEST_MOVE = 100.0
#: Cost of one unit of any move if the nearest point is wanted; one unit of the wanted move is worth 1.
_COST_OF_MOVING = 1e-3
#: With more members than this, no whole-number program is tried, because it would take too long.
LARGEST_WHOLE_PROGRAM = 6_000
#: With more members than this, the solver simplifies the program first instead of starting from no move.
_LARGEST_FROM_NO_MOVE = 3_000


class Moves:
    """The possible moves in one system."""

    def __init__(self, system: PublishedSystem) -> None:
        self.system = system
        by_cell = np.argsort(system.member_cell, kind="stable")
        self._entry_relation = system.member_relation[by_cell]
        self._entry_sign = system.member_sign[by_cell]
        self._entry_start = np.searchsorted(system.member_cell[by_cell], np.arange(system.size + 1))

    def from_point(
        self, members: Whole, point: Floats, is_whole: bool = False, *, is_near: bool = False
    ) -> LinearSystem:
        """Return the program of all moves of the members from a point within their bounds.

        Its variables are the increase of each member, then the decrease of each. The solver starts with no
        move, which is feasible. point: one value per cell of the system. is_near: prefer the shortest of
        equally good moves; it is found sooner and is mostly in whole numbers.
        """
        here = point[members]
        farthest = np.minimum(
            np.concatenate([self.system.upper[members] - here, here - self.system.lower[members]]),
            _FARTHEST_MOVE,
        )
        return LinearSystem(
            np.zeros(len(farthest)),
            farthest,
            self._rows(members),
            is_whole,
            starts_feasible=len(members) <= _LARGEST_FROM_NO_MOVE,
            standing_cost=_COST_OF_MOVING if is_near else 0.0,
        )

    def towards_bounds(self, members: Whole, point: Floats) -> tuple[Floats, bool]:
        """Return values of the members with those outside their bounds moved in, as far as is possible.

        Also returns whether the values are whole numbers. The part of a move that a member needs to reach its
        bound is a variable of its own. The program maximises these variables, so the solver can start with no
        move, which is feasible.
        """
        here = point[members]
        above, below = self.system.upper[members] - here, here - self.system.lower[members]
        short = np.concatenate([np.maximum(-below, 0), np.maximum(-above, 0)])
        needed = np.flatnonzero(short > 0)
        farthest = np.maximum(np.minimum(np.concatenate([above, below]), _FARTHEST_MOVE), 0)
        farthest[needed] = np.maximum(farthest[needed] - short[needed], 0)
        size = len(members)
        rows = self._rows(members, needed)
        model = LinearSystem(
            np.zeros(2 * size + len(needed)),
            np.concatenate([farthest, short[needed]]),
            rows,
            starts_feasible=True,
        )
        found = model.least({2 * size + extra: -1.0 for extra in range(len(needed))})
        if found.point is None:
            raise not_optimal("Unbounded although every move is bounded")
        moves = found.point[: 2 * size].copy()
        np.add.at(moves, needed, found.point[2 * size :])
        moved = moves[:size] - moves[size:]
        return here + (np.rint(moved) if found.is_integral else moved), found.is_integral

    def _rows(self, members: Whole, repeated: Whole | None = None) -> SparseRows:
        """Return one equation per sum that contains a member; its variables are the moves of the members.

        repeated: moves that have a second variable; these follow the other variables, in this order.
        """
        start, end = self._entry_start[members], self._entry_start[members + 1]
        column = np.repeat(np.arange(len(members)), end - start)
        offset = np.arange(len(column)) - np.repeat(np.cumsum(end - start) - (end - start), end - start)
        entries = np.repeat(start, end - start) + offset
        relation, sign = self._entry_relation[entries], self._entry_sign[entries]
        parts = [(relation, column, sign), (relation, len(members) + column, -sign)]
        if repeated is not None and len(repeated):
            number = np.full(2 * len(members), -1, dtype=np.int64)
            number[repeated] = 2 * len(members) + np.arange(len(repeated))
            for of_relation, of_column, of_sign in parts[:2]:
                kept = number[of_column] >= 0
                parts.append((of_relation[kept], number[of_column[kept]], of_sign[kept]))
        return SparseRows.of_entries(*(np.concatenate([part[i] for part in parts]) for i in range(3)))
