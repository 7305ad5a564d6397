"""Measures as data: who is counted, among whom, traced to the example they serve.

A measure stands in a pack, `schemas/measures/<pack>.yaml`. Its conditions are a small closed
language over the attributes of `schemas/attributes/`:

    {attribute: value}                    equal (a flag is true or false, a code its code)
    {attribute: [a, b]}                   one of
    {attribute: {at_least: n, at_most: m}}
    {all: [...]}, {any: [...]}, {not: {...}}; several keys of one mapping must all hold
    {any_resident: {...}}                 of a household: at least one resident for whom it holds
    {residents_with: {where: {...}, at_least: n, at_most: m}}

A condition over an attribute that is not known is not known either; such households or residents are
in neither numerator nor denominator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from schemas.attribute import (
    UNITS,
    Attribute,
    DefinitionInvalid,
    attributes_of,
    check_choice,
    check_keys,
    dimensions,
    parse_definitions,
)

DIRECTIONS = ("lower_is_better", "higher_is_better", "neutral")


@dataclass(frozen=True)
class Test:
    """An attribute against values (any of them) or against bounds (both included, None for open)."""

    attribute: str
    values: tuple[str | int | bool, ...] = ()
    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True)
class Every:
    """All of the parts hold; an empty one always does."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True)
class Some:
    """At least one of the parts holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Negation:
    """The part does not hold."""

    part: "Condition"


@dataclass(frozen=True)
class ResidentsWith:
    """The number of a household's residents for whom `where` holds lies between the bounds."""

    where: "Condition"
    at_least: int | None = 1
    at_most: int | None = None


Condition = Test | Every | Some | Negation | ResidentsWith


@dataclass(frozen=True)
class Measure:
    """One measure.

    unit: what is counted. include: who is in the denominator. count: who is in the numerator; None
    for a plain count of the included. period: what the numerator refers to, in words.
    dimensions: what it may be broken down by. example: the practice example it serves.
    """

    name: str
    title: str
    pack: str
    example: str
    unit: str
    include: Condition
    count: Condition | None
    period: str
    sensitive: bool
    direction: str
    source: str
    dimensions: tuple[str, ...] = field(default=())


def attributes_in(condition: Condition | None) -> frozenset[str]:
    """Return the names of every attribute that a condition reads."""
    match condition:
        case Test():
            return frozenset((condition.attribute,))
        case Every() | Some():
            return frozenset().union(*(attributes_in(part) for part in condition.parts))
        case Negation():
            return attributes_in(condition.part)
        case ResidentsWith():
            return attributes_in(condition.where)
        case None:
            return frozenset()


@cache
def measures() -> Mapping[str, Measure]:
    """Return name -> measure of every pack; raises DefinitionInvalid with the faults of a broken one."""
    found: dict[str, Measure] = {}
    folder = files("schemas") / "measures"
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name):
        for measure in parse_pack(file.name.removesuffix(".yaml"), file.read_text("utf-8")):
            if measure.name in found:
                raise DefinitionInvalid(file.name, [f"{measure.name}: another pack has it"])
            found[measure.name] = measure
    return found


def parse_pack(pack: str, text: str) -> tuple[Measure, ...]:
    """Check the YAML of one pack and return its measures; raises DefinitionInvalid with every fault."""
    raw = yaml.safe_load(text)
    if not isinstance(raw, dict) or set(raw) != {"example", "measures"}:
        raise DefinitionInvalid(pack, ["a pack has the keys example and measures"])

    def parse(entry: Mapping[str, Any], faults: list[str]) -> Measure:
        return _measure(entry, pack, str(raw["example"]), faults)

    return tuple(parse_definitions(pack, yaml.safe_dump(raw["measures"], sort_keys=False), parse).values())


def parse_condition(raw: object, unit: str, faults: list[str]) -> Condition:
    """Turn the YAML of a condition into its form, noting every fault."""
    if not isinstance(raw, dict) or not raw:
        faults.append("a condition is a mapping with at least one key")
        return Every()
    parts = tuple(_part(str(key), value, unit, faults) for key, value in raw.items())
    return parts[0] if len(parts) == 1 else Every(parts)


