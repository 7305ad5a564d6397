"""The interval of each hidden cell: its least and greatest possible value, given all published values.

Two linear programs bound each cell. Cells that no sum connects are solved separately. Counts are whole
numbers, so fewer values may be possible than with fractions: if a solution is not in whole numbers, an
integer program decides.

A run audits with `audit/auditor.py`. This module is the reference with which tests compare it: slower, and
with no code in common except the form of cells and sums and the solver's interface.
Source: SDC Handbook (2nd ed.), audit of tabular data; disclosure-control.md P5.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from governance.errors import Refused
from pipeline.disclosure.audit.cell_system import CellId, Cells, CellSystem, Interval, Relations, read_system
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, Numbers, Optimum, Row


def feasible_intervals(
    cells: Cells, relations: Relations, lower: float = 0, *, only: Iterable[CellId] | None = None
) -> dict[CellId, Interval]:
    """Return the interval of each hidden cell, in the order of the cells.

    cells: id -> value, None if hidden; or pairs or records (see `cell_system`).
    relations: total id -> part ids; or (total, parts) pairs if a total has several breakdowns.
    lower: the least value that a hidden cell can have, in the view of an attacker.
    only: hidden cells to bound; all if None.

    Raises Refused (CELLS_CONTRADICT) if no values of the hidden cells agree with the published ones.
    """
    system = read_system(cells, relations)
    hidden = [cell_id for cell_id, value in system.values.items() if value is None]
    wanted = set(hidden if only is None else only)
    found = dict(find_intervals(system, wanted.__contains__, lower))
    return {cell_id: found[cell_id] for cell_id in hidden if cell_id in found}


#: Coefficients of the hidden cells of a sum, and the value that they must add up to.
_Equation = tuple[dict[CellId, float], float]
#: Called with a feasible point: the cells that it has values for, and the values.
_Note = Callable[[list[CellId], Numbers], None]


def find_intervals(
    system: CellSystem, is_wanted: Callable[[CellId], bool], lower: float = 0, note: _Note | None = None
) -> Iterator[tuple[CellId, Interval]]:
    """Yield hidden cells with their intervals.

    is_wanted: called for each hidden cell just before it is solved, so it can use the points found by then.
    note: called with every feasible point that is found.
    """
    for component in _components(system):
        wanted = (cell_id for cell_id in component.members if is_wanted(cell_id))
        yield from component.intervals(wanted, lower, note)


def find_values(system: CellSystem, lower: float = 0) -> dict[CellId, float]:
    """Return values of the hidden cells that agree with the others; whole numbers if the others are.

    Raises Refused (CELLS_CONTRADICT) if there are no such values, or if the published values contradict each
    other.
    """
    return {c: value for component in _components(system) for c, value in component.values(lower).items()}


@dataclass(frozen=True)
class _Component:
    """Hidden cells that are connected by equations, directly or through other cells, and the equations."""

    members: list[CellId]
    equations: list[_Equation]
    is_whole: bool

    def intervals(
        self, wanted: Iterable[CellId], lower: float, note: _Note | None
    ) -> Iterator[tuple[CellId, Interval]]:
        """Yield the wanted members with their intervals."""
        number = {cell_id: position for position, cell_id in enumerate(self.members)}
        relaxed: LinearSystem | None = None
        whole: LinearSystem | None = None
        for cell_id in wanted:
            if not self.equations:
                yield cell_id, Interval(lower, math.inf)
                continue
            relaxed = relaxed or self._program(lower)
            column = {number[cell_id]: 1.0}
            try:
                ends = [relaxed.least(column), relaxed.greatest(column)]
                if self.is_whole and not all(map(_is_settled, ends)):
                    whole = whole or self._program(lower, is_whole=True)
                    asks = whole.least, whole.greatest
                    ends = [
                        end if _is_settled(end) else ask(column) for end, ask in zip(ends, asks, strict=True)
                    ]
            except Infeasible:
                raise _contradiction() from None
            for end in ends:
                if note is not None and end.point is not None:
                    note(self.members, np.rint(end.point) if self.is_whole else end.point)
            yield cell_id, Interval(*(_rounded(end.value) if self.is_whole else end.value for end in ends))

    def values(self, lower: float) -> dict[CellId, float]:
        """Return feasible values of the members."""
        if not self.equations:
            return dict.fromkeys(self.members, lower)
        try:
            point = self._program(lower, self.is_whole).least({}).point
        except Infeasible:
            raise _contradiction() from None
        if point is None:
            raise _contradiction()
        return dict(zip(self.members, (np.rint(point) if self.is_whole else point).tolist(), strict=True))

    def _program(self, lower: float, is_whole: bool = False) -> LinearSystem:
        number = {cell_id: position for position, cell_id in enumerate(self.members)}
        rows: list[Row] = [
            ([number[cell_id] for cell_id in unknown], list(unknown.values()), side)
            for unknown, side in self.equations
        ]
        size = len(self.members)
        return LinearSystem(np.full(size, float(lower)), np.full(size, np.inf), rows, is_whole)


def _components(system: CellSystem) -> list[_Component]:
    """Return the hidden cells in groups that no equation connects with each other."""
    hidden = [cell_id for cell_id, value in system.values.items() if value is None]
    equations = _equations(system)
    leader = {cell_id: cell_id for cell_id in hidden}

    def find(cell_id: CellId) -> CellId:
        while leader[cell_id] != cell_id:
            leader[cell_id] = leader[leader[cell_id]]
            cell_id = leader[cell_id]
        return cell_id

    for unknown, _ in equations:
        first, *others = unknown
        for other in others:
            leader[find(other)] = find(first)
    members: dict[CellId, list[CellId]] = {}
    own: dict[CellId, list[_Equation]] = {}
    for cell_id in hidden:
        members.setdefault(find(cell_id), []).append(cell_id)
    for equation in equations:
        own.setdefault(find(next(iter(equation[0]))), []).append(equation)
    return [_Component(group, own.get(head, []), system.is_whole) for head, group in members.items()]


def _equations(system: CellSystem) -> list[_Equation]:
    """Return the equation of each sum with hidden cells. Raises Refused if a sum without any is wrong."""
    equations: list[_Equation] = []
    for total, parts in system.relations:
        unknown: dict[CellId, float] = {}
        side = 0.0
        for cell_id, sign in ((total, -1.0), *((part, 1.0) for part in parts)):
            value = system.values[cell_id]
            if value is None:
                unknown[cell_id] = unknown.get(cell_id, 0.0) + sign
            else:
                side -= sign * value
        unknown = {cell_id: factor for cell_id, factor in unknown.items() if factor}
        if unknown:
            equations.append((unknown, side))
        elif abs(side) > TOLERANCE:
            raise _contradiction()
    return equations


def _is_settled(end: Optimum) -> bool:
    """Answer whether an end of the interval of fractions is an end of the interval of whole numbers too."""
    return end.point is None or end.is_integral


def _rounded(value: float) -> float:
    return value if math.isinf(value) else round(value)


def _contradiction() -> Refused:
    return Refused(
        "CELLS_CONTRADICT",
        "No values of the hidden cells fit the published ones.",
        "The published values are not sums of each other; audit them with their noise and rounding.",
    )
