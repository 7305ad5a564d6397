"""Cells and the sums that bind them, in whatever plain form they come.

A relation says that a total is the sum of its parts. Cells are named by ids of any
hashable kind.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from governance.errors import Fault

CellId = Hashable
#: id -> value, None where hidden; or (id, value) pairs; or records with `id` and `value`.
Cells = Mapping[CellId, float | None] | Iterable[Any]
#: total id -> part ids; or (total id, part ids) pairs; or records with `total` and `parts`.
Relations = Mapping[CellId, Iterable[CellId]] | Iterable[Any]


class Interval(NamedTuple):
    """Least and greatest value a hidden cell can have; `math.inf` where there is no greatest."""

    lower: float
    upper: float


@dataclass(frozen=True)
class CellSystem:
    """values: id -> value or None. relations: (total, parts), parts counted as often as they are named."""

    values: dict[CellId, float | None]
    relations: tuple[tuple[CellId, tuple[CellId, ...]], ...]

    @property
    def is_whole(self) -> bool:
        """Answer whether every known value is a whole number, so that the cells are counts."""
        return all(value is None or float(value).is_integer() for value in self.values.values())


def read_system(cells: Cells, relations: Relations) -> CellSystem:
    """Return cells and relations in one form.

    Raises Fault where an id stands twice or a relation names a cell that is not there.
    """
    listed = [_pair(cell, "id", "value") for cell in _items(cells)]
    values: dict[CellId, float | None] = {}
    for cell_id, value in listed:
        if cell_id in values:
            raise Fault("CELL_TWICE", "A cell id stands twice.", "Give every cell an id of its own.")
        values[cell_id] = None if value is None or value != value else value
    bound = tuple(
        (total, tuple(parts)) for total, parts in (_pair(r, "total", "parts") for r in _items(relations))
    )
    unknown = {c for total, parts in bound for c in (total, *parts)} - set(values)
    if unknown:
        raise Fault(
            "RELATION_UNKNOWN_CELL",
            f"Relations name {len(unknown)} cells that are not among the cells.",
            "List every cell, hidden ones with None.",
        )
    return CellSystem(values, bound)


def _items(given: Any) -> Iterable[Any]:
    return given.items() if isinstance(given, Mapping) else given


def _pair(item: Any, first: str, second: str) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        return item[first], item[second]
    if hasattr(item, first) and hasattr(item, second):
        return getattr(item, first), getattr(item, second)
    one, other = item
    return one, other
