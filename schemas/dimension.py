"""Dimensions: what tables may be broken down by. They are data in `schemas/attributes/dimension.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.attribute import UNITS, Attribute, attributes_of, check_choice, check_keys, definitions_of
from schemas.code_list import load_code_list
from schemas.condition import Condition, attributes_in, parse_condition

#: Category of everyone who is in no other category of a dimension.
UNKNOWN = "unknown"
_FORMS = ("groups", "codes", "code_sets", "flag", "bands")


@dataclass(frozen=True)
class Dimension:
    """One breakdown of a table.

    of: "household" or "resident": the unit that has the attribute.
    attribute: what is divided, by code_sets (category -> codes; for a flag "true", "false") or bands
    (category -> (from, to), both included, None for open); None where `condition` is used instead.
    condition: divides into the two categories of `outcome`: true, and not true.
    categories: in order; UNKNOWN comes last and has everyone who is in no other category.
    """

    name: str
    title: str
    of: str
    attribute: str | None
    code_sets: Mapping[str, tuple[str, ...]]
    bands: Mapping[str, tuple[int | None, int | None]]
    condition: Condition | None = None
    outcome: tuple[str, ...] = ()

    @property
    def categories(self) -> tuple[str, ...]:
        """Every category in order, UNKNOWN last."""
        return (*self.code_sets, *self.bands, *self.outcome, UNKNOWN)

    @property
    def attributes(self) -> frozenset[str]:
        """Names of the attributes that the dimension uses."""
        return attributes_in(self.condition) if self.attribute is None else frozenset((self.attribute,))


@cache
def dimensions() -> Mapping[str, Dimension]:
    """Return name -> dimension, in the order of the file."""
    return definitions_of("dimension.yaml", parse_dimension)


def parse_dimension(entry: Mapping[str, Any], faults: list[str]) -> Dimension:
    """Turn one YAML entry into a dimension; adds every fault to `faults`."""
    name, title = str(entry.get("name")), str(entry.get("title"))
    of = check_choice(entry, "of", UNITS, faults)
    if "condition" in entry:
        check_keys(entry, ("name", "title", "of", "condition", "categories"), (), faults)
        outcome = tuple(map(str, entry.get("categories", ())))
        if len(outcome) != 2:
            faults.append(
                "categories must be two: one for the condition being true, one for it not being true"
            )
        return Dimension(
            name, title, of, None, {}, {}, parse_condition(entry["condition"], of, faults), outcome
        )
    check_keys(entry, ("name", "title", "of", "attribute"), _FORMS, faults)
    given = [form for form in _FORMS if form in entry]
    attribute = attributes_of(of).get(str(entry.get("attribute")))
    if len(given) != 1:
        faults.append(f"exactly one of {', '.join(_FORMS)}, or a condition, must be given")
    elif attribute is None:
        faults.append(f"{entry.get('attribute')} is not an attribute of a {of}")
    else:
        code_sets, bands = _divisions(given[0], entry[given[0]], attribute)
        stray = sorted({c for codes in code_sets.values() for c in codes} - set(attribute.codes))
        if attribute.type == "code":
            faults += [f"{code} is not a code of {attribute.name}" for code in stray]
        if any(not codes for codes in code_sets.values()) or UNKNOWN in {*code_sets, *bands}:
            faults.append(f"a category is empty or is named {UNKNOWN}")
        return Dimension(name, title, of, attribute.name, code_sets, bands)
    return Dimension(name, title, of, str(entry.get("attribute")), {}, {})


def _divisions(
    form: str, raw: Any, attribute: Attribute
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[int | None, int | None]]]:
    if form == "bands":
        return {}, {str(name): (low, high) for name, (low, high) in raw.items()}
    if form == "flag":
        return dict(zip(raw, (("true",), ("false",)), strict=True)), {}
    if form == "codes":
        return {str(code): (str(code),) for code in raw}, {}
    if form == "code_sets":
        return {str(name): tuple(map(str, codes)) for name, codes in raw.items()}, {}
    groups = load_code_list(attribute.name).groups()
    return {
        str(name): tuple(code for code, its in groups.items() if its == group) for group, name in raw.items()
    }, {}
