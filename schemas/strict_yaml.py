"""Definitions as YAML, read strictly: a mistake of form is told with its line, and no key counts twice."""

from collections.abc import Hashable
from importlib.resources import files
from typing import Any

import yaml


class DefinitionInvalid(ValueError):
    """Definitions break their form; every fault is listed."""

    def __init__(self, name: str, faults: list[str]) -> None:
        super().__init__(f"{name}: " + "; ".join(faults))
        self.faults = tuple(faults)


class _StrictLoader(yaml.SafeLoader):
    """The safe loader, which otherwise lets the last of two equal keys win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, Hashable) and name in seen and name != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name} stands twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def yaml_files(folder: str) -> list[tuple[str, str]]:
    """Return name and text of every YAML file in a folder of `schemas`, by name."""
    found = (f for f in (files("schemas") / folder).iterdir() if f.name.endswith(".yaml"))
    return sorted((f.name, f.read_text("utf-8")) for f in found)


def read_yaml(name: str, text: str) -> Any:
    """Return what a definition file holds; raises DefinitionInvalid where it is no YAML or repeats a key."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 a safe loader all the same
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise DefinitionInvalid(name, [f"{where}{getattr(error, 'problem', 'it is no YAML')}"]) from None


def listed(entry: Any, key: str, faults: list[str]) -> list[Any]:
    """Return a list that stands under a key, empty where it is missing; notes anything else."""
    value = entry.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        faults.append(f"{key} must be a list, such as [{value}]")
        return []
    return value


def check_text(entry: Any, keys: tuple[str, ...], faults: list[str]) -> None:
    """Note keys that are there and hold no text."""
    faults += [f"{key} must be text" for key in keys if key in entry and not str(entry[key] or "").strip()]
