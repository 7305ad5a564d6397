"""The truth of a condition in each world: 1 true, 0 false, -1 not known.

The rule for each combination is in `schemas/condition.py`, as in `pipeline/aggregate/condition.py`, whose SQL
counts the cells; tests compare the two on generated households.
"""

import numpy as np
import numpy.typing as npt

from pipeline.disclosure.relations.worlds import BY_AGE, DERIVED, Value, Worlds
from schemas.attribute import household_attributes
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

Truth = npt.NDArray[np.int8]
_AGE = "age_years"


def truth(condition: Condition, worlds: Worlds, *, of_resident: bool = False) -> Truth:
    """Return the truth of a condition: one per household, or one per household and resident."""
    match condition:
        case AttributeTest():
            return _test(condition, worlds, of_resident)
        case Every() | Some() | Several():
            return _combined(condition, worlds, of_resident)
        case Negation():
            part = truth(condition.part, worlds, of_resident=of_resident)
            return np.where(part < 0, part, 1 - part).astype(np.int8)
        case ResidentsWith():
            each = truth(condition.where, worlds, of_resident=True)
            number = ((each == 1) & worlds.present).sum(axis=1)
            unknown = ((each < 0) & worlds.present).any(axis=1)
            met = _within(number, condition.at_least, condition.at_most)
            found = np.where(unknown, -1, met).astype(np.int8)
            return _per_resident(found, worlds) if of_resident else found


def _combined(condition: Every | Some | Several, worlds: Worlds, of_resident: bool) -> Truth:
    shape = worlds.present.shape if of_resident else (worlds.size,)
    if not condition.parts:
        return np.ones(shape, dtype=np.int8)
    each = np.stack([truth(part, worlds, of_resident=of_resident) for part in condition.parts])
    unknown = (each < 0).any(axis=0)
    needed = {Every: len(condition.parts), Some: 1}.get(type(condition), 0)
    met = ((each == 1).sum(axis=0) >= (needed or getattr(condition, "at_least", 1))).astype(np.int8)
    found = np.where(unknown, -1, met)
    if not isinstance(condition, Several):
        decides = 0 if isinstance(condition, Every) else 1
        selecting = np.array([is_selecting(part) for part in condition.parts])
        decided = (each[selecting] == decides).any(axis=0)
        found = np.where(decided, decides, found)
    return found.astype(np.int8)


def _test(test: AttributeTest, worlds: Worlds, of_resident: bool) -> Truth:
    if test.attribute in household_attributes():
        found = _household_test(test, worlds)
        return _per_resident(found, worlds) if of_resident else found
    return _of_values(test, worlds.domains[test.attribute])[worlds.resident[test.attribute]]


def _household_test(test: AttributeTest, worlds: Worlds) -> Truth:
    if test.attribute not in DERIVED:
        return _of_values(test, worlds.domains[test.attribute])[worlds.household[test.attribute]]
    if test.attribute == "composition":
        return _composition(test, worlds)
    number = _number(test.attribute, worlds)
    if test.values:
        return np.isin(number, test.values).astype(np.int8)
    return _within(number, test.at_least, test.at_most)


def _number(attribute: str, worlds: Worlds) -> npt.NDArray[np.int64]:
    if attribute == "residents":
        return np.asarray(worlds.present.sum(axis=1), dtype=np.int64)
    low, high = BY_AGE[attribute]
    return np.asarray(_ages(worlds, low, high).sum(axis=1), dtype=np.int64)


def _ages(worlds: Worlds, low: int, high: int) -> npt.NDArray[np.bool_]:
    inside = [isinstance(age, int) and low <= age <= high for age in worlds.domains[_AGE]]
    return np.array(inside)[worlds.resident[_AGE]] & worlds.present


def _composition(test: AttributeTest, worlds: Worlds) -> Truth:
    """One-person households have the composition of their age; it is not known if an age is not recorded."""
    is_recorded = np.array([age is not None for age in worlds.domains[_AGE]])[worlds.resident[_AGE]]
    known = (is_recorded | ~worlds.present).all(axis=1)
    alone = worlds.present.sum(axis=1) == 1
    is_old = _ages(worlds, 65, 999).any(axis=1)
    values = worlds.domains["composition"]
    one = {"one_person_under_65", "one_person_65_and_over"}
    among_others = np.array([v in test.values and v not in one for v in values])
    chosen = among_others[worlds.household["composition"]]
    single = np.where(is_old, "one_person_65_and_over" in test.values, "one_person_under_65" in test.values)
    return np.where(known, np.where(alone, single, chosen), -1).astype(np.int8)


def _of_values(test: AttributeTest, values: tuple[Value, ...]) -> Truth:
    return np.array([_value(test, value) for value in values], dtype=np.int8)


def _value(test: AttributeTest, value: Value) -> int:
    if value is None:
        return -1
    if test.values:
        return int(any(value == wanted and type(value) is type(wanted) for wanted in test.values))
    number = int(value)
    return int(
        (test.at_least is None or number >= test.at_least)
        and (test.at_most is None or number <= test.at_most)
    )


def _within(number: npt.NDArray[np.int64], low: int | None, high: int | None) -> Truth:
    met = np.ones(number.shape, dtype=bool)
    if low is not None:
        met &= number >= low
    if high is not None:
        met &= number <= high
    return met.astype(np.int8)


def _per_resident(found: Truth, worlds: Worlds) -> Truth:
    return np.repeat(found[:, None], worlds.present.shape[1], axis=1)
