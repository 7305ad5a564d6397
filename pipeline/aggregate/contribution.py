"""Contributions: the counts that each household or resident is in, and its category in each dimension.

A count is a flag and a category a small whole number, so that the sums read narrow rows. What a row adds to
a count is one packed number of households, persons and the sums of their record keys.
"""

from dataclasses import dataclass, field

import duckdb

from pipeline.aggregate.condition import category_sql, condition_sql
from schemas.condition import Condition, attributes_in
from schemas.dimension import dimensions
from schemas.measure import Measure

#: Record keys are summed modulo this (disclosure control, P3).
KEY_MODULUS = 4096

#: Bits of each quantity in a packed sum, lowest first. An LSOA has fewer than 2^24 households, 2^27 persons.
PACKED_BITS = {"household_key": 36, "households": 24, "person_key": 36, "persons": 27}
#: Flags in one number of a row's mask.
_MASK_BITS = 60

#: Prefix of the columns of denominators; columns of numerators have the measure's name.
POPULATION = "population_of_"

Breakdowns = tuple[tuple[str, ...], ...]


@dataclass
class ResidentCounts:
    """The conditions on a household's residents in measures and dimensions; each is one column of counts.

    columns: SQL condition on a row of resident_base -> column of household_row.
    """

    columns: dict[str, str] = field(default_factory=dict)

    def __call__(self, where: Condition) -> str:
        """Return the name of the column with the number of residents who meet a condition."""
        expression = condition_sql(where, self._nested)
        return self.columns.setdefault(expression, f"residents_with_{len(self.columns) + 1}")

    @staticmethod
    def _nested(_: Condition) -> str:
        raise TypeError("a condition on residents must not contain another condition on residents")


@dataclass(frozen=True)
class Count:
    """One count. name: of its column. condition: SQL, which rows of the unit are counted."""

    name: str
    condition: str


@dataclass(frozen=True)
class Counts:
    """The counts of one unit: populations (denominators) and numerators, and complements for residents.

    of: measure -> (population, numerator, complement), each the name of a Count or None.
    """

    listed: tuple[Count, ...]
    of: dict[str, tuple[str, str | None, str | None]]


def plan_counts(
    unit: str, chosen: tuple[Measure, ...], residents: ResidentCounts, complete: frozenset[str]
) -> Counts:
    """Return the counts of a unit; the resident counts that they read are added to `residents`.

    Measures with the same denominator share one population. Its name is that of the measure that counts it;
    else the unit, if the population is every household or resident; else the first of the measures.
    complete: attributes that are known of every household or resident.
    """
    populations: dict[str, str] = {}
    listed: dict[str, Count] = {}
    of: dict[str, tuple[str, str | None, str | None]] = {}
    for measure in sorted(chosen, key=lambda m: (m.count is not None, m.name)):
        included = condition_sql(measure.include, residents)
        if measure.count is None:
            inside, numerator, complement = included, None, None
        else:
            counted = condition_sql(measure.count, residents)
            inside = (
                included if _is_always_known(measure, complete) else f"({included} AND {counted} IS NOT NULL)"
            )
            numerator = measure.name
            complement = f"{measure.name}_complement" if unit == "resident" else None
            listed[numerator] = Count(numerator, f"({inside} AND {counted})")
            if complement is not None:
                listed[complement] = Count(complement, f"({inside} AND NOT {counted})")
        name = unit if inside == "TRUE" and measure.count is not None else measure.name
        population = populations.setdefault(inside, f"{POPULATION}{name}")
        listed.setdefault(population, Count(population, inside))
        of[measure.name] = (population, numerator, complement)
    return Counts(tuple(listed.values()), of)


def _is_always_known(measure: Measure, complete: frozenset[str]) -> bool:
    """Answer whether the numerator's condition is never null: all of its attributes are known of everyone."""
    return attributes_in(measure.count) <= complete


def dimensions_of(kind: str, breakdowns: Breakdowns) -> list[str]:
    """Return the names of the dimensions of a kind ("household" or "resident") in any breakdown, sorted."""
    return sorted({d for breakdown in breakdowns for d in breakdown if dimensions()[d].of == kind})


