"""Neighbourhoods: which cells may move together when an audit looks for feasible points, few cells first.

If a hidden numerator moves, other cells of its measure move in the opposite direction, and complements make
up the difference to the denominators, which do not move. If a hidden denominator moves, its complements move
with it and numerators do not. So the cells of one measure, one MSOA and one breakdown are usually enough. If
not, coarser and finer breakdowns and the cells of the authority are added, then other MSOAs, then the
measures of which a count is within one of this measure, or contains one. The number of cells does not depend
on the number of areas, except in the last resort: a measure in its whole authority.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from pipeline.disclosure.audit.published_system import PublishedSystem, Whole

#: Number of other MSOAs that are added, one at a time.
_PARTNERS = 2

#: Measure group, block area (an MSOA, or an authority) and breakdown.
_Key = tuple[str, str, str]


class Neighbourhoods:
    """The cells of a system by measure group, block area and breakdown."""

    def __init__(self, system: PublishedSystem) -> None:
        self.system = system
        found: dict[_Key, list[int]] = defaultdict(list)
        for cell, (group, moved, area, breakdown) in enumerate(
            zip(system.measure_group, system.moves_with, system.block_area, system.breakdown, strict=True)
        ):
            found[group, area, breakdown].append(cell)
            if moved:
                found[moved, area, breakdown].append(cell)
        self._cells = {key: np.array(cells, dtype=np.int64) for key, cells in found.items()}
        self._breakdowns = sorted(set(system.breakdown))
        self._linked: dict[str, set[str]] = defaultdict(set)
        for group, moved in sorted(set(zip(system.measure_group, system.moves_with, strict=True))):
            if moved:
                self._linked[group].add(moved)
                self._linked[moved].add(group)
        self._areas: dict[str, list[str]] = defaultdict(list)
        for area, authority in sorted(set(zip(system.block_area, system.authority, strict=True))):
            if area != authority:
                self._areas[authority].append(area)

    def groups(self, targets: Whole) -> dict[_Key, Whole]:
        """Return key -> the targets that have this neighbourhood."""
        found: dict[_Key, list[int]] = defaultdict(list)
        system = self.system
        for cell in targets:
            found[system.measure_group[cell], system.block_area[cell], system.breakdown[cell]].append(
                int(cell)
            )
        return {key: np.array(cells, dtype=np.int64) for key, cells in found.items()}

    def widening(self, key: _Key) -> Iterator[Whole]:
        """Yield sets of cells around the targets of a key, from narrow to wide."""
        group, area, breakdown = key
        authority = str(self.system.authority[self._cells[key][0]])
        yield self._cells[key]
        related = [other for other in self._breakdowns if _is_related(other, breakdown)]
        others = [other for other in self._areas[authority] if other != area]
        start = others.index(min(others, key=lambda o: (o < area, o))) if others else 0
        partners = [others[(start + step) % len(others)] for step in range(min(_PARTNERS, len(others)))]
        yield self._union(group, {area, authority}, related)
        for partner in partners:
            yield self._union(group, {area, authority, partner}, related)
        yield self._union(group, {area, authority, *partners}, self._breakdowns)
        if self._linked[group]:
            linked = [
                self._union(other, {area, authority}, self._breakdowns) for other in self._around(group)
            ]
            yield np.unique(np.concatenate(linked))

    def _around(self, group: str) -> list[str]:
        """Return a measure group and those with a count that is within one of its counts, or contains one."""
        return sorted({group, *self._linked[group]})

    def widest(self, key: _Key) -> Whole:
        """Return all cells of a key's measure in its local authority: the last resort."""
        group, _, _ = key
        authority = str(self.system.authority[self._cells[key][0]])
        return self._union(group, {authority, *self._areas[authority]}, self._breakdowns)

    def _union(self, group: str, areas: set[str], breakdowns: list[str]) -> Whole:
        parts = [
            self._cells[group, area, breakdown]
            for area in sorted(areas)
            for breakdown in breakdowns
            if (group, area, breakdown) in self._cells
        ]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


def _is_related(one: str, other: str) -> bool:
    """Answer whether one breakdown is a margin of the other."""
    first, second = ({name for name in text.split("|") if name} for text in (one, other))
    return first <= second or second <= first
