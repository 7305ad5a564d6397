"""Units compared with themselves: the most weight that a true pair of their kind could have.

A unit that lacks a UPRN, an address or names cannot reach a high level with anything, not even with itself.
The share of units below a limit is the share that can never be linked there (the unlinkables of Splink).
"""

import re

import duckdb

from pipeline.link.comparison import SCORECARDS, Comparison
from pipeline.link.model import Scorecard

#: Units of each side that are compared with themselves. Units are in the order of pseudonyms, so the first
#: ones are a random sample.
SAMPLE_UNITS = 20_000
_SIDE_COLUMN = re.compile(r"\b([a-z_]+)_[lr]\b")
_UNITS = {"council": "dwelling_unit", "nhs": "nhs_unit"}


def create_self_comparison(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> None:
    """Create `self_comparison`: one row per side and vector, with the number of units and the match weight.

    Reads `dwelling_unit` and `nhs_unit` with their tokens. card: the scorecard `recorded`.
    """
    comparisons = SCORECARDS["recorded"]
    levels = ", ".join(f"{_level(c)} AS {c.name}" for c in comparisons)
    weight = " + ".join(_weight(card, c) for c in comparisons)
    names = ", ".join(c.name for c in comparisons)
    parts = " UNION ALL ".join(
        f"SELECT '{side}' AS side, {levels} FROM ({_both_sides(unit, comparisons)})"
        for side, unit in _UNITS.items()
    )
    connection.execute(
        f"""
        CREATE TABLE self_comparison AS
        SELECT side, {names}, COUNT(*) AS units,
            ({card.prior_match_weight!r} + {weight})::DOUBLE AS match_weight
        FROM ({parts})
        GROUP BY side, {names}
        """
    )


def _both_sides(unit: str, comparisons: tuple[Comparison, ...]) -> str:
    """SQL: the first units, each column once for the left and once for the right side."""
    texts = [text for c in comparisons for text in (c.missing, *(level.sql or "" for level in c.levels))]
    # A group has people, also where it is paired with a dwelling that lists no one.
    right = {"people": "GREATEST(people, 1)"}
    columns = sorted({name for text in texts for name in _SIDE_COLUMN.findall(text)})
    both = ", ".join(
        f"{column} AS {column}_l, {right.get(column, column)} AS {column}_r" for column in columns
    )
    return f"SELECT {both} FROM {unit} WHERE unit_id <= {SAMPLE_UNITS}"


def _level(comparison: Comparison) -> str:
    cases = " ".join(f"WHEN {level.sql} THEN '{level.id}'" for level in comparison.levels if level.sql)
    last = comparison.levels[-1].id
    return f"CASE WHEN {comparison.missing} THEN NULL {cases} ELSE '{last}' END"


def _weight(card: Scorecard, comparison: Comparison) -> str:
    levels = card.levels[comparison.name].items()
    cases = " ".join(f"WHEN '{level}' THEN {p.match_weight!r}" for level, p in levels)
    return f"CASE {comparison.name} {cases} ELSE 0 END"
