"""Witnesses: tables that fit what is shown, each of which proves something of every hidden cell at once.

Two tables in which a cell differs prove that it is not exact. A table stays a witness for as long as
the cells in which it departs from the truth are hidden.
"""

from collections.abc import Iterable

import numpy as np

from pipeline.disclosure.audit.cell_system import CellId, CellSystem, Interval
from pipeline.disclosure.audit.solver import TOLERANCE, Numbers


class FeasiblePoints:
    """Tables found so far, for the cells asked about.

    system: the true values. asked: the cells whose intervals are wanted.
    """

    def __init__(self, system: CellSystem, asked: Iterable[CellId]) -> None:
        self._true = {cell_id: float(value or 0) for cell_id, value in system.values.items()}
        self._column = {cell_id: column for column, cell_id in enumerate(dict.fromkeys(asked))}
        self._truth = np.array([self._true[cell_id] for cell_id in self._column])
        self._values: list[Numbers] = []
        self._departs_in: list[frozenset[CellId]] = []
        self._hidden: frozenset[CellId] = frozenset()
        self._low, self._high = self._truth.copy(), self._truth.copy()

    def show_all_but(self, hidden: Iterable[CellId]) -> None:
        """Keep to the tables that agree with the truth in all cells but these."""
        self._hidden = frozenset(hidden)
        self._low, self._high = self._truth.copy(), self._truth.copy()
        for values, departs_in in zip(self._values, self._departs_in, strict=True):
            if departs_in <= self._hidden:
                self._widen(values)

    def add(self, members: list[CellId], point: Numbers) -> None:
        """Add a table that departs from the truth in some hidden cells: the members, with their values."""
        values = self._truth.copy()
        departs_in = set()
        for cell_id, value in zip(members, point.tolist(), strict=True):
            if abs(value - self._true[cell_id]) > TOLERANCE:
                departs_in.add(cell_id)
                if cell_id in self._column:
                    values[self._column[cell_id]] = value
        if departs_in:
            self._values.append(values)
            self._departs_in.append(frozenset(departs_in))
            self._widen(values)

    def interval(self, cell_id: CellId) -> Interval:
        """Return how far the tables move a cell; the attacker's interval is at least as wide."""
        column = self._column[cell_id]
        return Interval(float(self._low[column]), float(self._high[column]))

    def _widen(self, values: Numbers) -> None:
        self._low = np.minimum(self._low, values)
        self._high = np.maximum(self._high, values)
