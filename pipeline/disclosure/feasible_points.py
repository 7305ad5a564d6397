"""Feasible points: tables that agree with the published values. Each can widen the interval of hidden cells.

Two such tables with different values of a cell prove that the cell cannot be worked out exactly. A table that
was found can be used again as long as all cells in which it differs from the true values are hidden.
"""

from collections.abc import Iterable

import numpy as np

from pipeline.disclosure.audit.cell_system import CellId, CellSystem, Interval
from pipeline.disclosure.audit.solver import TOLERANCE, Numbers


class FeasiblePoints:
    """The tables found so far, and the least and greatest value of each wanted cell in them.

    system: the true values. wanted: the cells of which an interval is needed.
    """

    def __init__(self, system: CellSystem, wanted: Iterable[CellId]) -> None:
        self._true = {cell_id: float(value or 0) for cell_id, value in system.values.items()}
        self._column = {cell_id: column for column, cell_id in enumerate(dict.fromkeys(wanted))}
        self._truth = np.array([self._true[cell_id] for cell_id in self._column])
        self._values: list[Numbers] = []
        self._differs_in: list[frozenset[CellId]] = []
        self._hidden: frozenset[CellId] = frozenset()
        self._low, self._high = self._truth.copy(), self._truth.copy()

    def show_all_but(self, hidden: Iterable[CellId]) -> None:
        """Use only the tables in which all cells except these have their true values."""
        self._hidden = frozenset(hidden)
        self._low, self._high = self._truth.copy(), self._truth.copy()
        for values, differs_in in zip(self._values, self._differs_in, strict=True):
            if differs_in <= self._hidden:
                self._widen(values)

    def add(self, members: list[CellId], point: Numbers) -> None:
        """Add a table. members: the cells that may differ from the truth. point: their values."""
        values = self._truth.copy()
        differs_in = set()
        for cell_id, value in zip(members, point.tolist(), strict=True):
            if abs(value - self._true[cell_id]) > TOLERANCE:
                differs_in.add(cell_id)
                if cell_id in self._column:
                    values[self._column[cell_id]] = value
        if differs_in:
            self._values.append(values)
            self._differs_in.append(frozenset(differs_in))
            self._widen(values)

    def interval(self, cell_id: CellId) -> Interval:
        """Return the least and greatest value of a cell; the attacker's interval is at least as wide."""
        column = self._column[cell_id]
        return Interval(float(self._low[column]), float(self._high[column]))

    def _widen(self, values: Numbers) -> None:
        self._low = np.minimum(self._low, values)
        self._high = np.maximum(self._high, values)
