"""A comparison and its levels: the form of every scorecard (see `comparison`)."""

from dataclasses import dataclass


def shares(column: str) -> str:
    """SQL: the two lists have a token in common; false if either is missing."""
    return f"COALESCE(list_has_any({column}_l, {column}_r), FALSE)"


def shared(column: str) -> str:
    """SQL: the number of tokens that the two lists have in common; 0 if either is missing."""
    return f"COALESCE(len(list_intersect({column}_l, {column}_r)), 0)"


@dataclass(frozen=True)
class Level:
    """One comparison level: a stable id, its meaning in words, and its SQL condition.

    sql: None for the last level, which takes the remaining candidates, and for the levels of `residence`,
    which are not computed by SQL (see `residence.evidence`).
    """

    id: str
    meaning: str
    sql: str | None


@dataclass(frozen=True)
class Comparison:
    """A comparison: its name, its meaning in words, and its levels; the first level that applies is reached.

    missing: SQL condition (for `residence`: in words) for candidates with nothing to compare; these
    have no level, and the comparison adds no weight.
    is_optional: extracts may lack what it compares. Its weights are fitted after those of the other
    comparisons, which therefore are right without it.
    at_least: (level, weaker level): more evidence includes less, so the weight of the level is never lower.
    """

    name: str
    meaning: str
    missing: str
    levels: tuple[Level, ...]
    is_optional: bool = False
    at_least: tuple[tuple[str, str], ...] = ()
