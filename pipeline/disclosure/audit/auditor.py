"""P5, the audit: can a hidden count be worked out from all published values together?

A hidden cell passes if its feasible interval contains 1 to the minimum less one, or is at least 5 wide, and
the cell is not proven to be zero. Two feasible points are enough to prove this. A feasible point is a value
of every cell so that all sums and bounds of the attacker's system are met.

Most cells are decided within a block (one breakdown, the areas of one MSOA): all other cells keep the values
of a known feasible point, and each solution counts for all cells of the block. Cells that are still undecided
are solved over their whole local authority, all tables jointly; and if the interval is still too narrow, in
whole numbers.
Source: disclosure-control.md P5; SDC Handbook (2nd ed.), auditing.
"""

from dataclasses import dataclass, field

import numpy as np

from pipeline.disclosure.audit.moves import LARGEST_WHOLE_PROGRAM, Moves
from pipeline.disclosure.audit.neighbourhood import Neighbourhoods
from pipeline.disclosure.audit.published_system import Floats, PublishedSystem, Whole
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, not_optimal

MINIMUM_WIDTH = 5.0
#: Rounds in which all undecided cells of a block are moved together, before they are moved one by one.
_SWEEPS = 2


@dataclass(frozen=True)
class AuditResult:
    """What the attacker can and cannot work out.

    hidden: number of cells audited. exposed: those that fail, as positions in the system. low, high: per cell
    of the system, the least and greatest value of the feasible points found; of exposed cells, of all
    feasible points. certified_in_block, certified_jointly: number of cells that passed within a block, over
    all tables. least_possible, most_possible: per exposed cell, proven bounds of its value.

    A cell also counts as exposed if no second whole-number table was found. It is then hidden to be safe,
    although it was not worked out.
    """

    hidden: int
    exposed: Whole
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    certified_in_block: int
    certified_jointly: int
    least_possible: Floats = field(repr=False)
    most_possible: Floats = field(repr=False)
    limits: dict[int, Whole] = field(repr=False, default_factory=dict)

    @property
    def pinned(self) -> Whole:
        """Exposed cells that are proven to have one possible value."""
        return self.exposed[self.most_possible - self.least_possible < 1]

    @property
    def proven_zero(self) -> Whole:
        """Exposed cells that are proven to be zero."""
        return self.exposed[self.most_possible < 1]

    @property
    def narrow(self) -> Whole:
        """Exposed cells whose proven bounds are less than 5 apart, including pinned ones."""
        return self.exposed[self.most_possible - self.least_possible < MINIMUM_WIDTH]


