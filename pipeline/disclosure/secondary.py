"""Complementary suppression, as a reference: which further cells to hide so that no unsafe cell is disclosed.

A run does not use this module; it hides cells with `audit/repair.py`. Tests compare what a run hides with the
results of `protect` and `feasible_intervals` for the same tables. The two have no code in common except the
form of cells and sums (`cell_system`) and the solver's interface.

For each unsafe cell that is still exposed, a linear program finds the lightest move: the change of values
that moves the cell by the required width, keeps every sum, and changes the shown cells as little as possible.
The shown cells that it changes are hidden; they are the cell's cover. Linked tables are solved as one system,
because protecting them one after another is known to be unsafe. At the end, cells that need not be hidden are
shown again. Source: SDC Handbook (2nd ed.), secondary suppression; Castro (2002), network flow heuristics.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from governance.errors import Fault, Refused
from pipeline.disclosure.audit.cell_system import (
    CellId,
    Cells,
    CellSystem,
    Interval,
    Relations,
    read_ids,
    read_system,
)
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, Optimum, Row
from pipeline.disclosure.feasible_points import FeasiblePoints
from pipeline.disclosure.recoverability import find_intervals, find_values

#: A whole-number move may be heavier than the lightest by this share, because proving the lightest is slow.
_GAP = 0.1
#: With more complementary cells than this, none is shown again, because the search would take too long.
_PRUNED_AT_MOST = 400


def protect(
    cells: Cells, relations: Relations, unsafe: Iterable[CellId], *, minimum_width: float = 1
) -> set[CellId]:
    """Return the ids to hide: the unsafe cells and the complementary cells that cover them.

    cells: id -> true value of every cell, totals too; None for a cell that is already hidden and stays so.
    relations: total id -> part ids. unsafe: ids of the cells to protect.
    minimum_width: least width of an unsafe cell's interval; with 1, the cell has two possible values.
    With the result hidden, no unsafe cell can be worked out, or proven to be zero, from the other cells.

    Raises Refused if hiding every cell would not be enough (CANNOT_PROTECT), or if the values are not sums of
    each other (CELLS_CONTRADICT).
    """
    system = read_system(cells, relations)
    wanted = list(dict.fromkeys(read_ids(unsafe, system.values)))
    _check(system, wanted)
    already = {cell_id for cell_id, value in system.values.items() if value is None}
    system = CellSystem({**system.values, **find_values(system)}, system.relations)
    judge = _Judge(system, wanted, minimum_width)
    moves = _Moves(system, minimum_width)
    hidden = already | set(wanted)
    exposed = list(judge.exposed(hidden, wanted))
    while exposed:
        cell_id = exposed[0]
        hidden |= moves.cover(cell_id, hidden)
        still = list(judge.exposed(hidden, exposed))
        if cell_id in still:
            raise _cannot(len(still))
        exposed = still
    return _show_again(system, hidden, hidden - already - set(wanted), judge)


def is_exposed(interval: Interval, minimum_width: float = 1) -> bool:
    """Answer whether an interval discloses its cell: it is too narrow, or the cell can only be zero."""
    return interval.upper - interval.lower < minimum_width or interval.upper < 1


def _check(system: CellSystem, unsafe: list[CellId]) -> None:
    if any(value is not None and value < 0 for value in system.values.values()):
        raise Fault(
            "CELLS_BELOW_ZERO",
            "Cells below zero cannot be protected: counts and amounts must be zero or more.",
            "Shift amounts that can be negative, or leave them out.",
        )
    missing = [cell_id for cell_id in unsafe if cell_id not in system.values]
    if missing:
        raise Fault(
            "UNSAFE_CELL_UNKNOWN",
            f"{len(missing)} unsafe cells are not among the cells.",
            "Name unsafe cells by the ids of the cells.",
        )


class _Judge:
    """Finds the unsafe cells that the shown ones disclose; feasible points that were found are used again."""

    def __init__(self, system: CellSystem, unsafe: list[CellId], minimum_width: float) -> None:
        self.unsafe = unsafe
        self._system = system
        self._minimum_width = minimum_width
        self._points = FeasiblePoints(system, unsafe)

    def exposed(self, hidden: set[CellId], of: list[CellId]) -> Iterator[CellId]:
        """Yield the exposed cells of a list; earlier feasible points decide most without a program."""
        shown = {c: None if c in hidden else value for c, value in self._system.values.items()}
        self._points.show_all_but(hidden)
        left = {c for c in of if self._is_open(c)}
        if left:
            for cell_id, interval in find_intervals(
                CellSystem(shown, self._system.relations),
                lambda cell_id: cell_id in left and self._is_open(cell_id),
                note=self._points.add,
            ):
                if is_exposed(interval, self._minimum_width):
                    yield cell_id

    def _is_open(self, cell_id: CellId) -> bool:
        return is_exposed(self._points.interval(cell_id), self._minimum_width)


class _Moves:
    """All changes of values that keep every sum and leave no value below zero.

    Variables: the increase of each cell, then the decrease of each.
    """

    def __init__(self, system: CellSystem, minimum_width: float) -> None:
        self._is_whole = system.is_whole
        self._width = float(math.ceil(minimum_width)) if self._is_whole else minimum_width
        self._number = {cell_id: number for number, cell_id in enumerate(system.values)}
        self._values = np.array([float(value or 0) for value in system.values.values()])
        self._cost = 1.0 + np.log2(1.0 + self._values)  # cost of hiding a cell: larger ones cost more
        self._size = len(self._values)
        self._upper = np.concatenate([np.full(self._size, np.inf), self._values])
        self._rows = [self._row(total, parts) for total, parts in system.relations]
        self._relaxed = LinearSystem(np.zeros_like(self._upper), self._upper, self._rows)
        self._whole: LinearSystem | None = None

    def cover(self, cell_id: CellId, hidden: set[CellId]) -> set[CellId]:
        """Return the shown cells to hide so that a cell can increase, or decrease, by the width.

        Raises Refused (CANNOT_PROTECT) if no such move exists.
        """
        column = self._number[cell_id]
        shown = [number for other, number in self._number.items() if other not in hidden]
        shifts = [self._width]
        if self._values[column] >= max(1.0, self._width):
            shifts.append(-self._width)
        covers = [cover for shift in shifts if (cover := self._lightest(column, shift, shown)) is not None]
        if not covers:
            raise _cannot(1)
        lightest = set(min(covers, key=lambda cover: sum(self._cost[number] for number in cover)))
        return {other for other, number in self._number.items() if number in lightest}

    def _row(self, total: CellId, parts: tuple[CellId, ...]) -> Row:
        factor: dict[int, float] = defaultdict(float)
        factor[self._number[total]] -= 1.0
        for part in parts:
            factor[self._number[part]] += 1.0
        rises = {number: sign for number, sign in factor.items() if sign}
        falls = {self._size + number: -sign for number, sign in rises.items()}
        return [*rises, *falls], [*rises.values(), *falls.values()], 0.0

    def _lightest(self, column: int, shift: float, shown: list[int]) -> list[int] | None:
        """Return the shown cells in the lightest move of one cell by `shift`; None if no move exists."""
        cost = {c: float(self._cost[number]) for number in shown for c in (number, self._size + number)}
        try:
            move = self._least(self._relaxed, column, shift, cost)
            if self._is_whole and not move.is_integral:
                if self._whole is None:
                    lower = np.zeros_like(self._upper)
                    self._whole = LinearSystem(lower, self._upper, self._rows, is_whole=True, gap=_GAP)
                move = self._least(self._whole, column, shift, cost)
        except Infeasible:
            return None
        if move.point is None:
            return None
        moved = move.point[: self._size] + move.point[self._size :]
        return [number for number in shown if moved[number] > TOLERANCE]

    def _least(self, model: LinearSystem, column: int, shift: float, cost: dict[int, float]) -> Optimum:
        """Solve with the move of one cell fixed to `shift`; the cell is free again afterwards."""
        for variable, fixed in ((column, max(shift, 0.0)), (self._size + column, max(-shift, 0.0))):
            model.set_bounds(variable, fixed, fixed)
        try:
            return model.least(cost)
        finally:
            for variable in (column, self._size + column):
                model.set_bounds(variable, 0.0, float(self._upper[variable]))


def _show_again(
    system: CellSystem, hidden: set[CellId], complementary: set[CellId], judge: _Judge
) -> set[CellId]:
    """Return `hidden` less the complementary cells that no unsafe cell needs, tried from the largest."""
    if len(complementary) > _PRUNED_AT_MOST:
        return hidden
    for cell_id in sorted(complementary, key=lambda c: (-float(system.values[c] or 0), str(c))):
        fewer = hidden - {cell_id}
        if next(judge.exposed(fewer, judge.unsafe), None) is None:
            hidden = fewer
    return hidden


def _cannot(cells: int) -> Refused:
    return Refused(
        "CANNOT_PROTECT",
        f"{cells} unsafe cells stay exposed whatever else is hidden.",
        "Merge categories or leave the table out at this area level.",
    )
