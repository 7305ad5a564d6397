"""Complementary suppression: which further cells to hide so that no unsafe cell can be worked out.

For each unsafe cell that the published rest still gives away, a mixed-integer program
finds the cheapest set of cells that, once hidden, lets the cell take another value. Linked
tables are protected together: one after another is known to be unsafe. What comes out
is audited anew, and cells whose hiding turned out needless are shown again.
Source: Fischetti and Salazar-Gonzalez (2001); SDC Handbook (2nd ed.), secondary suppression.
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
from pipeline.disclosure.audit.feasible_points import FeasiblePoints
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, Numbers, Row
from pipeline.disclosure.recoverability import find_intervals, find_values

#: Relations around an unsafe cell that are searched for cover at first; widened until cover is found.
_FIRST_RADIUS = 2
#: Cells around an unsafe one up to which the cheapest cover is sought; among more, that of the lightest move.
_EXACT_COVER_AT_MOST = 300
#: A cover may cost so much more than the cheapest; to prove the very cheapest takes most of the time.
_COVER_GAP = 0.1
#: Above this many complementary cells none is shown again: the search would cost more than it gives.
_PRUNED_AT_MOST = 400


def protect(
    cells: Cells, relations: Relations, unsafe: Iterable[CellId], *, minimum_width: float = 1
) -> set[CellId]:
    """Return the ids to hide: the unsafe ones and the complementary cells that cover them.

    cells: id -> true value of every cell, totals too; None for one that is hidden already and stays so.
    relations: total id -> part ids.
    minimum_width: how wide an unsafe cell's interval must at least be; one means not exact.
    Afterwards no unsafe cell is exact or proven zero to an attacker who knows all other cells.

    Raises Refused where hiding every cell would not do (CANNOT_PROTECT), or where the values are not sums
    of each other (CELLS_CONTRADICT).
    """
    system = read_system(cells, relations)
    wanted = list(dict.fromkeys(read_ids(unsafe, system.values)))
    _check(system, wanted)
    already = {cell_id for cell_id, value in system.values.items() if value is None}
    system = CellSystem({**system.values, **find_values(system)}, system.relations)
    hidden = already | set(wanted)
    witnesses = FeasiblePoints(system, wanted)
    exposed = list(_exposed(system, hidden, wanted, minimum_width, witnesses))
    while exposed:
        cell_id = exposed[0]
        hidden |= cheapest_cover(system, hidden, cell_id, minimum_width)
        still = list(_exposed(system, hidden, exposed, minimum_width, witnesses))
        if cell_id in still:
            raise _cannot(len(still))
        exposed = still
    return _without_needless(system, hidden, already, wanted, minimum_width, witnesses)


def is_exposed(interval: Interval, minimum_width: float = 1) -> bool:
    """Answer whether an interval gives its cell away: too narrow, or proving it zero."""
    return interval.upper - interval.lower < minimum_width or interval.upper < 1


def _check(system: CellSystem, unsafe: list[CellId]) -> None:
    if any(value is not None and value < 0 for value in system.values.values()):
        raise Fault(
            "CELLS_BELOW_ZERO",
            "Cells below zero cannot be protected: counts and amounts are taken to be nought or more.",
            "Shift amounts that can be negative, or leave them out.",
        )
    missing = [cell_id for cell_id in unsafe if cell_id not in system.values]
    if missing:
        raise Fault(
            "UNSAFE_CELL_UNKNOWN",
            f"{len(missing)} unsafe cells are not among the cells.",
            "Name unsafe cells by the ids of the cells.",
        )


def _exposed(
    system: CellSystem,
    hidden: set[CellId],
    asked: list[CellId],
    minimum_width: float,
    witnesses: FeasiblePoints,
) -> Iterator[CellId]:
    """Yield the asked cells that the shown ones give away; those that tables seen before cover come free."""
    seen = {c: None if c in hidden else value for c, value in system.values.items()}
    witnesses.show_all_but(hidden)
    left = {c for c in asked if is_exposed(witnesses.interval(c), minimum_width)}

    def is_open(cell_id: CellId) -> bool:
        return cell_id in left and is_exposed(witnesses.interval(cell_id), minimum_width)

    if left:
        for cell_id, interval in find_intervals(
            CellSystem(seen, system.relations), is_open, note=witnesses.add
        ):
            if is_exposed(interval, minimum_width):
                yield cell_id


def cheapest_cover(
    system: CellSystem, hidden: set[CellId], cell_id: CellId, minimum_width: float
) -> set[CellId]:
    """Return cells to hide so that one cell can be greater by the width, or less without being nought."""
    touching: dict[CellId, list[int]] = defaultdict(list)
    for number, (total, parts) in enumerate(system.relations):
        for member in {total, *parts}:
            touching[member].append(number)
    radius, reached = _FIRST_RADIUS, -1
    while True:
        inside = _relations_near(system, touching, cell_id, radius)
        if len(inside) == reached:
            raise _cannot(1)
        reached = len(inside)
        covers = [
            cover
            for shift in _shifts(system, cell_id, minimum_width)
            if (cover := _cover(system, touching, inside, hidden, cell_id, shift)) is not None
        ]
        if covers:
            return min(covers, key=lambda cover: cover[0])[1]
        radius *= 2


def _shifts(system: CellSystem, cell_id: CellId, minimum_width: float) -> list[float]:
    """Return by how much the cell must be able to move: up always serves; down only while one is left."""
    value = float(system.values[cell_id] or 0)
    return [minimum_width] + ([-minimum_width] if value >= max(1.0, minimum_width) else [])


def _relations_near(
    system: CellSystem, touching: dict[CellId, list[int]], cell_id: CellId, radius: int
) -> set[int]:
    inside: set[int] = set()
    frontier = {cell_id}
    seen = set(frontier)
    for _ in range(radius):
        reached = {number for member in frontier for number in touching[member]} - inside
        inside |= reached
        members = {
            m for number in reached for m in (system.relations[number][0], *system.relations[number][1])
        }
        frontier = members - seen
        seen |= members
    return inside


def _cover(
    system: CellSystem,
    touching: dict[CellId, list[int]],
    inside: set[int],
    hidden: set[CellId],
    cell_id: CellId,
    shift: float,
) -> tuple[float, set[CellId]] | None:
    """Return the cheapest cover among cells all of whose relations are inside, with its cost; None if none.

    Variables: per movable cell how much it rises and how much it falls, and per shown cell whether
    it is hidden. Every relation must still hold.
    """
    movable = [
        member
        for member in dict.fromkeys(
            m
            for number in sorted(inside)
            for m in (system.relations[number][0], *system.relations[number][1])
        )
        if all(number in inside for number in touching[member])
    ]
    if not movable:  # a cell that no relation binds
        return (0.0, set()) if not touching[cell_id] else None
    if cell_id not in movable:
        return None
    most = 8 * max(1.0, abs(shift))
    number_of = {member: position for position, member in enumerate(movable)}
    shown = [member for member in movable if member not in hidden]
    size = len(movable)
    upper = np.full(2 * size + len(shown), most)
    for position, member in enumerate(movable):
        upper[size + position] = min(most, float(system.values[member] or 0))
    upper[2 * size :] = 1.0
    lower = np.zeros_like(upper)
    # relations hold after the move
    rows: list[Row] = []
    for number in sorted(inside):
        total, parts = system.relations[number]
        factor: dict[CellId, float] = defaultdict(float)
        factor[total] -= 1.0
        for part in parts:
            factor[part] += 1.0
        columns, values = [], []
        for member, sign in factor.items():
            if sign and member in number_of:
                columns += [number_of[member], size + number_of[member]]
                values += [sign, -sign]
        if columns:
            rows.append((columns, values, 0.0))
    position = number_of[cell_id]
    target: Row = ([position, size + position], [1.0, -1.0], shift)
    if size > _EXACT_COVER_AT_MOST:
        try:
            light = _lightest_move(system, shown, number_of, upper[: 2 * size], [*rows, target])
        except Infeasible:
            return None
        if light is not None:
            return sum(_cost(system, member) for member in light), light
    # a shown cell moves only once hidden: rise + fall + slack = most * hidden
    slacks = len(shown)
    upper = np.concatenate([upper, np.full(slacks, most)])
    lower = np.concatenate([lower, np.zeros(slacks)])
    for order, member in enumerate(shown):
        position = number_of[member]
        rows.append(
            ([position, size + position, 2 * size + slacks + order, 2 * size + order], [1, 1, 1, -most], 0.0)
        )
    rows.append(target)
    is_whole = np.zeros(len(upper), dtype=bool)
    is_whole[2 * size : 2 * size + slacks] = True
    if system.is_whole:
        is_whole[: 2 * size] = True
    model = LinearSystem(lower, upper, rows, is_whole, gap=_COVER_GAP)
    cost = {2 * size + order: _cost(system, member) for order, member in enumerate(shown)}
    try:
        best = model.least(cost)
    except Infeasible:
        return None
    if best.point is None:
        return None
    chosen = {
        member
        for order, member in enumerate(shown)
        if best.point[position_of := number_of[member]] + best.point[size + position_of] > 1e-6
    }
    return best.value, chosen


def _lightest_move(
    system: CellSystem, shown: list[CellId], number_of: dict[CellId, int], upper: Numbers, rows: list[Row]
) -> set[CellId] | None:
    """Return the shown cells of the move that costs least by its length; None where it is not whole.

    Its cells are few, for it is a corner; the fewest it need not be. Raises Infeasible where none exists.
    """
    size = len(upper) // 2
    weight = {
        column: _cost(system, member)
        for member in shown
        for column in (number_of[member], size + number_of[member])
    }
    found = LinearSystem(np.zeros_like(upper), upper, rows).least(weight)
    if found.point is None or (system.is_whole and not found.is_integral):
        return None
    moved = found.point[:size] + found.point[size:]
    return {member for member in shown if moved[number_of[member]] > TOLERANCE}


def _cost(system: CellSystem, member: CellId) -> float:
    """Return what hiding a cell loses: one for the cell and more for a larger one."""
    return 1.0 + math.log2(1.0 + float(system.values[member] or 0))


def _without_needless(
    system: CellSystem,
    hidden: set[CellId],
    already: set[CellId],
    unsafe: list[CellId],
    minimum_width: float,
    witnesses: FeasiblePoints,
) -> set[CellId]:
    """Show again, the largest first, every complementary cell without which all stays covered."""
    extra = sorted(hidden - already - set(unsafe), key=lambda c: (-float(system.values[c] or 0), str(c)))
    if len(extra) > _PRUNED_AT_MOST:
        return hidden
    for cell_id in extra:
        fewer = hidden - {cell_id}
        if next(_exposed(system, fewer, unsafe, minimum_width, witnesses), None) is None:
            hidden = fewer
    return hidden


def _cannot(cells: int) -> Refused:
    return Refused(
        "CANNOT_PROTECT",
        f"{cells} unsafe cells stay exposed whatever else is hidden.",
        "Merge categories or leave the table out at this area level.",
    )
