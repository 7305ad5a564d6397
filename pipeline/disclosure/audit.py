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

from pipeline.disclosure.published_system import Floats, PublishedSystem, Whole
from pipeline.disclosure.solver import TOLERANCE, Infeasible, LinearSystem, Optimum, not_optimal

MINIMUM_WIDTH = 5.0
#: Rounds of joint questions in a block before its open cells are asked about one by one.
_SWEEPS = 2


@dataclass(frozen=True)
class AuditResult:
    """What the attacker can and cannot work out.

    exposed: hidden cells that fail. low, high: bounds of each hidden cell's interval as far as it was
    explored; exact for the exposed. certified_in_block, certified_jointly: how many passed where.
    """

    hidden: int
    exposed: Whole
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    certified_in_block: int
    certified_jointly: int

    def count(self, of: str) -> int:
        """Return how many hidden cells are "exact", "narrow" (under 5) or "zero" (proven)."""
        low, high = self.low[self.exposed], self.high[self.exposed]
        found = {"exact": high - low < 1, "narrow": high - low < MINIMUM_WIDTH, "zero": high < 1}
        return int(found[of].sum())


class Auditor:
    """An audit of one system, from one point that fits it.

    reference: a whole-number point: the true counts before a release, any solution after it.
    targets: cells to audit; the hidden ones when None.
    is_whole: whether the attacker knows that counts are whole numbers (always, but for tests).
    """

    def __init__(
        self,
        system: PublishedSystem,
        reference: Floats,
        minimum_cell_count: int,
        is_whole: bool = True,
        targets: Whole | None = None,
    ) -> None:
        self.system = system
        self.targets = np.flatnonzero(system.hidden) if targets is None else targets
        self._is_target = np.zeros(system.size, dtype=bool)
        self._is_target[self.targets] = True
        self.reference = reference
        self.least_unsafe, self.most_unsafe = 1.0, float(minimum_cell_count - 1)
        self.is_whole = is_whole
        self.low = reference.copy()
        self.high = reference.copy()
        order = np.argsort(system.member_relation, kind="stable")
        self._relation_start = np.searchsorted(
            system.member_relation[order], np.arange(int(system.member_relation.max(initial=-1)) + 2)
        )
        by_cell = np.argsort(system.member_cell, kind="stable")
        self._cell_relations = system.member_relation[by_cell]
        self._cell_start = np.searchsorted(system.member_cell[by_cell], np.arange(system.size + 1))

    def run(self) -> AuditResult:
        """Audit every hidden cell; raises Refused where the solver ends without an answer."""
        targets = self.targets
        for block in np.unique(self.system.block[targets]):
            members = np.flatnonzero(self.system.block == block)
            self._explore(members, self._open(members[self._is_target[members]]))
        in_block = len(targets) - len(self._open(targets))
        for authority in np.unique(self.system.authority[self._open(targets)]):
            members = np.flatnonzero(self.system.authority == authority)
            self._settle(members, self._open(members[self._is_target[members]]))
        exposed = self._open(targets)
        return AuditResult(
            hidden=len(targets),
            exposed=exposed,
            low=self.low,
            high=self.high,
            certified_in_block=in_block,
            certified_jointly=len(targets) - in_block - len(exposed),
        )

    def _open(self, cells: Whole) -> Whole:
        """Return the cells that no two witnesses have proven safe yet."""
        low, high = self.low[cells], self.high[cells]
        covers = (low <= self.least_unsafe) & (high >= self.most_unsafe)
        is_wide = high - low >= MINIMUM_WIDTH - TOLERANCE
        return cells[~(covers | is_wide)]

    def _explore(self, members: Whole, targets: Whole) -> None:
        """Look for witnesses within a block while every other cell stays at the reference."""
        if not len(targets):
            return
        model = self._system_of(members)
        number = {int(cell): position for position, cell in enumerate(members)}
        for _ in range(_SWEEPS):
            for factor in (1.0, -1.0):
                still = self._open(targets)
                if len(still) > 1:
                    # every other one up and the rest down: neighbours can then trade places
                    self._ask(
                        model,
                        members,
                        {number[int(c)]: factor * (-1.0) ** k for k, c in enumerate(still)},
                    )
        for cell in targets:
            for factor in (1.0, -1.0):
                if len(self._open(np.array([cell]))):
                    self._ask(model, members, {number[int(cell)]: factor})

    def _settle(self, members: Whole, targets: Whole) -> None:
        """Find the true interval of each target, over all cells of its authority."""
        if not len(targets):
            return
        model = self._system_of(members)
        whole: LinearSystem | None = None
        number = {int(cell): position for position, cell in enumerate(members)}
        for cell in targets:
            column = {number[int(cell)]: 1.0}
            ends = []
            for question in ("least", "greatest"):
                if not len(self._open(np.array([cell]))):
                    break
                end: Optimum = getattr(model, question)(column)
                if self.is_whole and end.point is not None and not end.is_integral:
                    whole = whole or self._system_of(members, is_whole=True)
                    end = getattr(whole, question)(column)
                self._witness(members, end)
                ends.append(end)

    def _ask(self, model: LinearSystem, members: Whole, combination: dict[int, float]) -> None:
        try:
            self._witness(members, model.least(combination))
        except Infeasible:
            raise not_optimal("Infeasible although a fitting point is known") from None

    def _witness(self, members: Whole, found: Optimum) -> None:
        """Note how far each member went at a point that fits; only whole points count for counts."""
        if found.point is None or (self.is_whole and not found.is_integral):
            return
        point = np.rint(found.point) if self.is_whole else found.point
        self.low[members] = np.minimum(self.low[members], point)
        self.high[members] = np.maximum(self.high[members], point)

    def _system_of(self, members: Whole, is_whole: bool = False) -> LinearSystem:
        """Return the sums that touch the members, all other cells held at the reference."""
        number = np.full(self.system.size, -1, dtype=np.int64)
        number[members] = np.arange(len(members))
        relations = np.unique(
            np.concatenate(
                [self._cell_relations[self._cell_start[c] : self._cell_start[c + 1]] for c in members]
            )
            if len(members)
            else np.zeros(0, dtype=np.int64)
        )
        rows = []
        for relation in relations:
            span = slice(self._relation_start[relation], self._relation_start[relation + 1])
            cells, signs = self.system.member_cell[span], self.system.member_sign[span]
            inside = number[cells] >= 0
            side = -float((signs[~inside] * self.reference[cells[~inside]]).sum())
            rows.append((number[cells[inside]].tolist(), signs[inside].tolist(), side))
        # a bound of several thousand is as good as none and keeps every answer finite
        far = self.reference[members] + 2 * (self.most_unsafe + MINIMUM_WIDTH) + 50
        return LinearSystem(
            self.system.lower[members], np.minimum(self.system.upper[members], far), rows, is_whole
        )


def find_reference(system: PublishedSystem) -> Floats:
    """Return a whole-number point that fits a published system, found one authority at a time.

    Raises Infeasible where none fits: the printed values then contradict the printed rules.
    """
    point = np.zeros(system.size)
    start = np.searchsorted(
        system.member_relation, np.arange(int(system.member_relation.max(initial=-1)) + 2)
    )
    owner = system.authority[system.member_cell[start[:-1]]]
    for authority in np.unique(system.authority):
        members = np.flatnonzero(system.authority == authority)
        number = np.full(system.size, -1, dtype=np.int64)
        number[members] = np.arange(len(members))
        rows = [
            (
                number[system.member_cell[start[r] : start[r + 1]]].tolist(),
                system.member_sign[start[r] : start[r + 1]].tolist(),
                0.0,
            )
            for r in np.flatnonzero(owner == authority)
        ]
        bounds = system.lower[members], system.upper[members]
        found = LinearSystem(*bounds, rows).least({})
        if not found.is_integral:
            found = LinearSystem(*bounds, rows, is_whole=True).least({})
        if found.point is None:
            raise Infeasible
        point[members] = np.rint(found.point)
    return point
