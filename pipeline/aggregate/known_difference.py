"""Whether those whose status is known differ from those whose status is not: in age, tenure and deprivation.

A rate describes those of known status. If they are like the others, it is also about the others. The
difference of each characteristic is standardised: the difference of the means, divided by the root of the
mean of both variances. The largest one decides the word. Under 0.1 is little, from 0.25 on it is strong.
Where fewer than one in twenty are unknown they can hardly move a rate, so the difference counts as little.

Only the word is published, for measures that include a thousand households or residents or more.
Source: Austin, Statistics in Medicine 28 (2009) 3083; Imbens and Rubin, Causal Inference (2015), chapter 14.
"""

from collections.abc import Mapping
from math import sqrt

import duckdb

from pipeline.aggregate.condition import condition_sql
from pipeline.aggregate.contribution import ResidentCounts
from pipeline.aggregate.coverage import LEAST_PUBLISHED, Coverage, source_of
from pipeline.aggregate.plan import Plan
from schemas.dimension import dimensions
from schemas.measure import Measure

ASPECT = "known_differ"
#: The standardised difference from which it is somewhat, and strongly.
SOMEWHAT, STRONGLY = 0.1, 0.25
#: Coverage from which the others can hardly move a rate.
NEARLY_ALL = 0.95
#: Characteristics of each unit as numbers (SQL), in addition to the tenures.
_CHARACTERISTICS = {
    "household": ("household.residents", "household.residents_65_and_over", "household.imd_decile"),
    "resident": ("age_years", "household.imd_decile"),
}


def word_of(difference: float, share_known: float) -> str:
    """Return "little", "somewhat" or "strongly". difference: the largest standardised one, without sign."""
    if share_known >= NEARLY_ALL or difference < SOMEWHAT:
        return "little"
    return "strongly" if difference >= STRONGLY else "somewhat"


def record_known_differences(
    connection: duckdb.DuckDBPyConnection, plan: Plan, coverage: Mapping[str, Coverage]
) -> dict[str, str]:
    """Add the word of each measure to `basis`; returns measure -> word.

    Reads household and household_member of the household stage.
    """
    words: dict[str, str] = {}
    for unit in plan.units:
        for measure in plan.measures_of(unit):
            found = coverage.get(measure.name)
            if found is None or found.included < LEAST_PUBLISHED:
                continue
            nearly_all = found.share >= NEARLY_ALL
            difference = 0.0 if nearly_all else largest_difference(connection, unit, measure)
            words[measure.name] = word_of(difference, found.share)
    if words:
        rows = [(ASPECT, name, word) for name, word in sorted(words.items())]
        connection.executemany("INSERT INTO basis VALUES (?, ?, ?)", rows)
    return words


def largest_difference(connection: duckdb.DuckDBPyConnection, unit: str, measure: Measure) -> float:
    """Return the largest standardised difference between the known and the others whom a measure includes."""
    residents = ResidentCounts()
    included = condition_sql(measure.include, residents)
    counted = condition_sql(measure.count, residents) if measure.count is not None else "TRUE"
    tenures = [
        f"CAST(household.tenure IN ({', '.join(repr(code) for code in codes)}) AS INTEGER)"
        for codes in dimensions()["tenure"].code_sets.values()
    ]
    columns = ", ".join(
        f"AVG({name}) FILTER (is_known), AVG({name}) FILTER (NOT is_known), "
        f"VAR_POP({name}) FILTER (is_known), VAR_POP({name}) FILTER (NOT is_known)"
        for name in (f"x_{n}" for n, _ in enumerate((*_CHARACTERISTICS[unit], *tenures)))
    )
    listed = ", ".join(f"{sql} AS x_{n}" for n, sql in enumerate((*_CHARACTERISTICS[unit], *tenures)))
    row = connection.execute(
        f"""
        WITH characteristic AS (
            SELECT ({included}) AND ({counted}) IS NOT NULL AS is_known, {listed}
            FROM {source_of(unit, residents)}
            WHERE household.standing = 'household' AND ({included}) IS DISTINCT FROM FALSE
        )
        SELECT {columns}
        FROM (SELECT * REPLACE (COALESCE(is_known, FALSE) AS is_known) FROM characteristic)
        """
    ).fetchall()[0]
    return max((_standardised(*row[n : n + 4]) for n in range(0, len(row), 4)), default=0.0)


def _standardised(known: float | None, other: float | None, known_var: float, other_var: float) -> float:
    if known is None or other is None or not known_var + other_var:
        return 0.0
    return abs(known - other) / sqrt((known_var + other_var) / 2)
