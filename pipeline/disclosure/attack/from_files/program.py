"""The attacker's linear program: the least and greatest count of each cell that fits all that is printed."""

import math
from collections import defaultdict
from collections.abc import Sequence

import highspy
import numpy as np

from pipeline.disclosure.attack.from_files.cells import Key
from pipeline.disclosure.attack.from_files.relations import Term

_NEAR = 1e-6


class DoesNotFit(Exception):
    """The relations contradict the printed numbers."""


class Program:
    """Cells with bounds, equations and inequalities; cells that are equal are one variable.

    bounds: cell -> least and greatest count. equal: pairs of cells that are equal.
    """

    def __init__(
        self,
        bounds: dict[Key, tuple[float, float]],
        equal: Sequence[tuple[Key, Key]],
        equations: Sequence[list[Term]],
        within: Sequence[list[Term]],
    ) -> None:
        self._leader = {key: key for key in bounds}
        for one, other in equal:
            self._leader[self._find(one)] = self._find(other)
        groups: dict[Key, list[Key]] = defaultdict(list)
        for key in bounds:
            groups[self._find(key)].append(key)
        self._number = {key: n for n, group in enumerate(groups.values()) for key in group}
        low = np.array([max(bounds[key][0] for key in group) for group in groups.values()])
        high = np.array([min(bounds[key][1] for key in group) for group in groups.values()])
        rows = [(self._row(terms), 0.0) for terms in equations]
        rows += [(self._row(terms), math.inf) for terms in within]
        rows = [(row, most) for row, most in rows if row]
        self._least = np.full(len(low), math.inf)
        self._most = np.full(len(low), -math.inf)
        self._engine = self._model(low, high, rows)

    def _find(self, key: Key) -> Key:
        while self._leader[key] != key:
            self._leader[key] = self._leader[self._leader[key]]
            key = self._leader[key]
        return key

    def _row(self, terms: list[Term]) -> dict[int, float]:
        row: dict[int, float] = defaultdict(float)
        for key, factor in terms:
            row[self._number[key]] += factor
        return {number: factor for number, factor in row.items() if factor}

    @staticmethod
    def _model(
        low: np.ndarray, high: np.ndarray, rows: list[tuple[dict[int, float], float]]
    ) -> highspy.Highs:
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(low), len(rows)
        model.col_cost_ = np.zeros(len(low))
        model.col_lower_, model.col_upper_ = low, high
        model.row_lower_ = np.zeros(len(rows))
        model.row_upper_ = np.array([most for _, most in rows])
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.cumsum([0, *(len(row) for row, _ in rows)]).astype(np.int32)
        model.a_matrix_.index_ = np.array([c for row, _ in rows for c in row], dtype=np.int32)
        model.a_matrix_.value_ = np.array([v for row, _ in rows for v in row.values()], dtype=float)
        engine = highspy.Highs()
        for option, value in {"output_flag": False, "threads": 1, "random_seed": 1}.items():
            engine.setOptionValue(option, value)
        engine.passModel(model)
        return engine

    def fits(self) -> bool:
        """Answer whether any counts fit the printed numbers and the relations."""
        self._engine.run()
        return bool(self._engine.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def interval(self, key: Key, is_enough: tuple[float, float]) -> tuple[float, float]:
        """Return the least and greatest count of a cell; less than all if it reaches `is_enough`.

        is_enough: an end below the first and an end above the second need not be looked for any further.
        """
        number = self._number[key]
        if not self._least[number] <= is_enough[0]:
            self._solve(number, 1.0)
        if not self._most[number] >= is_enough[1]:
            self._solve(number, -1.0)
        return float(self._least[number]), float(self._most[number])

    def _solve(self, number: int, cost: float) -> None:
        self._engine.changeColCost(number, cost)
        self._engine.run()
        status = self._engine.getModelStatus()
        self._engine.changeColCost(number, 0.0)
        kinds = highspy.HighsModelStatus
        if status in (kinds.kUnbounded, kinds.kUnboundedOrInfeasible) and cost < 0:
            self._most[number] = math.inf
            return
        if status != kinds.kOptimal:
            raise DoesNotFit
        point = np.asarray(self._engine.getSolution().col_value)
        self._least = np.minimum(self._least, point)
        self._most = np.maximum(self._most, point)


def whole(low: float, high: float) -> tuple[float, float]:
    """Return the interval of whole numbers within an interval."""
    return math.ceil(low - _NEAR), high if math.isinf(high) else math.floor(high + _NEAR)
