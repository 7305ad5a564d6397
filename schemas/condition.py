"""Conditions over attributes: the small closed language that measures and dimensions are written in.

    {attribute: value}                    equal (a flag is true or false, a code its code)
    {attribute: [a, b]}                   one of
    {attribute: {at_least: n, at_most: m}}
    {all: [...]}, {any: [...]}, {not: {...}}; several keys of one mapping must all be true
    {several: {at_least: n, of: [...]}}   at least n of the conditions are true
    {any_resident: {...}}                 of a household: true of at least one resident
    {residents_with: {where: {...}, at_least: n, at_most: m}}

If an attribute is unknown, a condition over it is unknown too. Such households or residents are in neither
the numerator nor the denominator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.attribute import Attribute, attributes_of


@dataclass(frozen=True)
class AttributeTest:
    """An attribute compared with values (any of them) or with bounds (both included, None for open)."""

    attribute: str
    values: tuple[str | int | bool, ...] = ()
    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True)
class Every:
    """All of the parts are true; an empty one is always true."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True)
class Some:
    """At least one of the parts is true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Several:
    """At least `at_least` of the parts are true; unknown if any part is unknown."""

    at_least: int
    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Negation:
    """The part is not true."""

    part: "Condition"


@dataclass(frozen=True)
class ResidentsWith:
    """The number of a household's residents that meet `where` is within the bounds."""

    where: "Condition"
    at_least: int | None = 1
    at_most: int | None = None


Condition = AttributeTest | Every | Some | Several | Negation | ResidentsWith


def attributes_in(condition: Condition | None) -> frozenset[str]:
    """Return the name of every attribute that a condition uses."""
    match condition:
        case AttributeTest():
            return frozenset((condition.attribute,))
        case Every() | Some() | Several():
            return frozenset().union(*(attributes_in(part) for part in condition.parts))
        case Negation():
            return attributes_in(condition.part)
        case ResidentsWith():
            return attributes_in(condition.where)
        case None:
            return frozenset()


def parse_condition(raw: object, unit: str, faults: list[str]) -> Condition:
    """Turn the YAML of a condition into a Condition; adds every fault to `faults`."""
    if not isinstance(raw, dict) or not raw:
        faults.append("a condition must be a mapping with at least one key")
        return Every()
    parts = tuple(_part(str(key), value, unit, faults) for key, value in raw.items())
    return parts[0] if len(parts) == 1 else Every(parts)


def _part(key: str, value: object, unit: str, faults: list[str]) -> Condition:
    if key in ("all", "any"):
        if not isinstance(value, list) or not value:
            faults.append(f"{key} needs a list of conditions")
            return Every()
        parts = tuple(parse_condition(part, unit, faults) for part in value)
        return Every(parts) if key == "all" else Some(parts)
    if key == "several":
        return _several(value, unit, faults)
    if key == "not":
        return Negation(parse_condition(value, unit, faults))
    if key in ("any_resident", "residents_with"):
        return _residents(key, value, unit, faults)
    attribute = attributes_of(unit).get(key)
    if attribute is None:
        faults.append(f"{key} is not an attribute of a {unit}")
        return Every()
    return _test(attribute, value, faults)


def _several(value: object, unit: str, faults: list[str]) -> Condition:
    if not isinstance(value, dict) or set(value) != {"at_least", "of"} or not isinstance(value["of"], list):
        faults.append("several needs at_least, and of with a list of conditions")
        return Every()
    parts = tuple(parse_condition(part, unit, faults) for part in value["of"])
    if type(value["at_least"]) is not int or not 1 <= value["at_least"] <= len(parts):
        faults.append("several: at_least must be from 1 to the number of conditions")
    return Several(int(value["at_least"]), parts)


def _residents(key: str, value: object, unit: str, faults: list[str]) -> Condition:
    if unit != "household":
        faults.append(f"{key} is allowed only for households")
        return Every()
    if key == "any_resident":
        return ResidentsWith(parse_condition(value, "person", faults))
    if not isinstance(value, dict) or not {"where"} < set(value) <= {"where", "at_least", "at_most"}:
        faults.append("residents_with needs where, and at_least or at_most or both")
        return Every()
    return ResidentsWith(
        parse_condition(value["where"], "person", faults), *_bounds("residents_with", value, faults)
    )


def _test(attribute: Attribute, value: object, faults: list[str]) -> Condition:
    if isinstance(value, dict):
        if attribute.type not in ("count", "number") or not value or set(value) - {"at_least", "at_most"}:
            faults.append(
                f"{attribute.name}: only a number can have bounds, with at_least or at_most or both"
            )
            return Every()
        low, high = _bounds(attribute.name, value, faults)
        return AttributeTest(attribute.name, (), low, high)
    values = tuple(value) if isinstance(value, list) else (value,)
    wanted: type = {"flag": bool, "code": str}.get(attribute.type, int)
    if not values or any(type(v) is not wanted for v in values):
        faults.append(f"{attribute.name}: must be {_EXPECTED[attribute.type]}")
        return Every()
    stray = [v for v in values if attribute.type == "code" and v not in attribute.codes]
    faults += [f"{attribute.name}: {v} is not one of its codes" for v in stray]
    return AttributeTest(attribute.name, values)


_EXPECTED = {
    "flag": "true or false",
    "code": "one or more of its codes",
    "count": "a whole number or bounds",
    "number": "a whole number or bounds",
}


def _bounds(name: str, value: Mapping[str, Any], faults: list[str]) -> tuple[int | None, int | None]:
    low, high = value.get("at_least"), value.get("at_most")
    if any(type(bound) is not int for bound in (low, high) if bound is not None):
        faults.append(f"{name}: a bound must be a whole number")
        return None, None
    return low, high
