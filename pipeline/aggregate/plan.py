"""What one run can count: which registered tables, measures and breakdowns its extracts fill.

A table that is not in the agreement, or a measure or dimension whose attributes no extract
supplied, is not produced; it is named with its reason and never becomes a zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.attribute import UNITS
from schemas.condition import attributes_in
from schemas.dimension import dimensions
from schemas.magnitude import magnitudes
from schemas.measure import Measure, measures
from schemas.table import Table


@dataclass(frozen=True)
class NotProduced:
    """A registered table, or one measure of it, that the run leaves out; `measure` None for all of it."""

    table_id: str
    measure: str | None
    reason: str


@dataclass(frozen=True)
class Plan:
    """The tables to fill (their measures cut down to what can be counted) and what is left out.

    complete: attributes known of every household or resident.
    """

    tables: tuple[Table, ...]
    not_produced: tuple[NotProduced, ...]
    complete: frozenset[str] = frozenset()

    def measures_of(self, unit: str) -> tuple[Measure, ...]:
        """Return every measure of a unit that some table needs, by name."""
        names = {name for table in self.tables if table.unit == unit for name in table.measures}
        return tuple(measures()[name] for name in sorted(names))

    def breakdowns_of(self, unit: str) -> tuple[tuple[str, ...], ...]:
        """Return every combination of dimensions that some table of a unit needs."""
        return tuple(sorted({table.dimensions for table in self.tables if table.unit == unit}))

    def amounts_of(self, unit: str) -> tuple[str, ...]:
        """Return the attributes of a unit whose amounts some table adds up or ranks, by name."""
        named = {name for table in self.tables if table.unit == unit for name in table.magnitudes}
        return tuple(sorted({magnitudes()[name].of for name in named}))

    @property
    def units(self) -> tuple[str, ...]:
        """Units that some table counts."""
        return tuple(unit for unit in UNITS if any(table.unit == unit for table in self.tables))


def make_plan(
    registered: Mapping[str, Table],
    agreed: tuple[str, ...],
    known: frozenset[str],
    complete: frozenset[str] = frozenset(),
) -> Plan:
    """Match the registry with the agreement's outputs and the attributes that hold any value.

    known, complete: names of the household and resident attributes known of somebody, and of everybody.
    """
    produced: list[Table] = []
    left_out: list[NotProduced] = []
    for table in registered.values():
        reason = _missing(table, agreed, known)
        if reason is not None:
            left_out.append(NotProduced(table.table_id, None, reason))
            continue
        chosen = []
        for name in table.measures:
            absent = sorted(_attributes_of(measures()[name]) - known)
            if absent:
                left_out.append(NotProduced(table.table_id, name, _not_supplied(absent)))
            else:
                chosen.append(name)
        if chosen:
            produced.append(
                Table(
                    table.table_id,
                    table.title,
                    table.unit,
                    tuple(chosen),
                    table.dimensions,
                    table.area_levels,
                    table.structural_zeros,
                    table.sensitive,
                    tuple(name for name in table.magnitudes if magnitudes()[name].among in chosen),
                )
            )
    return Plan(tuple(produced), tuple(left_out), complete)


def _missing(table: Table, agreed: tuple[str, ...], known: frozenset[str]) -> str | None:
    if table.table_id not in agreed:
        return "the agreement does not name it among its outputs"
    absent = sorted(frozenset().union(*(dimensions()[d].attributes for d in table.dimensions)) - known)
    return _not_supplied(absent) if absent else None


def _attributes_of(measure: Measure) -> frozenset[str]:
    return attributes_in(measure.include) | attributes_in(measure.count)


def _not_supplied(attributes: list[str]) -> str:
    return f"no extract supplies {', '.join(attributes)}"
