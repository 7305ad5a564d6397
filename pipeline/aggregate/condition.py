"""The conditions of measures as SQL, with three values: true, false and null (not known).

The rule for each combination is in `schemas/condition.py`. A sum of truth values is null if any of them is.

Names and values come from definitions that have been checked; they are quoted in the SQL nevertheless.
"""

from collections.abc import Callable

from schemas.condition import (
    AttributeTest,
    Condition,
    Every,
    Negation,
    ResidentsWith,
    Several,
    Some,
    is_selecting,
)
from schemas.dimension import Dimension

#: Returns the name of the column with the number of a household's residents who meet a condition. The number
#: is null if it is not known of every resident.
ResidentCount = Callable[[Condition], str]


def condition_sql(condition: Condition, resident_count: ResidentCount) -> str:
    """SQL: whether a row meets the condition; null if that is not known."""
    match condition:
        case AttributeTest():
            return _test_sql(condition)
        case Every():
            return _every_sql(condition.parts, resident_count)
        case Some():
            return _some_sql(condition.parts, resident_count)
        case Several():
            return _number_met_sql(condition.parts, condition.at_least, resident_count)
        case Negation():
            return f"(NOT {condition_sql(condition.part, resident_count)})"
        case ResidentsWith():
            column = resident_count(condition.where)
            return _bounds_sql(column, condition.at_least, condition.at_most)


def category_sql(dimension: Dimension, resident_count: ResidentCount) -> str:
    """SQL: a row's category in a dimension, as its position among the categories; unknown is the last."""
    unknown = len(dimension.categories) - 1
    if dimension.condition is not None:
        condition = condition_sql(dimension.condition, resident_count)
        return f"CAST(CASE {condition} WHEN TRUE THEN 0 WHEN FALSE THEN 1 ELSE {unknown} END AS UTINYINT)"
    attribute = _name(dimension.attribute or "")
    tests = [
        f"CAST({attribute} AS VARCHAR) IN ({', '.join(map(_literal, codes))})"
        for codes in dimension.code_sets.values()
    ]
    tests += [_bounds_sql(attribute, low, high) for low, high in dimension.bands.values()]
    arms = " ".join(f"WHEN {test} THEN {position}" for position, test in enumerate(tests))
    return f"CAST(CASE {arms} ELSE {unknown} END AS UTINYINT)"


def _every_sql(parts: tuple[Condition, ...], resident_count: ResidentCount) -> str:
    if not parts:
        return "TRUE"
    selecting = [condition_sql(part, resident_count) for part in parts if is_selecting(part)]
    if len(selecting) == len(parts):
        return f"({' AND '.join(selecting)})"
    all_met = _number_met_sql(parts, len(parts), resident_count)
    return (
        f"(CASE WHEN NOT ({' AND '.join(selecting)}) THEN FALSE ELSE {all_met} END)" if selecting else all_met
    )


def _some_sql(parts: tuple[Condition, ...], resident_count: ResidentCount) -> str:
    selecting = [condition_sql(part, resident_count) for part in parts if is_selecting(part)]
    if len(selecting) == len(parts):
        return f"({' OR '.join(selecting)})"
    any_met = _number_met_sql(parts, 1, resident_count)
    return f"(CASE WHEN {' OR '.join(selecting)} THEN TRUE ELSE {any_met} END)" if selecting else any_met


def _number_met_sql(parts: tuple[Condition, ...], at_least: int, resident_count: ResidentCount) -> str:
    met = (f"CAST({condition_sql(part, resident_count)} AS INTEGER)" for part in parts)
    return f"({' + '.join(met)} >= {at_least})"


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
