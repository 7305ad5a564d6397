"""Every breakdown of a unit at once: one GROUPING SETS statement at LSOA level, summed upwards afterwards.

A household lies in one LSOA, so counts of distinct households and persons add up over areas, and
so do sums of record keys modulo 4096.
"""

import duckdb

from pipeline.aggregate.contribution import KEY_MODULUS, Counts
from schemas.dimension import dimensions
from schemas.table import Table

#: What is known of each side of a cell.
SIDES = ("denominator", "numerator", "complement")
#: What is counted of each side.
COUNTED = ("households", "persons", "household_key", "person_key")


def build_cube(
    connection: duckdb.DuckDBPyConnection, unit: str, counts: Counts, breakdowns: tuple[tuple[str, ...], ...]
) -> None:
    """Create `<unit>_cube`: one row per LSOA and category of each breakdown.

    A dimension that a row is not broken down by is null in it.
    """
    named = sorted({d for breakdown in breakdowns for d in breakdown})
    # a row whose own dimension is null looks like a margin in another set, so each row names its set
    keys = "".join(f",\n    dimension_{d},\n    GROUPING(dimension_{d}) = 0 AS by_{d}" for d in named)
    sums = "".join(
        f",\n    COUNT(*) FILTER ({c.name}_persons > 0) AS {c.name}_households"
        f",\n    SUM({c.name}_persons) AS {c.name}_persons"
        f",\n    COALESCE(SUM(household_key) FILTER ({c.name}_persons > 0), 0) % {KEY_MODULUS}"
        f" AS {c.name}_household_key"
        f",\n    SUM({c.name}_person_keys) % {KEY_MODULUS} AS {c.name}_person_key"
        for c in counts.listed
    )
    sets = ", ".join(f"({', '.join(['lsoa21', 'own', *(f'dimension_{d}' for d in b)])})" for b in breakdowns)
    connection.execute(
        f"CREATE OR REPLACE TABLE {unit}_cube AS\n"
        f"SELECT\n    lsoa21,\n    own{keys}{sums}\nFROM {unit}_contribution\nGROUP BY GROUPING SETS ({sets})"
    )


def insert_counts(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    counts: Counts,
    table: Table,
    breakdowns: tuple[tuple[str, ...], ...],
) -> None:
    """Add a table's rows of the cube to `count_by_lsoa`, one per measure, LSOA and category."""
    named = sorted({d for breakdown in breakdowns for d in breakdown})
    own = "+".join(d for d in named if d in table.dimensions and dimensions()[d].of == "resident")
    chosen = " AND ".join(
        [f"own = '{own}'"] + [f"{'' if d in table.dimensions else 'NOT '}by_{d}" for d in named]
    )
    categories = [f"dimension_{d}" for d in table.dimensions] + ["NULL"] * (2 - len(table.dimensions))
    selects = []
    for measure in table.measures:
        population, numerator, complement = counts.of[measure]
        sides = [_side(population), _side(numerator), _complement(population, numerator, complement)]
        selects.append(
            f"SELECT '{table.table_id}', '{measure}', '{population}', lsoa21, {', '.join(categories)}, "
            f"{', '.join(sides)} FROM {unit}_cube WHERE {chosen}"
        )
    connection.execute("INSERT INTO count_by_lsoa " + "\nUNION ALL\n".join(selects))


def _side(name: str | None) -> str:
    return ", ".join("NULL" if name is None else f"{name}_{counted}" for counted in COUNTED)


def _complement(population: str, numerator: str | None, complement: str | None) -> str:
    if complement is not None or numerator is None:
        return _side(complement)
    differences = [f"{population}_{c} - {numerator}_{c}" for c in COUNTED]
    return ", ".join(
        f"({d} + {KEY_MODULUS}) % {KEY_MODULUS}" if c.endswith("_key") else d
        for c, d in zip(COUNTED, differences, strict=True)
    )
