"""Outcomes frameworks as data: measures grouped under named goals, `schemas/frameworks/<name>.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.strict_yaml import DefinitionInvalid, read_yaml, yaml_files
from schemas.table import Table, tables


@dataclass(frozen=True)
class Indicator:
    """One measure of a framework, and the table without dimensions that has its totals."""

    measure: str
    table_id: str


@dataclass(frozen=True)
class Goal:
    """One goal and its indicators, in order."""

    name: str
    title: str
    indicators: tuple[Indicator, ...]


@dataclass(frozen=True)
class Framework:
    """One framework. example: the practice example that it follows."""

    name: str
    title: str
    example: str
    goals: tuple[Goal, ...]


@cache
def frameworks() -> Mapping[str, Framework]:
    """Return name -> framework of every file; raises DefinitionInvalid with every fault."""
    texts = {name.removesuffix(".yaml"): text for name, text in yaml_files("frameworks")}
    return {name: parse_framework(name, text, tables()) for name, text in texts.items()}


def parse_framework(name: str, text: str, known: Mapping[str, Table]) -> Framework:
    """Check the YAML of a framework against the registered tables; raises DefinitionInvalid."""
    raw = read_yaml(name, text)
    if not isinstance(raw, dict) or set(raw) != {"title", "example", "goals"} or not raw["goals"]:
        raise DefinitionInvalid(name, ["a framework must have a title, an example and goals"])
    faults: list[str] = []
    goals = tuple(_goal(entry, known, faults) for entry in raw["goals"])
    names = [goal.name for goal in goals]
    faults += [f"goal {n} is defined twice" for n in sorted({n for n in names if names.count(n) > 1})]
    if faults:
        raise DefinitionInvalid(name, faults)
    return Framework(name, str(raw["title"]), str(raw["example"]), goals)


def _goal(entry: Any, known: Mapping[str, Table], faults: list[str]) -> Goal:
    if not isinstance(entry, dict) or set(entry) != {"name", "title", "measures"} or not entry["measures"]:
        faults.append("a goal must have a name, a title and measures")
        return Goal("", "", ())
    return Goal(
        str(entry["name"]),
        str(entry["title"]),
        tuple(_indicator(str(entry["name"]), item, known, faults) for item in entry["measures"]),
    )


def _indicator(goal: str, item: Any, known: Mapping[str, Table], faults: list[str]) -> Indicator:
    if not isinstance(item, dict) or set(item) != {"measure", "table"}:
        faults.append(f"{goal}: an indicator must have a measure and a table")
        return Indicator("", "")
    table = known.get(str(item["table"]))
    if table is None or item["measure"] not in table.measures:
        faults.append(f"{goal}: {item['table']} is not a table with the measure {item['measure']}")
    elif table.dimensions:
        faults.append(f"{goal}: {item['table']} is broken down by a dimension, so it has no totals")
    return Indicator(str(item["measure"]), str(item["table"]))
