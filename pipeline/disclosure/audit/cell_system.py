"""Cells and the sums between them: reads the plain forms in which callers can supply them.

A relation states that a total is the sum of its parts. A cell id can be any hashable value.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, NamedTuple

from governance.errors import Fault

CellId = Hashable
#: id -> value, None if hidden; or (id, value) pairs; or records of two fields, an id and a value.
Cells = Mapping[CellId, float | None] | Iterable[Any]
#: total id -> part ids; or (total id, part ids) pairs; or records of two fields, a total and its parts.
#: A total with several breakdowns is listed once for each, or once with a list of lists of parts.
Relations = Mapping[CellId, Iterable[Any]] | Iterable[Any]

_ID = ("id", "cell_id", "cell")
_VALUE = ("value",)
_TOTAL = ("total", "total_id")
_PARTS = ("parts", "part_ids")


class Interval(NamedTuple):
    """Least and greatest possible value of a hidden cell; upper is `math.inf` if there is no limit."""

    lower: float
    upper: float


@dataclass(frozen=True)
class CellSystem:
    """Cells and their sums in one form.

    values: id -> value, None if hidden. relations: (total, parts); a part counts as often as it is listed.
    """

    values: dict[CellId, float | None]
    relations: tuple[tuple[CellId, tuple[CellId, ...]], ...]

    @property
    def is_whole(self) -> bool:
        """Answer whether every known value is a whole number, so that the cells are counts."""
        return all(value is None or value.is_integer() for value in self.values.values())


def read_system(cells: Cells, relations: Relations) -> CellSystem:
    """Return cells and relations in one form.

    Raises Fault if their form is not known, if two cells have the same id, or if a relation names a cell that
    is not among the cells.
    """
    values: dict[CellId, float | None] = {}
    for cell_id, value in (_pair(cell, _ID, _VALUE, "cell") for cell in _items(cells)):
        if not _is_id(cell_id):
            raise _not_understood("cell")
        if cell_id in values:
            raise Fault("CELL_TWICE", "A cell id occurs twice.", "Give every cell an id of its own.")
        values[cell_id] = _number(value)
    bound = tuple(
        (total, parts)
        for total, given in (_pair(r, _TOTAL, _PARTS, "relation") for r in _items(relations))
        for parts in _breakdowns(given, values)
    )
    unknown = {c for total, parts in bound for c in (total, *parts)} - set(values)
    if unknown:
        raise Fault(
            "RELATION_UNKNOWN_CELL",
            f"Relations name {len(unknown)} cells that are not among the cells.",
            "List every cell, hidden ones with None.",
        )
    return CellSystem(values, bound)


def read_ids(given: Any, values: Mapping[CellId, Any]) -> tuple[CellId, ...]:
    """Return cell ids from a collection of them, or from the id of a single cell."""
    if _is_id(given) and given in values:
        return (given,)
    return tuple(given)


def _items(given: Any) -> Iterable[Any]:
    return given.items() if isinstance(given, Mapping) else given


def _pair(item: Any, first: tuple[str, ...], second: tuple[str, ...], what: str) -> tuple[Any, Any]:
    """Return the two parts of a record: by field name if it has such fields, otherwise by order."""
    for one in first:
        for other in second:
            if isinstance(item, Mapping) and one in item and other in item:
                return item[one], item[other]
            if hasattr(item, one) and hasattr(item, other):
                return getattr(item, one), getattr(item, other)
    if is_dataclass(item):
        item = [getattr(item, field.name) for field in fields(item)]
    try:
        one, *others = item
    except TypeError:
        raise _not_understood(what) from None
    if isinstance(item, str | Mapping) or not others or (what == "cell" and len(others) > 1):
        raise _not_understood(what)
    return one, (others[0] if len(others) == 1 else others)


def _breakdowns(given: Any, values: Mapping[CellId, Any]) -> list[tuple[CellId, ...]]:
    """Return the parts of a total: one tuple per breakdown."""
    try:
        parts = read_ids(given, values)
        if parts and not any(_is_id(part) for part in parts):
            return [tuple(breakdown) for breakdown in parts]  # type: ignore[arg-type]
    except TypeError:
        raise _not_understood("relation") from None
    if not all(_is_id(part) for part in parts):
        raise _not_understood("relation")
    return [parts]


def _is_id(given: Any) -> bool:
    try:
        hash(given)
    except TypeError:
        return False
    return True


def _number(value: Any) -> float | None:
    """Return a value as a number; None if it is missing (None, NaN, pandas' NA)."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Fault(
            "CELL_VALUE_NOT_A_NUMBER",
            "The value of a cell is neither a number nor None.",
            "Give numbers; None marks a hidden cell.",
        ) from None
    if math.isinf(number):
        raise Fault("CELL_VALUE_NOT_A_NUMBER", "The value of a cell is infinite.", "Give finite numbers.")
    return None if math.isnan(number) else number


def _not_understood(what: str) -> Fault:
    forms = {
        "cell": "id -> value (None where hidden), (id, value) pairs, or records with `id` and `value`",
        "relation": "total -> parts, (total, parts) pairs, or records with `total` and `parts`",
    }
    return Fault(
        f"{what.upper()}_NOT_UNDERSTOOD", f"A {what} has none of the known forms.", f"Use {forms[what]}."
    )
