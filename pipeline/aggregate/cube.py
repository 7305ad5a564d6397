"""The cube: every breakdown of a unit's measures by LSOA, with GROUPING SETS; summed to larger areas later.

Measures with the same breakdowns are a family, which one statement counts; each measure is then added only
to the tables that it is registered for. A household is in one LSOA, so distinct households and persons add
up over areas, and so do sums of record keys modulo 4096.
"""

from dataclasses import dataclass

import duckdb

from pipeline.aggregate.contribution import KEY_MODULUS, POPULATION, Breakdowns, Counts, unpacked
from schemas.dimension import dimensions
from schemas.table import Table

#: The roles in which a cell counts households and persons.
ROLES = ("denominator", "numerator", "complement")
#: The quantities of each role: distinct contributors, and the sums of their record keys.
QUANTITIES = ("households", "persons", "household_key", "person_key")


@dataclass(frozen=True)
class Family:
    """Measures of one unit that have the same breakdowns."""

    unit: str
    measures: tuple[str, ...]
    breakdowns: Breakdowns

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Every dimension of any breakdown, by name."""
        return tuple(sorted({d for breakdown in self.breakdowns for d in breakdown}))

    def grouping(self, breakdown: tuple[str, ...]) -> int:
        """Return the value of GROUPING() over the dimensions in the rows of a breakdown."""
        return sum(2**bit for bit, d in enumerate(reversed(self.dimensions)) if d not in breakdown)


def families_of(tables: tuple[Table, ...], unit: str) -> tuple[Family, ...]:
    """Return the families of a unit: its measures, grouped by the breakdowns that their tables need."""
    needed: dict[str, set[tuple[str, ...]]] = {}
    for table in tables:
        if table.unit == unit:
            for measure in table.measures:
                needed.setdefault(measure, set()).add(table.dimensions)
    by_breakdowns: dict[Breakdowns, list[str]] = {}
    for measure, breakdowns in sorted(needed.items()):
        by_breakdowns.setdefault(tuple(sorted(breakdowns)), []).append(measure)
    return tuple(Family(unit, tuple(names), breakdowns) for breakdowns, names in by_breakdowns.items())


def insert_family(
    connection: duckdb.DuckDBPyConnection, family: Family, counts: Counts, tables: tuple[Table, ...]
) -> None:
    """Count a family and add its rows to `count_by_lsoa`, one per table, measure, LSOA and category."""
    named = list(dict.fromkeys(name for m in family.measures for name in counts.of[m] if name is not None))
    if family.unit == "household":
        _sum_packs(connection, "cube", "household_contribution", family, family.breakdowns, named)
    else:
        _sum_residents(connection, family, named)
    for table in tables:
        for measure in table.measures if table.unit == family.unit else ():
            if measure in family.measures:
                connection.execute(_insertion(table, measure, family, counts))


def _sum_packs(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    source: str,
    family: Family,
    breakdowns: Breakdowns,
    named: list[str],
) -> None:
    """Create a table of packed sums: one row per breakdown, LSOA and category.

    Column `breakdown` is the breakdown's number (see `Family.grouping`).
    """
    sums = "".join(f",\n    SUM(pack) FILTER (is_{name}) AS {name}" for name in named)
    sets = ", ".join(f"(lsoa_id{_columns(breakdown)})" for breakdown in breakdowns)
    present = {d for breakdown in breakdowns for d in breakdown}
    listed = "".join(f", dimension_{d} AS dimension_{d}" for d in family.dimensions if d in present)
    absent = "".join(f", NULL AS dimension_{d}" for d in family.dimensions if d not in present)
    bits = " + ".join(
        f"GROUPING(dimension_{d}) * {2**bit}" if d in present else str(2**bit)
        for bit, d in enumerate(reversed(family.dimensions))
    )
    any_count = " OR ".join(f"is_{name}" for name in named)
    connection.execute(
        f"""
CREATE OR REPLACE TABLE {table} AS
SELECT
    lsoa_id,
    {bits or "0"} AS breakdown{listed}{absent}{sums}
