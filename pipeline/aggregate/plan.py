"""The plan of a run: which registered tables, measures and breakdowns it can count.

A table that the agreement does not name, or a measure or dimension that needs an attribute no extract
supplies or whose window is not covered, is not produced. Nor is a measure whose status is known of too few
(see `coverage`). Each is listed with the reason, and never counted as zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from governance.counted import counted, percent
from schemas.attribute import UNITS
from schemas.condition import attributes_in
from schemas.dimension import dimensions
from schemas.magnitude import magnitudes
from schemas.measure import Measure, measures
from schemas.table import Table


@dataclass(frozen=True)
class NotProduced:
    """A registered table, or one measure of it, that the run does not produce.

    measure: None for the whole table. missing: attributes that no extract supplies. known_share: coverage of
    the measure, if it is too low. uncovered: attributes whose window the extracts do not cover. Without any
    of them, the agreement does not name the table.
    """

    table_id: str
    measure: str | None
    reason: str
    missing: tuple[str, ...] = ()
    known_share: float | None = None
    uncovered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The tables to count, with only the measures that can be counted, and what is not produced.

    complete: attributes that are known of every household or resident.
    """

    tables: tuple[Table, ...]
    not_produced: tuple[NotProduced, ...]
    complete: frozenset[str] = frozenset()

    def measures_of(self, unit: str) -> tuple[Measure, ...]:
        """Return every measure of a unit that a table needs, by name."""
        names = {name for table in self.tables if table.unit == unit for name in table.measures}
        return tuple(measures()[name] for name in sorted(names))

    def breakdowns_of(self, unit: str) -> tuple[tuple[str, ...], ...]:
        """Return every combination of dimensions that a table of a unit needs."""
        return tuple(sorted({table.dimensions for table in self.tables if table.unit == unit}))

    def amounts_of(self, unit: str) -> tuple[str, ...]:
        """Return the attributes of a unit whose amounts a table adds up or ranks, by name."""
        named = {name for table in self.tables if table.unit == unit for name in table.magnitudes}
        return tuple(sorted({magnitudes()[name].of for name in named}))

    @property
    def units(self) -> tuple[str, ...]:
        """The units that the tables count."""
        return tuple(unit for unit in UNITS if any(table.unit == unit for table in self.tables))

    def not_produced_in_words(self) -> str:
        """Return a sentence: how many tables and measures were not produced, and for which reasons."""
        missing = sorted({name for left_out in self.not_produced for name in left_out.missing})
        without_attribute = sum(bool(left_out.missing) for left_out in self.not_produced)
        little_known = [n for n in self.not_produced if n.known_share is not None]
        uncovered = sorted({name for left_out in self.not_produced for name in left_out.uncovered})
        without_window = sum(bool(left_out.uncovered) for left_out in self.not_produced)
        not_named = len(self.not_produced) - without_attribute - without_window - len(little_known)
        reasons = []
        if not_named:
            reasons.append(f"{counted(not_named, 'is', 'are')} not named in the agreement")
        if without_attribute:
            needs = counted(without_attribute, "needs", "need")
            reasons.append(f"{needs} columns that your extracts lack ({', '.join(missing)})")
        if little_known:
            shares = {n.measure: n.known_share for n in little_known}
            named = ", ".join(f"{name} {percent(share or 0)}" for name, share in sorted(shares.items()))
            are_known = counted(len(little_known), "is known", "are known")
            reasons.append(f"{are_known} of too few households or residents ({named})")
        if without_window:
            needs = counted(without_window, "needs", "need")
            reasons.append(f"{needs} a period that your extracts do not cover ({', '.join(uncovered)})")
        if not reasons:
            return "all tables were produced"
        left_out = counted(len(self.not_produced), "table or measure was", "tables or measures were")
        return f"{left_out} not produced: {', '.join(reasons)}"


def make_plan(
    registered: Mapping[str, Table],
    agreed: tuple[str, ...],
    known: frozenset[str],
    complete: frozenset[str] = frozenset(),
    withheld: Mapping[str, str] | None = None,
) -> Plan:
    """Compare the registered tables with the agreement's outputs and with the attributes that have values.

    known, complete: names of the household and resident attributes that are known of at least one household
    or resident, and of every one. withheld: attributes whose window is not covered, with the reason.
    """
    uncovered = withheld or {}
    produced: list[Table] = []
    left_out: list[NotProduced] = []
    for table in registered.values():
        if table.table_id not in agreed:
            reason = "the agreement does not name it among its outputs"
            left_out.append(NotProduced(table.table_id, None, reason))
            continue
        needed = frozenset().union(*(dimensions()[d].attributes for d in table.dimensions))
        if needed - known or needed & uncovered.keys():
            left_out.append(_left_out(table.table_id, None, needed, known, uncovered))
            continue
        chosen = []
        for name in table.measures:
            used = _attributes_of(measures()[name])
            if used - known or used & uncovered.keys():
                left_out.append(_left_out(table.table_id, name, used, known, uncovered))
            else:
                chosen.append(name)
        if chosen:
            produced.append(with_measures(table, tuple(chosen)))
    return Plan(tuple(produced), tuple(left_out), complete)


def with_measures(table: Table, chosen: tuple[str, ...]) -> Table:
    """Return a table with only these measures, and the magnitudes that are among them."""
    amounts = tuple(name for name in table.magnitudes if magnitudes()[name].among in chosen)
    return replace(table, measures=chosen, magnitudes=amounts)


def _attributes_of(measure: Measure) -> frozenset[str]:
    return attributes_in(measure.include) | attributes_in(measure.count)


def _left_out(
    table_id: str,
    measure: str | None,
    used: frozenset[str],
    known: frozenset[str],
    uncovered: Mapping[str, str],
) -> NotProduced:
    if outside := tuple(sorted(used & uncovered.keys())):
        reason = "; ".join(dict.fromkeys(uncovered[name] for name in outside))
        return NotProduced(table_id, measure, reason, uncovered=outside)
    missing = tuple(sorted(used - known))
    return NotProduced(table_id, measure, f"no extract supplies {', '.join(missing)}", missing)