def build_household_row(
    connection: duckdb.DuckDBPyConnection, shared: list[str], residents: ResidentCounts
) -> None:
    """Create `household_row`: household_base with counts of residents and the category in each dimension."""
    categories = _categories(shared, residents)
    resident_counts = "".join(
        f",\n        {resident_count_sql(expression)} AS {column}"
        for expression, column in residents.columns.items()
    )
    connection.execute(
        f"""
CREATE OR REPLACE TABLE household_row AS
WITH roster AS (
    SELECT
        household_id,
        COUNT(*) AS persons,
        SUM(person_key) % {KEY_MODULUS} AS person_keys,
        MIN(match_probability) AS match_probability,
        AVG(placement_weight) AS placement_weight{resident_counts}
    FROM resident_base
    GROUP BY household_id
)
SELECT
    household_base.*,
    {packed("household_base.household_key", "1", "0", "0")} AS household_pack,
    roster.* EXCLUDE (household_id){categories}
FROM household_base
JOIN roster
    ON roster.household_id = household_base.household_id
"""
    )


def resident_count_sql(expression: str) -> str:
    """SQL: how many residents meet a condition; null if it is not known of every resident."""
    return f"CASE WHEN COUNT({expression}) = COUNT(*) THEN COUNT(*) FILTER ({expression}) END"


def build_contribution(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    counts: Counts,
    breakdowns: Breakdowns,
    amounts: tuple[str, ...] = (),
) -> None:
    """Create `<unit>_contribution`: one row per household, or per resident.

    pack: what the row adds to a count; a household adds itself and its residents, a resident only themselves.
    is_<count>: whether the row is in the count; mask_<n>: these flags as the bits of numbers, sixty each.
    dimension_<name>: category; amount_<attribute>: what the row adds to a magnitude.
    """
    shared, own = dimensions_of("household", breakdowns), dimensions_of("resident", breakdowns)
    flags = "".join(f",\n        COALESCE({c.condition}, FALSE) AS is_{c.name}" for c in counts.listed)
    if unit == "household":
        source, keys = "household_row", "household_row.household_key, person_keys, persons"
        pack, row = packed("household_key", "1", "person_keys", "persons"), "household_row"
    else:
        source, keys = "resident_base JOIN household_row USING (household_id)", "household_key, person_key"
        pack, row = packed("0", "0", "person_key", "1"), "resident_base"
    amount_columns = "".join(f",\n        CAST({name} AS BIGINT) AS amount_{name}" for name in amounts)
    connection.execute(
        f"""
CREATE OR REPLACE TABLE {unit}_contribution AS
WITH contribution AS (
    SELECT
        household_id,
        lsoa_id,
        {keys},
        {row}.match_probability,
        {row}.placement_weight,
        {pack} AS pack{_names(shared)}{_categories(own, ResidentCounts())}{flags}{amount_columns}
    FROM {source}
)
SELECT *{_masks(counts)}
FROM contribution
"""
    )


def mask_names(counts: Counts) -> list[str]:
    """Return the names of the mask columns of a contribution."""
    return [f"mask_{number}" for number in range(1 + (len(counts.listed) - 1) // _MASK_BITS)]


def packed(household_key: str, households: str, person_key: str, persons: str) -> str:
    """SQL: what a row adds to a count, with all quantities in one number."""
    terms, shift = [], 0
    values = {
        "household_key": household_key,
        "households": households,
        "person_key": person_key,
        "persons": persons,
    }
    for quantity, bits in PACKED_BITS.items():
        terms.append(f"CAST({values[quantity]} AS HUGEINT) * {2**shift}")
        shift += bits
    return f"({' + '.join(terms)})"


def unpacked(column: str, quantity: str) -> str:
    """SQL: one quantity of a packed sum; sums of record keys are modulo 4096."""
    names = list(PACKED_BITS)
    shift = sum(PACKED_BITS[name] for name in names[: names.index(quantity)])
    value = f"{column} // {2**shift} % {2 ** PACKED_BITS[quantity]}"
    return f"CAST({value}{f' % {KEY_MODULUS}' if quantity.endswith('_key') else ''} AS BIGINT)"


def _masks(counts: Counts) -> str:
    names = [c.name for c in counts.listed]
    chunks = [names[start : start + _MASK_BITS] for start in range(0, len(names), _MASK_BITS)]
    return "".join(
        ",\n    "
        + " + ".join(f"CAST(is_{name} AS BIGINT) * {2**bit}" for bit, name in enumerate(chunk))
        + f" AS {mask}"
        for mask, chunk in zip(mask_names(counts), chunks, strict=True)
    )


def _names(named: list[str] | tuple[str, ...]) -> str:
    return "".join(f", dimension_{d}" for d in named)


def _categories(named: list[str], residents: ResidentCounts) -> str:
    return "".join(f",\n    {category_sql(dimensions()[d], residents)} AS dimension_{d}" for d in named)