FROM {source}
WHERE {any_count}
GROUP BY GROUPING SETS ({sets})
"""
    )


def _sum_residents(connection: duckdb.DuckDBPyConnection, family: Family, named: list[str]) -> None:
    """Sum the residents, and separately the distinct households in which any of them is counted.

    A household counts once in each category of its residents' own dimensions. So its residents are first
    grouped by household, for each set of these dimensions.
    """
    _sum_packs(connection, "cube", "resident_contribution", family, family.breakdowns, named)
    for own in sorted({_own(breakdown) for breakdown in family.breakdowns}):
        shared = [d for d in family.dimensions if dimensions()[d].of == "household"]
        flags = "".join(f", BOOL_OR(is_{name}) AS is_{name}" for name in named)
        any_count = " OR ".join(f"is_{name}" for name in named)
        connection.execute(
            f"""
CREATE OR REPLACE TABLE counted_household AS
WITH by_household AS (
    SELECT household_id{_columns(own)}{flags}
    FROM resident_contribution
    WHERE {any_count}
    GROUP BY household_id{_columns(own)}
)
SELECT by_household.*, household_row.lsoa_id, household_row.household_pack AS pack{_columns(tuple(shared))}
FROM by_household
JOIN household_row
    ON household_row.household_id = by_household.household_id
"""
        )
        breakdowns = tuple(b for b in family.breakdowns if _own(b) == own)
        _sum_packs(connection, "household_cube", "counted_household", family, breakdowns, named)
        columns = ", ".join(["lsoa_id", "breakdown", *(f"dimension_{d}" for d in family.dimensions), *named])
        connection.execute(f"INSERT INTO cube ({columns}) SELECT {columns} FROM household_cube")


def _insertion(table: Table, measure: str, family: Family, counts: Counts) -> str:
    """SQL: the rows of one table and measure, from `cube` into `count_by_lsoa`."""
    population, numerator, complement = counts.of[measure]
    label = population.removeprefix(POPULATION)
    categories = [category_name(d) for d in table.dimensions] + ["NULL"] * (2 - len(table.dimensions))
    roles = [_quantities(population), _quantities(numerator), _complement(population, numerator, complement)]
    sums = ", ".join(f"SUM({name}) AS {name}" for name in {population, numerator, complement} - {None})
    return f"""
INSERT INTO count_by_lsoa
WITH added AS (
    SELECT lsoa_id{_columns(table.dimensions)}, {sums}
    FROM cube
    WHERE breakdown = {family.grouping(table.dimensions)}
    GROUP BY lsoa_id{_columns(table.dimensions)}
)
SELECT
    '{table.table_id}', '{measure}', '{label}', lsoa_id, {", ".join(categories)}, {", ".join(roles)}
FROM added
WHERE {population} IS NOT NULL
"""


def _own(breakdown: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(d for d in breakdown if dimensions()[d].of == "resident")


def _columns(named: tuple[str, ...]) -> str:
    return "".join(f", dimension_{d}" for d in named)


def category_name(name: str) -> str:
    """SQL: the name of a row's category in a dimension."""
    listed = ", ".join(f"'{category}'" for category in dimensions()[name].categories)
    return f"list_extract([{listed}], dimension_{name} + 1)"


def _quantities(name: str | None) -> str:
    """SQL: the quantities of one count; all null if there is none."""
    if name is None:
        return ", ".join("NULL" for _ in QUANTITIES)
    return ", ".join(unpacked(f"COALESCE({name}, 0)", quantity) for quantity in QUANTITIES)


def _complement(population: str, numerator: str | None, complement: str | None) -> str:
    """SQL: the quantities of the complement; without a count of its own, population less numerator."""
    if complement is not None or numerator is None:
        return _quantities(complement)
    differences = []
    for quantity in QUANTITIES:
        whole, counted = (unpacked(f"COALESCE({name}, 0)", quantity) for name in (population, numerator))
        of_keys = f"({whole} - {counted} + {KEY_MODULUS}) % {KEY_MODULUS}"
        differences.append(of_keys if quantity.endswith("_key") else f"{whole} - {counted}")
    return ", ".join(differences)
