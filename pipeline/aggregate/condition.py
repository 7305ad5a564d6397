"""A measure's conditions as SQL with three values: true, false and not known.

Names come from the attribute definitions and values from the measure packs that passed their
checks; both are written as quoted literals all the same.
"""

from collections.abc import Callable

from schemas.condition import AttributeTest, Condition, Every, Negation, ResidentsWith, Several, Some
from schemas.dimension import Dimension

#: Gives the column that counts the residents of a household for whom a condition holds.
ResidentCount = Callable[[Condition], str]


def condition_sql(condition: Condition, resident_count: ResidentCount) -> str:
    """Return a boolean expression over the columns of the row."""
    match condition:
        case AttributeTest():
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
    """Return the expression of a row's category in a dimension: its position among the categories."""
    unknown = len(dimension.categories) - 1
    if dimension.condition is not None:
        condition = condition_sql(dimension.condition, resident_count)
        return f"CAST(CASE {condition} WHEN TRUE THEN 0 WHEN FALSE THEN 1 ELSE {unknown} END AS UTINYINT)"
    divided = _name(dimension.attribute or "")
    tests = [
        f"CAST({divided} AS VARCHAR) IN ({', '.join(map(_literal, codes))})"
        for codes in dimension.code_sets.values()
    ]
    tests += [_bounds_sql(divided, low, high) for low, high in dimension.bands.values()]
    arms = " ".join(f"WHEN {test} THEN {position}" for position, test in enumerate(tests))
    return f"CAST(CASE {arms} ELSE {unknown} END AS UTINYINT)"


def _joined(parts: tuple[Condition, ...], word: str, resident_count: ResidentCount) -> str:
    return "(" + word.join(condition_sql(part, resident_count) for part in parts) + ")"


def _test_sql(test: AttributeTest) -> str:
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
