"""A mutant: one small change of one file, and whether it is known to change nothing."""

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Mutant:
    """path: relative to the repository. line: where the change is. before, after: that line, stripped."""

    path: str
    line: int
    operator: str
    before: str
    after: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the mutant as long as its line stays as it is, wherever the line moves."""
        return self.path, self.before, self.after


def mutant_of(path: str, original: str, mutated: str, operator: str) -> Mutant | None:
    """Return the mutant that a changed text is; None where no line differs."""
    old, new = original.splitlines(), mutated.splitlines()
    for number, line in enumerate(old):
        if number >= len(new) or line != new[number]:
            after = new[number] if number < len(new) else ""
            return Mutant(path, number + 1, operator, line.strip(), after.strip(), mutated)
    return None


@cache
def _listed() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = tomllib.loads((HERE / "equivalent.toml").read_text("utf-8")).get(
        "equivalent", []
    )
    return listed


def equivalence(mutant: Mutant) -> str:
    """Return why a mutant changes no behaviour, as `equivalent.toml` states it; "" where it may."""
    for item in _listed():
        if fnmatch(mutant.path, item["file"]) and _is_listed(mutant, item):
            return str(item["why"])
    return ""


def _is_listed(mutant: Mutant, item: dict[str, Any]) -> bool:
    if item.get("is_pattern"):
        return all(
            re.fullmatch(pattern, line)
            for pattern, line in ((item["before"], mutant.before), (item["after"], mutant.after))
        )
    return (item["before"], item["after"]) == (mutant.before, mutant.after)
