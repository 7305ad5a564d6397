"""Coverage: of how many of its households or residents the status that a measure counts is known.

A rate describes only those of known status. If too few are known, they are often not like the others: fewer
people on a benefits list work than people on no list. The agreement states the lowest share
(`minimum_coverage`). A measure below it is not produced, and the reason is listed.

Coverage is of the whole run and never of an area. It is published in hundredths, and only where a hundredth
is ten or more, so it does not show how one household changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from governance.counted import percent
from pipeline.aggregate.condition import condition_sql
from pipeline.aggregate.contribution import ResidentCounts, resident_count_sql
from pipeline.aggregate.plan import NotProduced, Plan, with_measures
from schemas.measure import Measure

#: The fewest that a measure must include for its coverage to be published: a hundredth of them is ten.
LEAST_PUBLISHED = 1000


@dataclass(frozen=True)
class Coverage:
    """How many households or residents a measure includes, and of how many of these its status is known.

    If it is not known whether someone is included, they count as included and not known.
    """

    included: int
    known: int

    @property
    def share(self) -> float:
        """The share that is known, 0 to 1, in hundredths rounded down; 1 if no one is included."""
        return 100 * self.known // self.included / 100 if self.included else 1.0


def measure_coverage(connection: duckdb.DuckDBPyConnection, plan: Plan) -> dict[str, Coverage]:
    """Return measure -> coverage, of every measure with a numerator.

    Reads household and household_member of the household stage.
    """
    found: dict[str, Coverage] = {}
    for unit in plan.units:
        chosen = [measure for measure in plan.measures_of(unit) if measure.count is not None]
        if chosen:
            found |= _of_unit(connection, unit, chosen)
    return found


def leave_out_unknown(plan: Plan, coverage: Mapping[str, Coverage], minimum: float) -> Plan:
    """Return the plan without the measures that are known of less than the agreed share; they are listed."""
    low = {name: found.share for name, found in coverage.items() if found.share < minimum}
    kept, left_out = [], list(plan.not_produced)
    for table in plan.tables:
        left_out += [
            NotProduced(table.table_id, name, _reason(name, low[name], minimum), known_share=low[name])
            for name in table.measures
            if name in low
        ]
        remaining = tuple(name for name in table.measures if name not in low)
        if remaining:
            kept.append(with_measures(table, remaining))
    return replace(plan, tables=tuple(kept), not_produced=tuple(left_out))


def record_coverage(
    connection: duckdb.DuckDBPyConnection, coverage: Mapping[str, Coverage], plan: Plan
) -> None:
    """Add to `basis` the coverage of each measure, and each measure or table that is left out, with the
    reason.

    A measure is left out for its coverage or its window, a table for the window of a dimension. The
    attributes of a window that is not covered (aspect `withheld` of the household stage) are removed: these
    rows state what follows from them.
    """
    shown = {name: found.share for name, found in coverage.items() if found.included >= LEAST_PUBLISHED}
    left_out = {n.measure: n.reason for n in plan.not_produced if n.measure and n.known_share is not None}
    reasons = {
        name: reason if name in shown else "its status is known of too few"
        for name, reason in left_out.items()
    }
    reasons |= {n.measure or n.table_id: n.reason for n in plan.not_produced if n.uncovered}
    rows = [("coverage", name, f"{share:.2f}") for name, share in sorted(shown.items())]
    rows += [("not_produced", name, reason) for name, reason in sorted(reasons.items())]
    connection.execute("DELETE FROM basis WHERE aspect = 'withheld'")
    if rows:
        connection.executemany("INSERT INTO basis VALUES (?, ?, ?)", rows)


def _reason(name: str, share: float, minimum: float) -> str:
    return (
        f"the status of {name} is known for {percent(share)} of those it includes; the agreement's minimum "
        f"is {percent(minimum)}"
    )


def source_of(unit: str, residents: ResidentCounts) -> str:
    """SQL: the rows of a unit with what its conditions read. residents: the counts that they need."""
    if unit == "resident":
        return (
            "household JOIN (SELECT * EXCLUDE (standing) FROM household_member) USING (household_pseudonym)"
        )
    counts = "".join(
        f", {resident_count_sql(expression)} AS {column}" for expression, column in residents.columns.items()
    )
    return f"""
        household JOIN (
            SELECT household_pseudonym{counts} FROM household_member GROUP BY household_pseudonym
        ) AS roster USING (household_pseudonym)"""


def _of_unit(connection: duckdb.DuckDBPyConnection, unit: str, chosen: list[Measure]) -> dict[str, Coverage]:
    residents = ResidentCounts()
    figures = []
    for measure in chosen:
        included = condition_sql(measure.include, residents)
        counted = condition_sql(measure.count, residents) if measure.count is not None else "NULL"
        figures.append(f"COUNT(*) FILTER (({included}) IS DISTINCT FROM FALSE)")
        figures.append(f"COUNT(*) FILTER (({included}) AND ({counted}) IS NOT NULL)")
    row = connection.execute(
        f"SELECT {', '.join(figures)} FROM {source_of(unit, residents)} "
        "WHERE household.standing = 'household'"
    ).fetchall()[0]
    pairs = zip(chosen, row[::2], row[1::2], strict=True)
    return {measure.name: Coverage(included, known) for measure, included, known in pairs}
