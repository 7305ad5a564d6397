"""P5, the audit: can anybody work out a hidden count from everything that is printed together?

A hidden cell passes when its feasible interval contains 1 to the minimum less one, or is at
least 5 wide, and it is not proven zero. Proving that takes two points of the attacker's
system, so most cells are settled cheaply: inside a block (one breakdown, the areas of one
MSOA) the rest of the world is held at a point known to fit, and every solution found is a
witness for all cells of the block at once. What stays open is solved over the whole local
authority, all tables jointly, and what is then still too narrow by whole numbers.
Source: disclosure-control.md P5; SDC Handbook (2nd ed.), auditing.
"""

from dataclasses import dataclass, field

import numpy as np

from pipeline.disclosure.audit.moves import LARGEST_WHOLE_PROGRAM, Moves
from pipeline.disclosure.audit.neighbourhood import Neighbourhoods
from pipeline.disclosure.audit.published_system import Floats, PublishedSystem, Whole
from pipeline.disclosure.audit.solver import TOLERANCE, Infeasible, LinearSystem, not_optimal

MINIMUM_WIDTH = 5.0
#: Rounds of joint questions in a block before its open cells are asked about one by one.
_SWEEPS = 2


@dataclass(frozen=True)
class AuditResult:
    """What the attacker can and cannot work out.

    exposed: hidden cells that fail. low, high: bounds of each hidden cell's interval as far as it was
    explored; exact for the exposed. certified_in_block, certified_jointly: how many passed where.
    least_possible, most_possible: proven bounds of each exposed cell. An exposed cell may be one for which
    only no second whole-number table was found: to hide it is right, to call it worked out is not.
    """

    hidden: int
    exposed: Whole
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    certified_in_block: int
    certified_jointly: int
    least_possible: Floats = field(repr=False)
    most_possible: Floats = field(repr=False)

    @property
    def pinned(self) -> Whole:
        """Exposed cells that are proven to have one possible value."""
        return self.exposed[self.most_possible - self.least_possible < 1]

    @property
    def proven_zero(self) -> Whole:
        """Exposed cells that are proven to be nought."""
        return self.exposed[self.most_possible < 1]

    @property
    def narrow(self) -> Whole:
        """Exposed cells that are proven to lie within less than 5; the pinned ones too."""
        return self.exposed[self.most_possible - self.least_possible < MINIMUM_WIDTH]


class Auditor:
    """An audit of one system, from one point that fits it.

    reference: a whole-number point: the true counts before a release, any solution after it.
    targets: cells to audit; the hidden ones when None.
    is_whole: whether a witness must be of whole numbers, as counts are. A cell for which none is found is
    then taken as exposed, which errs on the side of hiding.
    minimum_width: how wide an interval must be; 1 asks for no more than that a cell is not pinned down.
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
        self._is_target = np.zeros(system.size, dtype=bool)
        self._is_target[self.targets] = True
        self.least_unsafe, self.most_unsafe = 1.0, float(minimum_cell_count - 1)
        self.is_whole = is_whole
        self.minimum_width = minimum_width
        self.low = reference.copy()
        self.high = reference.copy()
        self._least_possible = np.full(system.size, -np.inf)
        self._most_possible = np.full(system.size, np.inf)
        self._moves = Moves(system)

    def run(self, few: int | None = None, largest_joint_program: int | None = None) -> AuditResult:
        """Audit every target; raises Refused where the solver ends without an answer.

        few: where more cells than this of one measure and breakdown are still open after their
        neighbourhoods, they are taken as exposed without more ado: all will be coarsened.
        largest_joint_program: cells of an authority above which those that its measure leaves open are taken
        as exposed without the joint program; None tries it whatever its size.
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
        )

    def _open(self, cells: Whole) -> Whole:
        """Return the cells that no two witnesses have proven safe yet."""
        low, high = self.low[cells], self.high[cells]
        covers = (low <= self.least_unsafe) & (high >= self.most_unsafe)
        is_wide = high - low >= self.minimum_width - TOLERANCE
        return cells[~(covers | is_wide)]

    def _few_together(self, cells: Whole, at_most: int | None) -> Whole:
        """Return the cells of which no more than so many share a measure and breakdown."""
        if at_most is None or not len(cells):
            return cells
        named = self.system.measure_group[cells] + "|" + self.system.breakdown[cells]
        names, group, count = np.unique(named.astype(str), return_inverse=True, return_counts=True)
        del names
        return cells[count[group] <= at_most]

    def _explore(self, members: Whole, targets: Whole, sweeps: int = _SWEEPS) -> None:
        """Look for witnesses among the members while every other cell stays at the reference.

        First all targets at once, every other one up and the rest down so that neighbours trade places;
        then one by one.
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
                    self._ask(near, members, {number[int(c)]: s for c, s in zip(still, signs, strict=True)})
        far = whole = None
        for cell in targets:
            for factor in (-1.0, 1.0):
                if not len(self._open(np.array([cell]))):
                    break
                move = {number[int(cell)]: factor}
                if sweeps == 0:  # all cells of the authority could move, so no table goes further
                    far = far or self._moves.from_point(members, self.reference)
                    farthest, is_witness = self._ask(far, members, move)
                    self._note_limit(int(cell), factor, farthest)
                    if is_witness or not len(self._open(np.array([cell]))):
                        continue
                if len(members) > LARGEST_WHOLE_PROGRAM:
                    continue
                if not self._ask_nearest(near, members, move):
                    whole = whole or self._moves.from_point(
                        members, self.reference, is_whole=True, is_near=True
                    )
                    self._ask_nearest(whole, members, move)

    def _ask_nearest(self, model: LinearSystem, members: Whole, move: dict[int, float]) -> bool:
        """Move one cell no further than settles it; returns whether a witness was found."""
        ((column, factor),) = move.items()
        moved = column if factor < 0 else len(members) + column
        farthest = model.upper[moved]
        model.set_bounds(moved, 0.0, min(farthest, self.minimum_width))
        _, is_witness = self._ask(model, members, move)
        model.set_bounds(moved, 0.0, farthest)
        return is_witness

    def _note_limit(self, cell: int, factor: float, farthest: float) -> None:
        if factor < 0:
            self._most_possible[cell] = self.reference[cell] + farthest
        else:
            self._least_possible[cell] = self.reference[cell] - farthest

    def _ask(self, model: LinearSystem, members: Whole, move: dict[int, float]) -> tuple[float, bool]:
        """Move some cells as far as they go (-1 up, 1 down) and note how far every member went.

        Returns how far they went together, and whether the point found counts as a witness: fractions
        do not where counts are whole.
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
