"""The cheapest cover of an exposed cell: which published cells to hide so that it has other possible values.

An integer program over the sums near the cell finds the cover; more sums are added until a cover exists. If
there are too many cells for an integer program, a linear program finds the cheapest move, and the published
cells that it changes are the cover.
Source: Fischetti and Salazar-Gonzalez (2001); SDC Handbook (2nd ed.), secondary suppression.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from governance.errors import Refused
from pipeline.disclosure.audit.cell_system import CellId, CellSystem
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, Row

#: Distance from the exposed cell, in sums, that is searched first; doubled until a cover exists.
_FIRST_RADIUS = 2
#: Largest number of movable cells for the integer program; with more, the linear program is used first.
_EXACT_COVER_AT_MOST = 300
#: A cover may cost more than the cheapest by this share, because proving the cheapest takes most of the time.
_COVER_GAP = 0.1


@dataclass(frozen=True)
class _Surroundings:
    """The cells near an exposed cell that can move while all cells further away keep their values.

    movable: cells all of whose sums are near. number: cell -> position among the movable cells. shown:
    movable cells that are not hidden. rows: one equation per sum; its variables are the increases of the
    movable cells, then their decreases.
    """

    movable: list[CellId]
    number: dict[CellId, int]
    shown: list[CellId]
    rows: list[Row]

    @property
    def size(self) -> int:
        """Number of movable cells."""
        return len(self.movable)


class Covers:
    """Finds covers in one system.

    system: the exact values. hidden: ids of hidden cells; the caller adds each cover to it.
    minimum_width: by how much an exposed cell must be able to move.
    """

    def __init__(self, system: CellSystem, hidden: set[CellId], minimum_width: float) -> None:
        self.hidden = hidden
        self._system = system
        self._minimum_width = minimum_width
        self._sums_of: dict[CellId, list[int]] = defaultdict(list)
        for number, (total, parts) in enumerate(system.relations):
            for member in {total, *parts}:
                self._sums_of[member].append(number)

    def cheapest(self, cell_id: CellId) -> set[CellId]:
        """Return cells to hide so that a cell can be greater, or smaller, by the minimum width.

        Raises Refused (CANNOT_PROTECT) if hiding every cell of the system would not be enough.
        """
        radius, reached = _FIRST_RADIUS, -1
        while True:
            inside = self._sums_near(cell_id, radius)
            if len(inside) == reached:
                raise Refused(
                    "CANNOT_PROTECT",
                    "1 unsafe cell stays exposed whatever else is hidden.",
                    "Merge categories or leave the table out at this area level.",
                )
            reached = len(inside)
            around = self._surroundings(inside)
            covers = [
                cover
                for shift in self._shifts(cell_id)
                if (cover := self._cover(around, cell_id, shift)) is not None
            ]
            if covers:
                return min(covers, key=lambda cover: cover[0])[1]
            radius *= 2

    def _shifts(self, cell_id: CellId) -> list[float]:
        """Return the moves that protect a cell: up by the width, and down by it if the value allows."""
        width = self._minimum_width
        return [width] + ([-width] if self._value(cell_id) >= max(1.0, width) else [])

    def _value(self, cell_id: CellId) -> float:
        return float(self._system.values[cell_id] or 0)

    def _cost(self, cell_id: CellId) -> float:
        """Return the cost of hiding a cell: 1 + log2(1 + value), so larger counts cost more."""
        return 1.0 + math.log2(1.0 + self._value(cell_id))

    def _members(self, number: int) -> tuple[CellId, ...]:
        total, parts = self._system.relations[number]
        return total, *parts

    def _sums_near(self, cell_id: CellId, radius: int) -> set[int]:
        inside: set[int] = set()
        frontier = {cell_id}
        seen = set(frontier)
        for _ in range(radius):
            reached = {number for member in frontier for number in self._sums_of[member]} - inside
            inside |= reached
            members = {member for number in reached for member in self._members(number)}
            frontier = members - seen
            seen |= members
        return inside

    def _surroundings(self, inside: set[int]) -> _Surroundings:
        reached = dict.fromkeys(m for number in sorted(inside) for m in self._members(number))
        movable = [m for m in reached if all(number in inside for number in self._sums_of[m])]
        number_of = {member: position for position, member in enumerate(movable)}
        rows: list[Row] = []
        for number in sorted(inside):
            total, parts = self._system.relations[number]
            factor: dict[CellId, float] = defaultdict(float)
            factor[total] -= 1.0
            for part in parts:
                factor[part] += 1.0
            columns, values = [], []
            for member, sign in factor.items():
                if sign and member in number_of:
                    columns += [number_of[member], len(movable) + number_of[member]]
                    values += [sign, -sign]
            if columns:
                rows.append((columns, values, 0.0))
        shown = [member for member in movable if member not in self.hidden]
        return _Surroundings(movable, number_of, shown, rows)

    def _cover(
        self, around: _Surroundings, cell_id: CellId, shift: float
    ) -> tuple[float, set[CellId]] | None:
        """Return the cost of a cover among the movable cells, and the cover; None if there is none."""
        if not around.movable:  # no sum contains the cell
            return (0.0, set()) if not self._sums_of[cell_id] else None
        if cell_id not in around.number:
            return None
        position = around.number[cell_id]
        target: Row = ([position, around.size + position], [1.0, -1.0], shift)
        most = 8 * max(1.0, abs(shift))
        farthest = np.full(2 * around.size, most)
        for place, member in enumerate(around.movable):
            farthest[around.size + place] = min(most, self._value(member))
        try:
            if around.size > _EXACT_COVER_AT_MOST:
                light = self._lightest_move(around, farthest, target)
                if light is not None:
                    return sum(self._cost(member) for member in light), light
            return self._fewest(around, farthest, most, target)
        except Infeasible:
            return None

    def _fewest(
        self, around: _Surroundings, farthest: np.ndarray, most: float, target: Row
    ) -> tuple[float, set[CellId]] | None:
        """Return the cost of the cheapest set of shown cells that a move changes, and the set.

        Variables after the moves: per shown cell, whether it is hidden, and how much further it could move.
        """
        size, shown = around.size, around.shown
        hides = 2 * size
        spare = hides + len(shown)
        upper = np.concatenate([farthest, np.ones(len(shown)), np.full(len(shown), most)])
        rows = list(around.rows)
        for order, member in enumerate(shown):  # rise + fall + spare = most * hidden
            place = around.number[member]
            columns = [place, size + place, spare + order, hides + order]
            rows.append((columns, [1, 1, 1, -most], 0.0))
        rows.append(target)
        is_whole = np.zeros(len(upper), dtype=bool)
        is_whole[hides:spare] = True
        if self._system.is_whole:
            is_whole[:hides] = True
        model = LinearSystem(np.zeros_like(upper), upper, rows, is_whole, gap=_COVER_GAP)
        best = model.least({hides + order: self._cost(member) for order, member in enumerate(shown)})
        if best.point is None:
            return None
        moved = best.point[:size] + best.point[size:hides]
        return best.value, {member for member in shown if moved[around.number[member]] > TOLERANCE}

    def _lightest_move(self, around: _Surroundings, farthest: np.ndarray, target: Row) -> set[CellId] | None:
        """Return the shown cells that the cheapest move changes; None if the move is not in whole numbers.

        The cost of a move is the distance of each shown cell times the cell's cost. The solution is a vertex
        of the program, so it changes few cells, although not always the fewest possible.
        Raises Infeasible if no move exists.
        """
        size = around.size
        weight = {
            column: self._cost(member)
            for member in around.shown
            for column in (around.number[member], size + around.number[member])
        }
        found = LinearSystem(np.zeros_like(farthest), farthest, [*around.rows, target]).least(weight)
        if found.point is None or (self._system.is_whole and not found.is_integral):
            return None
        moved = found.point[:size] + found.point[size:]
        return {member for member in around.shown if moved[around.number[member]] > TOLERANCE}
