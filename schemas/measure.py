"""Measures as data: who is in the numerator, who is in the denominator, and which example each serves.

Measures are grouped in packs, `schemas/measures/<pack>.yaml`; their conditions are in the language of
`schemas/condition.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from schemas.attribute import UNITS, check_choice, check_keys, parse_definitions, read_definitions
from schemas.condition import Condition, Every, attributes_in, parse_condition
from schemas.dimension import dimensions
from schemas.strict_yaml import DefinitionInvalid, check_text, listed, read_yaml

__all__ = ["DIRECTIONS", "Measure", "attributes_in", "measures", "parse_pack"]

DIRECTIONS = ("lower_is_better", "higher_is_better", "neutral")


@dataclass(frozen=True)
class Measure:
    """One measure.

    unit: what is counted. include: who is in the denominator. count: who is in the numerator; None
    for a plain count of the included. period: the period of the numerator, in words.
    dimensions: what it may be broken down by. example: the practice example that it serves.
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


@cache
def measures() -> Mapping[str, Measure]:
    """Return name -> measure of every pack; raises DefinitionInvalid with every fault of a pack."""

    def parse(name: str, text: str) -> dict[str, Measure]:
        return {measure.name: measure for measure in parse_pack(name.removesuffix(".yaml"), text)}

    return read_definitions("measures", parse, "pack")


def parse_pack(pack: str, text: str) -> tuple[Measure, ...]:
    """Check the YAML of one pack and return its measures; raises DefinitionInvalid with every fault."""
    raw = read_yaml(pack, text)
    if not isinstance(raw, dict) or set(raw) != {"example", "measures"}:
        raise DefinitionInvalid(pack, ["a pack must have the keys example and measures"])

    def parse(entry: Mapping[str, Any], faults: list[str]) -> Measure:
        return _measure(entry, pack, str(raw["example"]), faults)

    return tuple(parse_definitions(pack, yaml.safe_dump(raw["measures"], sort_keys=False), parse).values())


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
    check_text(entry, ("title", "period", "source"), faults)
    named = listed(entry, "dimensions", faults)
    for name in named:
        dimension = dimensions().get(str(name))
        if dimension is None:
            faults.append(f"{name} is not a dimension")
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
