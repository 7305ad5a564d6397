"""What each household brings to each cell: rows per household, ready to be summed.

Both units are brought to one form, so that one GROUPING SETS statement a unit counts everything:
for every population (a denominator) and every numerator the row holds the persons counted and the
sum of their record keys; it contributes one household where it counts any person.
"""

from dataclasses import dataclass, field

import duckdb

from pipeline.aggregate.condition import category_sql, condition_sql
from schemas.attribute import attributes_of
from schemas.condition import Condition, attributes_in
from schemas.dimension import dimensions
from schemas.measure import Measure

#: Record keys are summed modulo this (disclosure control, P3).
KEY_MODULUS = 4096

Breakdowns = tuple[tuple[str, ...], ...]


@dataclass
class ResidentCounts:
    """The conditions that measures and dimensions ask of a household's residents, one column each.

    columns: SQL condition over resident_base -> column of household_row.
    """

    columns: dict[str, str] = field(default_factory=dict)

    def __call__(self, where: Condition) -> str:
        """Return the column that counts the residents for whom a condition holds."""
        expression = condition_sql(where, self._nested)
        return self.columns.setdefault(expression, f"residents_with_{len(self.columns) + 1}")

    @staticmethod
    def _nested(_: Condition) -> str:
        raise TypeError("a condition on residents holds no condition on residents")


@dataclass(frozen=True)
class Count:
    """One count. name: prefix of its columns; condition: SQL over the unit's row."""

    name: str
    condition: str


@dataclass(frozen=True)
class Counts:
    """The counts of one unit: populations (denominators), numerators, and for residents complements.

    of: measure -> (population, numerator, complement), each the name of a Count; None where there is none.
    """

    listed: tuple[Count, ...]
    of: dict[str, tuple[str, str | None, str | None]]


def plan_counts(unit: str, chosen: tuple[Measure, ...], residents: ResidentCounts) -> Counts:
    """Return the counts of a unit; the resident counts they read are noted in `residents`.

    Measures with the same denominator share one population, named after the first of them.
    """
    populations: dict[str, str] = {}
    listed: dict[str, Count] = {}
    of: dict[str, tuple[str, str | None, str | None]] = {}
    for measure in chosen:
        included = condition_sql(measure.include, residents)
        if measure.count is None:
            inside, numerator, complement = included, None, None
        else:
            counted = condition_sql(measure.count, residents)
            inside = included if _is_always_known(measure) else f"({included} AND {counted} IS NOT NULL)"
            numerator = measure.name
            complement = f"{measure.name}_complement" if unit == "resident" else None
            listed[numerator] = Count(numerator, f"({inside} AND {counted})")
            if complement is not None:
                listed[complement] = Count(complement, f"({inside} AND NOT {counted})")
        population = populations.setdefault(inside, f"population_of_{measure.name}")
        listed.setdefault(population, Count(population, inside))
        of[measure.name] = (population, numerator, complement)
    return Counts(tuple(listed.values()), of)


def _is_always_known(measure: Measure) -> bool:
    """Answer whether a household measure asks of residents alone: how many they are is never null."""
    return measure.unit == "household" and not attributes_in(measure.count) & set(attributes_of("household"))


def dimensions_of(kind: str, breakdowns: Breakdowns) -> list[str]:
    """Return the dimensions in any breakdown that are of a household, or of a resident, by name."""
    return sorted({d for breakdown in breakdowns for d in breakdown if dimensions()[d].of == kind})


def build_household_row(
    connection: duckdb.DuckDBPyConnection, shared: list[str], residents: ResidentCounts
) -> None:
    """Create `household_row`: household_base, counts of its residents, and its category in each dimension."""
    categories = _categories(shared, residents)
    asked = "".join(
        f",\n        COUNT(*) FILTER ({expression}) AS {column}"
        for expression, column in residents.columns.items()
    )
    connection.execute(
        f"""
CREATE OR REPLACE TABLE household_row AS
WITH roster AS (
    SELECT
        household_id,
        COUNT(*) AS persons,
        SUM(person_key) AS person_keys{asked}
    FROM resident_base
    GROUP BY household_id
)
SELECT
    household_base.*,
    roster.* EXCLUDE (household_id){categories}
FROM household_base
JOIN roster
    ON roster.household_id = household_base.household_id
"""
    )


def build_contribution(
    connection: duckdb.DuckDBPyConnection, unit: str, counts: Counts, breakdowns: Breakdowns
) -> None:
    """Create `<unit>_contribution` from household_row and resident_base.

    One row per household, and for residents one per household and category of each set of the residents'
    own dimensions; `own` names that set, such as "age" ("" for none).
    """
    shared = dimensions_of("household", breakdowns)
    if unit == "household":
        _from_households(connection, counts, shared)
    else:
        _from_residents(connection, counts, shared, breakdowns)


def _from_households(connection: duckdb.DuckDBPyConnection, counts: Counts, shared: list[str]) -> None:
    columns = "".join(
        f",\n    CASE WHEN {count.condition} THEN persons ELSE 0 END AS {count.name}_persons"
        f",\n    CASE WHEN {count.condition} THEN person_keys ELSE 0 END AS {count.name}_person_keys"
        for count in counts.listed
    )
    connection.execute(
        f"""
CREATE OR REPLACE TABLE household_contribution AS
SELECT
    lsoa21,
    household_key,
    '' AS own{_names(shared)}{columns}
FROM household_row
"""
    )


def _from_residents(
    connection: duckdb.DuckDBPyConnection, counts: Counts, shared: list[str], breakdowns: Breakdowns
) -> None:
    own = dimensions_of("resident", breakdowns)
    own_sets = sorted({tuple(d for d in breakdown if d in own) for breakdown in breakdowns})
    conditions = "".join(f",\n        COALESCE({c.condition}, FALSE) AS is_{c.name}" for c in counts.listed)
    sums = "".join(
        f",\n        COUNT(*) FILTER (is_{c.name}) AS {c.name}_persons"
        f",\n        COALESCE(SUM(person_key) FILTER (is_{c.name}), 0) AS {c.name}_person_keys"
        for c in counts.listed
    )
    own_name = "".join(f", CASE WHEN dimension_{d} IS NOT NULL THEN '{d}' END" for d in own)
    sets = ", ".join(f"(household_id{_names(chosen)})" for chosen in own_sets)
    connection.execute(
        f"""
CREATE OR REPLACE TABLE resident_contribution AS
WITH judged AS (
    SELECT
        resident_base.household_id,
        resident_base.person_key{_categories(own, ResidentCounts())}{conditions}
    FROM resident_base
    JOIN household_row
        ON household_row.household_id = resident_base.household_id
),
summed AS (
    SELECT
        household_id{_names(own)}{sums}
    FROM judged
    GROUP BY GROUPING SETS ({sets})
)
SELECT
    household_row.lsoa21,
    household_row.household_key,
    concat_ws('+', NULL{own_name}) AS own{"".join(f", household_row.dimension_{d}" for d in shared)},
    summed.* EXCLUDE (household_id)
FROM summed
JOIN household_row
    ON household_row.household_id = summed.household_id
"""
    )


def _names(named: list[str] | tuple[str, ...]) -> str:
    return "".join(f", dimension_{d}" for d in named)


def _categories(named: list[str], residents: ResidentCounts) -> str:
    return "".join(f",\n    {category_sql(dimensions()[d], residents)} AS dimension_{d}" for d in named)
