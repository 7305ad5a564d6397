"""What each household and resident contributes: the counts it is in, and its category in each dimension.

Counts are flags and categories are small whole numbers, so that the cube sums over narrow rows. What a
row adds to a count is one number that packs households, persons and the sums of their record keys.
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

#: Bits of each part of a packed sum, from the lowest: an LSOA holds fewer than 2^24 households, 2^27 persons.
PACKED_BITS = {"household_key": 36, "households": 24, "person_key": 36, "persons": 27}
#: Counts that fit in one number of a row's mask.
_MASK_BITS = 60

#: Prefix of the columns of denominators, beside those of numerators.
POPULATION = "population_of_"

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


def plan_counts(
    unit: str, chosen: tuple[Measure, ...], residents: ResidentCounts, complete: frozenset[str]
) -> Counts:
    """Return the counts of a unit; the resident counts they read are noted in `residents`.

    Measures with the same denominator share one population, named after the measure that counts it, else
    after the unit where it is everybody, else after the first of the measures.
    complete: attributes that are known of everybody.
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
        whom = unit if inside == "TRUE" and measure.count is not None else measure.name
        population = populations.setdefault(inside, f"{POPULATION}{whom}")
        listed.setdefault(population, Count(population, inside))
        of[measure.name] = (population, numerator, complement)
    return Counts(tuple(listed.values()), of)


def _is_always_known(measure: Measure, complete: frozenset[str]) -> bool:
    """Answer whether the numerator's condition is never null.

    How many residents of a household meet a condition is always known, so of a household measure only the
    household's own attributes can be missing.
    """
    asked = attributes_in(measure.count)
    own = asked & set(attributes_of("household")) if measure.unit == "household" else asked
    return own <= complete


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
        SUM(person_key) % {KEY_MODULUS} AS person_keys,
        MIN(match_probability) AS match_probability,
        AVG(placement_weight) AS placement_weight{asked}
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


def build_contribution(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    counts: Counts,
    breakdowns: Breakdowns,
    amounts: tuple[str, ...] = (),
) -> None:
    """Create `<unit>_contribution`: one row per household, or resident, of household_row and resident_base.

    A household brings itself and all its residents, a resident himself alone. mask_<n> hold the flags of
    all counts, sixty to a number; amount_<attribute> what it adds to a magnitude.
    """
    shared, own = dimensions_of("household", breakdowns), dimensions_of("resident", breakdowns)
    flags = "".join(f",\n        COALESCE({c.condition}, FALSE) AS is_{c.name}" for c in counts.listed)
    if unit == "household":
        source, keys = "household_row", "household_row.household_key, person_keys, persons"
        pack, whose = packed("household_key", "1", "person_keys", "persons"), "household_row"
    else:
        source, keys = "resident_base JOIN household_row USING (household_id)", "household_key, person_key"
        pack, whose = packed("0", "0", "person_key", "1"), "resident_base"
    added = "".join(f",\n        CAST({name} AS BIGINT) AS amount_{name}" for name in amounts)
    connection.execute(
        f"""
CREATE OR REPLACE TABLE {unit}_contribution AS
WITH judged AS (
    SELECT
        household_id,
        lsoa_id,
        {keys},
        {whose}.match_probability,
        {whose}.placement_weight,
        {pack} AS pack{_names(shared)}{_categories(own, ResidentCounts())}{flags}{added}
    FROM {source}
)
SELECT *{_masks(counts)}
FROM judged
"""
    )


def mask_names(counts: Counts) -> list[str]:
    """Return the names of the mask columns of a contribution."""
    return [f"mask_{number}" for number in range(1 + (len(counts.listed) - 1) // _MASK_BITS)]


def packed(household_key: str, households: str, person_key: str, persons: str) -> str:
    """Return the SQL of what a row adds to a count, all parts in one number."""
    parts, shift = [], 0
    given = {
        "household_key": household_key,
        "households": households,
        "person_key": person_key,
        "persons": persons,
    }
    for part, bits in PACKED_BITS.items():
        parts.append(f"CAST({given[part]} AS HUGEINT) * {2**shift}")
        shift += bits
    return f"({' + '.join(parts)})"


def unpacked(column: str, part: str) -> str:
    """Return the SQL of one part of a packed sum; keys modulo 4096."""
    names = list(PACKED_BITS)
    shift = sum(PACKED_BITS[name] for name in names[: names.index(part)])
    value = f"{column} // {2**shift} % {2 ** PACKED_BITS[part]}"
    return f"CAST({value}{f' % {KEY_MODULUS}' if part.endswith('_key') else ''} AS BIGINT)"


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
