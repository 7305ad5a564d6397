"""What can be worked out: the interval in which each hidden cell must lie, given everything published.

Two linear programs a cell bound it; cells that no unknown binds together are solved
apart. Counts are whole numbers, and that can tell more than fractions do: where the
program's corner is not whole, an integer program settles the bound.
Source: SDC Handbook (2nd ed.), audit of tabular data; disclosure-control.md P5.
"""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from governance.errors import Refused
from pipeline.disclosure.audit.cell_system import CellId, Cells, CellSystem, Interval, Relations, read_system
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, Numbers, Optimum, Row


def feasible_intervals(
    cells: Cells, relations: Relations, lower: float = 0, *, only: Iterable[CellId] | None = None
) -> dict[CellId, Interval]:
    """Return the interval of each hidden cell, in the order of the cells.

    cells: id -> value, None where hidden (pairs and records do as well).
    relations: total id -> part ids, or (total, parts) pairs where a total has several breakdowns.
    lower: what an attacker knows every hidden cell to be at least.
    only: hidden cells to bound; all when None.

    Raises Refused (CELLS_CONTRADICT) where no values of the hidden cells fit.
    """
    system = read_system(cells, relations)
    hidden = [cell_id for cell_id, value in system.values.items() if value is None]
    wanted = set(hidden if only is None else only)
    found = dict(find_intervals(system, wanted.__contains__, lower))
    return {cell_id: found[cell_id] for cell_id in hidden if cell_id in found}


def find_intervals(
    system: CellSystem,
    is_wanted: Callable[[CellId], bool],
    lower: float = 0,
    note: Callable[[list[CellId], Numbers], None] | None = None,
) -> Iterator[tuple[CellId, Interval]]:
    """Yield hidden cells with their intervals, as long as more are asked for.

    is_wanted: asked of each hidden cell just before it is solved, so that what was learnt since counts.
    note: told of every table that was found to fit: the cells it has values for, and the values.
    """
    hidden = [cell_id for cell_id, value in system.values.items() if value is None]
    for members, rows in _components(hidden, _equations(system)):
        asked = (cell_id for cell_id in members if is_wanted(cell_id))
        if rows:
            yield from _solve(members, rows, asked, lower, system.is_whole, note)
        else:
            yield from ((cell_id, Interval(lower, math.inf)) for cell_id in asked)


def find_values(system: CellSystem, lower: float = 0) -> dict[CellId, float]:
    """Return values of the hidden cells that fit the others, whole where the others are.

    Raises Refused (CELLS_CONTRADICT) where none do, also where nothing is hidden.
    """
    hidden = [cell_id for cell_id, value in system.values.items() if value is None]
    found: dict[CellId, float] = dict.fromkeys(hidden, lower)
    for members, equations in _components(hidden, _equations(system)):
        if equations:
            bounds = np.full(len(members), float(lower)), np.full(len(members), np.inf)
            rows = _rows(members, equations)
            try:
                point = LinearSystem(*bounds, rows, is_whole=system.is_whole).least({}).point
            except Infeasible:
                raise _contradiction() from None
            if point is None:
                raise _contradiction()
            found |= dict(zip(members, (np.rint(point) if system.is_whole else point).tolist(), strict=True))
    return found


def _equations(system: CellSystem) -> list[tuple[dict[CellId, float], float]]:
    """Return per relation the hidden cells' coefficients and what they must sum to."""
    equations = []
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


def _components(
    hidden: list[CellId], equations: list[tuple[dict[CellId, float], float]]
) -> list[tuple[list[CellId], list[tuple[dict[CellId, float], float]]]]:
    """Return groups of hidden cells that equations bind together, with those equations."""
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
    rows: dict[CellId, list[tuple[dict[CellId, float], float]]] = {}
    for cell_id in hidden:
        members.setdefault(find(cell_id), []).append(cell_id)
    for equation in equations:
        rows.setdefault(find(next(iter(equation[0]))), []).append(equation)
    return [(group, rows.get(head, [])) for head, group in members.items()]


def _solve(
    members: list[CellId],
    equations: list[tuple[dict[CellId, float], float]],
    asked: Iterable[CellId],
    lower: float,
    is_whole: bool,
    note: Callable[[list[CellId], Numbers], None] | None,
) -> Iterator[tuple[CellId, Interval]]:
    number = {cell_id: position for position, cell_id in enumerate(members)}
    rows = _rows(members, equations)
    bounds = np.full(len(members), float(lower)), np.full(len(members), np.inf)
    relaxed: LinearSystem | None = None
    whole: LinearSystem | None = None
    for cell_id in asked:
        relaxed = relaxed or LinearSystem(*bounds, rows)
        column = {number[cell_id]: 1.0}
        try:
            ends = [relaxed.least(column), relaxed.greatest(column)]
            for end, ask in enumerate(("least", "greatest")):
                if is_whole and not _is_settled(ends[end]):
                    whole = whole or LinearSystem(*bounds, rows, is_whole=True)
                    ends[end] = getattr(whole, ask)(column)
        except Infeasible:
            raise _contradiction() from None
        for found in ends:
            if note is not None and found.point is not None:
                note(members, np.rint(found.point) if is_whole else found.point)
        yield cell_id, Interval(*(_rounded(end.value) if is_whole else end.value for end in ends))


def _rows(members: list[CellId], equations: list[tuple[dict[CellId, float], float]]) -> list[Row]:
    number = {cell_id: position for position, cell_id in enumerate(members)}
    return [
        ([number[cell_id] for cell_id in unknown], list(unknown.values()), side)
        for unknown, side in equations
    ]


def _is_settled(end: Optimum) -> bool:
    """Answer whether an end of the relaxed interval is reached by whole numbers too."""
    return end.point is None or end.is_integral


def _rounded(value: float) -> float:
    return value if math.isinf(value) else round(value)


def _contradiction() -> Refused:
    return Refused(
        "CELLS_CONTRADICT",
        "No values of the hidden cells fit the published ones.",
        "The published values are not sums of each other; audit them with their noise and rounding.",
    )