class Auditor:
    """An audit of one system, from one feasible point.

    reference: a feasible point in whole numbers, one value per cell: the exact counts before a release, any
    solution after it. minimum_cell_count: households below which a count is small.
    is_whole: whether feasible points must be whole numbers, as counts are. If none is found for a cell, it is
    then treated as exposed, which can hide too much but not too little.
    targets: cells to audit; the hidden ones if None.
    minimum_width: the width that an interval must have. With 1, a cell passes if it has two possible values.
    """

    def __init__(
        self,
        system: PublishedSystem,
        reference: Floats,
        minimum_cell_count: int,
        is_whole: bool = True,
        targets: Whole | None = None,
        minimum_width: float = MINIMUM_WIDTH,
    ) -> None:
        self.system = system
        self.reference = reference
        self.targets = np.flatnonzero(system.hidden) if targets is None else targets
        self.least_unsafe, self.most_unsafe = 1.0, float(minimum_cell_count - 1)
        self.is_whole = is_whole
        self.minimum_width = minimum_width
        self.low = reference.copy()
        self.high = reference.copy()
        self._least_possible = np.full(system.size, -np.inf)
        self._most_possible = np.full(system.size, np.inf)
        self._limits: dict[int, Whole] = {}
        self._moves = Moves(system)

    def run(self, few: int | None = None, largest_joint_program: int | None = None) -> AuditResult:
        """Audit every target. Raises Refused (AUDIT_NOT_OPTIMAL) if the solver ends without an answer.

        few: if more cells than this of one measure and breakdown are undecided after the search within
        blocks, they all count as exposed, because their table will be coarsened anyway. None: no limit.
        largest_joint_program: if a local authority has more cells than this, the joint program is not tried
        and its undecided cells count as exposed. None: no limit.
        """
        targets = self.targets
        neighbourhoods = Neighbourhoods(self.system)
        for key, members_of_key in neighbourhoods.groups(targets).items():
            for members in neighbourhoods.widening(key):
                still = self._open(members_of_key)
                if not len(still):
                    break
                self._explore(members, still)
        still = self._few_together(self._open(targets), few)
        for key, members_of_key in neighbourhoods.groups(still).items():
            self._explore(neighbourhoods.widest(key), self._open(members_of_key))
        near = len(targets) - len(self._open(targets))
        still = self._open(still)
        for authority in sorted(set(self.system.authority[still])):
            members = np.flatnonzero(self.system.authority == authority)
            if largest_joint_program is None or len(members) <= largest_joint_program:
                self._explore(members, still[self.system.authority[still] == authority], sweeps=0)
        exposed = self._open(targets)
        return AuditResult(
            hidden=len(targets),
            exposed=exposed,
            low=self.low,
            high=self.high,
            certified_in_block=near,
            certified_jointly=len(targets) - near - len(exposed),
            least_possible=np.ceil(self._least_possible[exposed] - TOLERANCE),
            most_possible=np.floor(self._most_possible[exposed] + TOLERANCE),
            limits={cell: self._limits[cell] for cell in exposed.tolist() if cell in self._limits},
        )

    def _open(self, cells: Whole) -> Whole:
        """Return those of the cells that the feasible points found so far have not proven safe."""
        low, high = self.low[cells], self.high[cells]
        covers = (low <= self.least_unsafe) & (high >= self.most_unsafe)
        is_wide = high - low >= self.minimum_width - TOLERANCE
        return cells[~(covers | is_wide)]

    def _few_together(self, cells: Whole, at_most: int | None) -> Whole:
        """Return the cells of the measures and breakdowns that have at most `at_most` of these cells."""
        if at_most is None or not len(cells):
            return cells
        named = self.system.measure_group[cells] + "|" + self.system.breakdown[cells]
        names, group, count = np.unique(named.astype(str), return_inverse=True, return_counts=True)
        del names
        return cells[count[group] <= at_most]

    def _explore(self, members: Whole, targets: Whole, sweeps: int = _SWEEPS) -> None:
        """Look for feasible points in which only the members differ from the reference.

        First all targets are moved together, alternately up and down so that neighbours balance each other;
        then those that are still undecided are moved one by one.
        sweeps: number of rounds of moving them together. With 0, the members are all cells of a local
        authority, so the farthest move of a cell is also a proven bound.
        """
        if not len(targets):
            return
        near = self._moves.from_point(members, self.reference, is_near=len(members) <= LARGEST_WHOLE_PROGRAM)
        number = {int(cell): position for position, cell in enumerate(members)}
        for _ in range(sweeps):
            for factor in (1.0, -1.0):
                still = self._open(targets)
                if len(still) > 1:
                    signs = factor * (-1.0) ** np.arange(len(still))
                    self._move(near, members, {number[int(c)]: s for c, s in zip(still, signs, strict=True)})
        far = whole = None
        for cell in targets:
            for factor in (-1.0, 1.0):
                if not len(self._open(np.array([cell]))):
                    break
                move = {number[int(cell)]: factor}
                if sweeps == 0:  # all cells of the authority can move, so this is the limit
                    far = far or self._moves.from_point(members, self.reference)
                    farthest, is_feasible_point = self._move(far, members, move)
                    self._note_limit(int(cell), factor, farthest)
                    if factor < 0:
                        near_bound = np.unique(members[far.binding() % len(members)])
                        self._limits[int(cell)] = near_bound[self.system.printed[near_bound]]
                    if is_feasible_point or not len(self._open(np.array([cell]))):
                        continue
                if len(members) > LARGEST_WHOLE_PROGRAM:
                    continue
                if not self._move_by_width(near, members, move):
                    whole = whole or self._moves.from_point(
                        members, self.reference, is_whole=True, is_near=True
                    )
                    self._move_by_width(whole, members, move)

    def _move_by_width(self, model: LinearSystem, members: Whole, move: dict[int, float]) -> bool:
        """Move one cell by at most the minimum width; returns whether a feasible point was found."""
        ((column, factor),) = move.items()
        moved = column if factor < 0 else len(members) + column
        farthest = model.upper[moved]
        model.set_bounds(moved, 0.0, min(farthest, self.minimum_width))
        _, is_feasible_point = self._move(model, members, move)
        model.set_bounds(moved, 0.0, farthest)
        return is_feasible_point

    def _note_limit(self, cell: int, factor: float, farthest: float) -> None:
        if factor < 0:
            self._most_possible[cell] = self.reference[cell] + farthest
        else:
            self._least_possible[cell] = self.reference[cell] - farthest

    def _move(self, model: LinearSystem, members: Whole, move: dict[int, float]) -> tuple[float, bool]:
        """Move some cells as far as possible, and record the values of all members at the point found.

        move: position among the members -> -1 for up, 1 for down. Returns the sum of the moves, and whether
        the point counts as a feasible point; with whole counts, a point with fractions does not.
        """
        size = len(members)
        costs = move | {size + column: -factor for column, factor in move.items()}
        try:
            found = model.least(costs)
        except Infeasible:
            raise not_optimal("Infeasible although a fitting point is known") from None
        if found.point is None:
            raise not_optimal("Unbounded although every move is bounded")
        if self.is_whole and not found.is_integral:
            return -found.value, False
        moved = found.point[:size] - found.point[size:]
        point = self.reference[members] + (np.rint(moved) if self.is_whole else moved)
        self.low[members] = np.minimum(self.low[members], point)
        self.high[members] = np.maximum(self.high[members], point)
        return -found.value, True
