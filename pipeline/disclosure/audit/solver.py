"""The interface to the solver HiGHS: every answer is optimal, or the run is refused.

An answer is a solution with status Optimal, or a proof that there is no bound or no solution. Any other
status refuses the run. If HiGHS's `threads` is changed within a process, the status can be unset without an
exception, and an audit must not treat that as proof.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from governance.errors import Refused

Numbers = npt.NDArray[np.float64]
TOLERANCE = 1e-6
_FREE_OF_BOUND = "unbounded"


class Infeasible(Exception):
    """No solution exists. The caller decides what that means."""


@dataclass(frozen=True)
class Optimum:
    """The result of one program.

    value: of the objective; infinite if it has no bound. point: one value per variable; None without a bound.
    """

    value: float
    point: Numbers | None

    @property
    def is_integral(self) -> bool:
        """Answer whether all coordinates of the point are whole numbers."""
        return self.point is not None and bool(np.all(np.abs(self.point - np.rint(self.point)) <= TOLERANCE))


#: One equation: variable numbers, coefficients, right-hand side.
Row = tuple[list[int], list[float], float]


@dataclass(frozen=True)
class SparseRows:
    """Equations in compressed form.

    start: position of each equation's first entry, and the number of entries. column, factor: variable and
    coefficient of each entry. sides: right-hand side of each equation.
    """

    start: npt.NDArray[np.int32]
    column: npt.NDArray[np.int32]
    factor: Numbers
    sides: Numbers

    @classmethod
    def of(cls, rows: list[Row]) -> "SparseRows":
        """Return a list of equations in compressed form."""
        return cls(
            np.cumsum([0, *(len(columns) for columns, _, _ in rows)]).astype(np.int32),
            np.array([c for columns, _, _ in rows for c in columns], dtype=np.int32),
            np.array([v for _, values, _ in rows for v in values], dtype=np.float64),
            np.array([side for _, _, side in rows], dtype=np.float64),
        )

    @classmethod
    def of_entries(
        cls, row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], factor: Numbers
    ) -> "SparseRows":
        """Return equations with right-hand side 0 from entries in any order; row numbers may have gaps."""
        _, dense = np.unique(row, return_inverse=True)
        order = np.argsort(dense, kind="stable")
        rows = int(dense.max(initial=-1)) + 1
        return cls(
            np.searchsorted(dense[order], np.arange(rows + 1)).astype(np.int32),
            column[order].astype(np.int32),
            np.asarray(factor, dtype=np.float64)[order],
            np.zeros(rows),
        )


class LinearSystem:
    """Variables with bounds and equations; finds the least or greatest value of a combination of them.

    lower, upper: bounds of each variable. rows: the equations. is_whole: which variables are whole numbers.
    starts_feasible: whether the lower bounds of all variables are a solution; the solver then starts there.
    gap: how far a whole-number answer may be from the best, as a share of the best.
    standing_cost: cost of one unit of each variable that is not in the combination.
    Each program starts from the last basis, so many programs over one system are fast.
    """

    def __init__(
        self,
        lower: Numbers,
        upper: Numbers,
        rows: "list[Row] | SparseRows",
        is_whole: bool | npt.NDArray[np.bool_] = False,
        *,
        starts_feasible: bool = False,
        standing_cost: float = 0.0,
        gap: float = 0.0,
    ) -> None:
        self.size = len(lower)
        self.upper = np.asarray(upper, dtype=np.float64)
        if isinstance(rows, list):
            rows = SparseRows.of(rows)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.size, len(rows.sides)
        model.col_cost_ = np.full(self.size, standing_cost)
        model.col_lower_ = np.asarray(lower, dtype=np.float64)
        model.col_upper_ = np.asarray(upper, dtype=np.float64)
        model.row_lower_ = model.row_upper_ = rows.sides
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = rows.start
        model.a_matrix_.index_ = rows.column
        model.a_matrix_.value_ = rows.factor
        whole = np.broadcast_to(np.asarray(is_whole), (self.size,))
        if whole.any():
            kinds = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
            model.integrality_ = [kinds[0] if w else kinds[1] for w in whole]
        self._is_whole = bool(whole.any())
        self._engine = highspy.Highs()
        options = _OPTIONS | {"mip_rel_gap": gap} | (_FROM_A_FEASIBLE_CORNER if starts_feasible else {})
        for option, value in options.items():
            self._engine.setOptionValue(option, value)
        self._check(self._engine.passModel(model))
        self._standing_cost = standing_cost
        self._costed: list[int] = []

    def least(self, combination: dict[int, float]) -> Optimum:
        """Return the least value of a combination (variable -> coefficient).

        Raises Infeasible if no point exists.
        """
        for column in self._costed:
            if column not in combination:
                self._engine.changeColCost(column, self._standing_cost)
        for column, cost in combination.items():
            self._engine.changeColCost(column, cost)
        self._costed = list(combination)
        return self._answer(self._run())

    def greatest(self, combination: dict[int, float]) -> Optimum:
        """Return the greatest value of a combination of variables."""
        found = self.least({column: -cost for column, cost in combination.items()})
        return Optimum(-found.value, found.point)

    def binding(self) -> npt.NDArray[np.int64]:
        """Return the variables whose bounds limit the last answer: a wider bound would improve it."""
        duals = np.asarray(self._engine.getSolution().col_dual)
        return np.flatnonzero(np.abs(duals) > TOLERANCE).astype(np.int64)

    def set_bounds(self, column: int, lower: float, upper: float) -> None:
        """Change the bounds of a variable for all further programs."""
        self._check(self._engine.changeColBounds(column, lower, upper))

    def _run(self) -> Any:
        """Solve from the last basis; if that ends without an answer, once more without a basis."""
        self._check(self._engine.run())
        status = self._engine.getModelStatus()
        if status == highspy.HighsModelStatus.kUnknown:
            self._engine.clearSolver()
            self._check(self._engine.run())
            status = self._engine.getModelStatus()
        return status

    def _answer(self, status: Any) -> Optimum:
        kinds = highspy.HighsModelStatus
        if status == kinds.kOptimal:
            point = np.asarray(self._engine.getSolution().col_value)
            return Optimum(float(self._engine.getInfo().objective_function_value), point)
        if status == kinds.kInfeasible:
            raise Infeasible
        if status == kinds.kUnbounded:
            return Optimum(-np.inf, None)
        if status == kinds.kUnboundedOrInfeasible:
            return self._settle()
        raise not_optimal(self._engine.modelStatusToString(status))

    def _settle(self) -> Optimum:
        """Find out whether there is no bound or no solution, by solving without an objective."""
        for column in self._costed:
            self._engine.changeColCost(column, 0.0)
        status = self._run()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Infeasible
        if status != highspy.HighsModelStatus.kOptimal:
            raise not_optimal(self._engine.modelStatusToString(status))
        return Optimum(-np.inf, None)

    @staticmethod
    def _check(status: Any) -> None:
        if status == highspy.HighsStatus.kError:
            raise not_optimal("error")


def not_optimal(status: str) -> Refused:
    """Return the refusal for a solver that ended without an answer."""
    return Refused(
        "AUDIT_NOT_OPTIMAL",
        f"The disclosure audit's solver stopped with status {status}; nothing is proven.",
        "Run again; where it repeats, report the run's id. Nothing is released on an unproven audit.",
    )


_OPTIONS: dict[str, Any] = {
    "output_flag": False,
    "threads": 1,
    "mip_abs_gap": 1e-6,
    "random_seed": 1,
}
_FROM_A_FEASIBLE_CORNER: dict[str, Any] = {"presolve": "off", "simplex_strategy": 4}  # primal simplex
