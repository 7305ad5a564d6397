"""What each household brings to each cell: rows per household, ready to be summed.

Both units are brought to one form, so that one GROUPING SETS statement a unit counts everything:
for every population (a denominator) and every numerator the row holds the persons counted and the
sum of their record keys; it contributes one household where it counts any person.
"""

from dataclasses import dataclass

import duckdb

from pipeline.aggregate.condition import category_sql, condition_sql
from schemas.attribute import attributes_of, dimensions
from schemas.measure import Condition, Measure, attributes_in

#: Record keys are summed modulo this (disclosure control, P3).
KEY_MODULUS = 4096


@dataclass(frozen=True)
class Count:
    """One count: who belongs to it.

    name: column suffix; condition: SQL over the unit's row.
    """

    name: str
    condition: str


@dataclass(frozen=True)
class Counts:
    """The counts of one unit: populations (denominators), numerators, and for residents complements.

    of: measure -> (population, numerator, complement), each the name of a Count; None where there is none.
    """

    listed: tuple[Count, ...]
    of: dict[str, tuple[str, str | None, str | None]]


class _ResidentCounts:
    """Gathers the conditions on residents that household measures ask of."""

    def __init__(self) -> None:
        self.columns: dict[str, str] = {}

    def __call__(self, where: Condition) -> str:
        expression = condition_sql(where, self._never)
        return self.columns.setdefault(expression, f"residents_with_{len(self.columns) + 1}")

    @staticmethod
    def _never(_: Condition) -> str:
        raise AssertionError("a condition on residents holds no condition on residents")


def plan_counts(unit: str, chosen: tuple[Measure, ...]) -> tuple[Counts, dict[str, str]]:
    """Return the counts of a unit, and SQL condition -> column of the resident counts they read.

    Measures with the same denominator share one population, named after the first of them.
    """
    residents = _ResidentCounts()
    populations: dict[str, str] = {}
    listed: dict[str, Count] = {}
    of: dict[str, tuple[str, str | None, str | None]] = {}
    for measure in chosen:
        included = condition_sql(measure.include, residents)
        if measure.count is None:
            inside, numerator, complement = included, None, None
        else:
            counted = condition_sql(measure.count, residents)
            inside = included if _is_known(measure, unit) else f"({included} AND {counted} IS NOT NULL)"
            numerator = measure.name
            complement = f"{measure.name}_complement" if unit == "resident" else None
            listed[numerator] = Count(numerator, f"({inside} AND {counted})")
            if complement is not None:
                listed[complement] = Count(complement, f"({inside} AND NOT {counted})")
        population = populations.setdefault(inside, f"population_of_{measure.name}")
        listed.setdefault(population, Count(population, inside))
        of[measure.name] = (population, numerator, complement)
    return Counts(tuple(listed.values()), of), residents.columns


def _is_known(measure: Measure, unit: str) -> bool:
    """A household's number of residents with something is never null, so its denominator is all included."""
    if unit != "household" or measure.count is None:
        return False
    own = attributes_in(measure.count) & frozenset(attributes_of("household"))
    return not own


def build_contributions(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    counts: Counts,
    resident_columns: dict[str, str],
    breakdowns: tuple[tuple[str, ...], ...],
) -> None:
    """Create `<unit>_contribution` from household_base and resident_base.

    One row per household, and for residents one more per household and category of each set of the
    residents' own dimensions; `own` names that set, such as "age" ("" for none).
    """
    named = sorted({d for breakdown in breakdowns for d in breakdown})
    shared = [d for d in named if dimensions()[d].of == "household"]
    if unit == "household":
        _from_households(connection, counts, resident_columns, shared)
    else:
        own = [d for d in named if dimensions()[d].of == "resident"]
        own_sets = sorted({tuple(d for d in breakdown if d in own) for breakdown in breakdowns})
        _from_residents(connection, counts, shared, own, own_sets)


def _from_households(
    connection: duckdb.DuckDBPyConnection,
    counts: Counts,
    resident_columns: dict[str, str],
    shared: list[str],
) -> None:
    asked = "".join(
        f",\n        COUNT(*) FILTER ({sql}) AS {column}" for sql, column in resident_columns.items()
    )
    columns = "".join(
        f",\n    CASE WHEN {count.condition} THEN persons ELSE 0 END AS {count.name}_persons"
        f",\n    CASE WHEN {count.condition} THEN person_keys ELSE 0 END AS {count.name}_person_keys"
        for count in counts.listed
    )
    connection.execute(
        f"""
CREATE OR REPLACE TABLE household_contribution AS
WITH roster AS (
    SELECT
        household_id,
        COUNT(*) AS persons,
        SUM(person_key) AS person_keys{asked}
    FROM resident_base
    GROUP BY household_id
)
SELECT
    household_base.lsoa21,
    household_base.household_key,
    '' AS own{_categories(shared)}{columns}
FROM household_base
JOIN roster
    ON roster.household_id = household_base.household_id
"""
    )


def _from_residents(
    connection: duckdb.DuckDBPyConnection,
    counts: Counts,
    shared: list[str],
    own: list[str],
    own_sets: list[tuple[str, ...]],
) -> None:
    conditions = "".join(f",\n        COALESCE({c.condition}, FALSE) AS is_{c.name}" for c in counts.listed)
    sums = "".join(
        f",\n        COUNT(*) FILTER (is_{c.name}) AS {c.name}_persons"
        f",\n        COALESCE(SUM(person_key) FILTER (is_{c.name}), 0) AS {c.name}_person_keys"
        for c in counts.listed
    )
    own_columns = "".join(f",\n        dimension_{d}" for d in own)
    own_name = "".join(f", CASE WHEN dimension_{d} IS NOT NULL THEN '{d}' END" for d in own)
    sets = ", ".join(
        f"({', '.join(['household_id', *(f'dimension_{d}' for d in chosen)])})" for chosen in own_sets
    )
    connection.execute(
        f"""
CREATE OR REPLACE TABLE resident_contribution AS
WITH judged AS (
    SELECT
        resident_base.household_id,
        resident_base.person_key{_categories(own)}{conditions}
    FROM resident_base
    JOIN household_base
        ON household_base.household_id = resident_base.household_id
),
summed AS (
    SELECT
        household_id{own_columns}{sums}
    FROM judged
    GROUP BY GROUPING SETS ({sets})
)
SELECT
    summed.* EXCLUDE (household_id),
    concat_ws('+', NULL{own_name}) AS own,
    household_base.lsoa21,
    household_base.household_key{_categories(shared)}
FROM summed
JOIN household_base
    ON household_base.household_id = summed.household_id
"""
    )


def _categories(named: list[str]) -> str:
    return "".join(f",\n    {category_sql(dimensions()[d])} AS dimension_{d}" for d in named)