def _measure(entry: Mapping[str, Any], pack: str, example: str, faults: list[str]) -> Measure:
    check_keys(
        entry,
        ("name", "title", "unit", "period", "sensitive", "direction", "source", "dimensions"),
        ("include", "count"),
        faults,
    )
    unit = check_choice(entry, "unit", UNITS, faults)
    if not isinstance(entry.get("sensitive"), bool):
        faults.append("sensitive must be true or false")
    named = entry.get("dimensions") or []
    for name in named:
        dimension = dimensions().get(str(name))
        if dimension is None:
            faults.append(f"{name} is no dimension")
        elif dimension.of == "resident" and unit == "household":
            faults.append(f"{name} divides residents, not households")
    return Measure(
        name=str(entry.get("name")),
        title=str(entry.get("title")),
        pack=pack,
        example=example,
        unit=unit,
        include=parse_condition(entry["include"], unit, faults) if "include" in entry else Every(),
        count=parse_condition(entry["count"], unit, faults) if "count" in entry else None,
        period=str(entry.get("period")),
        sensitive=entry.get("sensitive") is True,
        direction=check_choice(entry, "direction", DIRECTIONS, faults),
        source=str(entry.get("source")),
        dimensions=tuple(map(str, named)),
    )


def _part(key: str, value: object, unit: str, faults: list[str]) -> Condition:
    if key in ("all", "any"):
        if not isinstance(value, list) or not value:
            faults.append(f"{key} needs a list of conditions")
            return Every()
        parts = tuple(parse_condition(part, unit, faults) for part in value)
        return Every(parts) if key == "all" else Some(parts)
    if key == "not":
        return Negation(parse_condition(value, unit, faults))
    if key in ("any_resident", "residents_with"):
        return _residents(key, value, unit, faults)
    attribute = attributes_of(unit).get(key)
    if attribute is None:
        faults.append(f"{key} is no attribute of a {unit}")
        return Every()
    return _test(attribute, value, faults)


def _residents(key: str, value: object, unit: str, faults: list[str]) -> Condition:
    if unit != "household":
        faults.append(f"{key} is asked of households alone")
        return Every()
    if key == "any_resident":
        return ResidentsWith(parse_condition(value, "resident", faults))
    if not isinstance(value, dict) or not {"where"} < set(value) <= {"where", "at_least", "at_most"}:
        faults.append("residents_with has where, and at_least or at_most or both")
        return Every()
    return ResidentsWith(
        parse_condition(value["where"], "resident", faults), *_bounds("residents_with", value, faults)
    )


def _test(attribute: Attribute, value: object, faults: list[str]) -> Condition:
    if isinstance(value, dict):
        if attribute.type not in ("count", "number") or not value or set(value) - {"at_least", "at_most"}:
            faults.append(f"{attribute.name}: only a number is bounded, by at_least or at_most or both")
            return Every()
        low, high = _bounds(attribute.name, value, faults)
        return Test(attribute.name, (), low, high)
    values = tuple(value) if isinstance(value, list) else (value,)
    wanted: type = {"flag": bool, "code": str}.get(attribute.type, int)
    if not values or any(type(v) is not wanted for v in values):
        faults.append(f"{attribute.name}: must be {_EXPECTED[attribute.type]}")
        return Every()
    stray = [v for v in values if attribute.type == "code" and v not in attribute.codes]
    faults += [f"{attribute.name}: {v} is none of its codes" for v in stray]
    return Test(attribute.name, values)


_EXPECTED = {
    "flag": "true or false",
    "code": "one or several of its codes",
    "count": "a whole number or bounds",
    "number": "a whole number or bounds",
}


def _bounds(name: str, value: Mapping[str, Any], faults: list[str]) -> tuple[int | None, int | None]:
    low, high = value.get("at_least"), value.get("at_most")
    if any(type(bound) is not int for bound in (low, high) if bound is not None):
        faults.append(f"{name}: a bound is a whole number")
        return None, None
    return low, high
