"""Definitions as YAML, read strictly: errors name the line, and repeated keys are rejected."""

from collections.abc import Hashable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml


class DefinitionInvalid(ValueError):
    """Definitions are invalid; the message lists every fault."""

    def __init__(self, name: str, faults: list[str]) -> None:
        super().__init__(f"{name}: " + "; ".join(faults))
        self.faults = tuple(faults)


if TYPE_CHECKING:
    from yaml import SafeLoader as SafeLoader
else:  # libyaml's loader is ten times faster than the one in Python
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(SafeLoader):
    """The safe loader, changed to reject repeated keys (it would take the last one)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, Hashable) and name in seen and name != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name} is repeated", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def yaml_files(folder: str) -> list[tuple[str, str]]:
    """Return name and text of every YAML file in a folder of `schemas`, by name."""
    found = (f for f in (files("schemas") / folder).iterdir() if f.name.endswith(".yaml"))
    return sorted((f.name, f.read_text("utf-8")) for f in found)


def read_yaml(name: str, text: str) -> Any:
    """Return the content of a definition file; raises DefinitionInvalid if not YAML or a key repeats."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 a safe loader all the same
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise DefinitionInvalid(name, [f"{where}{getattr(error, 'problem', 'it is not YAML')}"]) from None


def listed(entry: Any, key: str, faults: list[str]) -> list[Any]:
    """Return the list under a key, empty if the key is missing; adds a fault for anything else."""
    value = entry.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        faults.append(f"{key} must be a list, such as [{value}]")
        return []
    return value


def check_text(entry: Any, keys: tuple[str, ...], faults: list[str]) -> None:
    """Add a fault for each key that is present without text."""
    faults += [f"{key} must be text" for key in keys if key in entry and not str(entry[key] or "").strip()]
