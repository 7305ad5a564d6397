"""A measure's conditions as SQL with three values: true, false and not known.

Names come from the attribute definitions and values from the measure packs that passed their
checks; both are written as quoted literals all the same.
"""

from collections.abc import Callable

from schemas.condition import Condition, Every, Negation, ResidentsWith, Several, Some, Test
from schemas.dimension import UNKNOWN, Dimension

#: Gives the column that counts the residents of a household for whom a condition holds.
ResidentCount = Callable[[Condition], str]


def condition_sql(condition: Condition, resident_count: ResidentCount) -> str:
    """Return a boolean expression over the columns of the row."""
    match condition:
        case Test():
            return _test_sql(condition)
        case Every():
            return _joined(condition.parts, " AND ", resident_count) if condition.parts else "TRUE"
        case Some():
            return _joined(condition.parts, " OR ", resident_count)
        case Several():
            held = (f"CAST({condition_sql(part, resident_count)} AS INTEGER)" for part in condition.parts)
            return f"({' + '.join(held)} >= {condition.at_least})"
        case Negation():
            return f"(NOT {condition_sql(condition.part, resident_count)})"
        case ResidentsWith():
            column = resident_count(condition.where)
            return _bounds_sql(column, condition.at_least, condition.at_most)


def category_sql(dimension: Dimension, resident_count: ResidentCount) -> str:
    """Return the expression of a row's category in a dimension, never null."""
    if dimension.condition is not None:
        held, failed = map(_literal, dimension.outcome)
        condition = condition_sql(dimension.condition, resident_count)
        return f"CASE {condition} WHEN TRUE THEN {held} WHEN FALSE THEN {failed} ELSE {_literal(UNKNOWN)} END"
    divided = _name(dimension.attribute or "")
    arms = [
        f"WHEN CAST({divided} AS VARCHAR) IN ({', '.join(map(_literal, codes))}) THEN {_literal(category)}"
        for category, codes in dimension.code_sets.items()
    ]
    arms += [
        f"WHEN {_bounds_sql(divided, low, high)} THEN {_literal(category)}"
        for category, (low, high) in dimension.bands.items()
    ]
    return f"CASE {' '.join(arms)} ELSE {_literal(UNKNOWN)} END"


def _joined(parts: tuple[Condition, ...], word: str, resident_count: ResidentCount) -> str:
    return "(" + word.join(condition_sql(part, resident_count) for part in parts) + ")"


def _test_sql(test: Test) -> str:
    if test.values:
        return f"({_name(test.attribute)} IN ({', '.join(map(_literal, test.values))}))"
    return _bounds_sql(_name(test.attribute), test.at_least, test.at_most)


def _bounds_sql(column: str, low: int | None, high: int | None) -> str:
    bounds = [f"{column} >= {low}"] if low is not None else []
    bounds += [f"{column} <= {high}"] if high is not None else []
    return f"({' AND '.join(bounds) or f'{column} IS NOT NULL'})"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"
