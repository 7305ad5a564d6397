"""Attributes of households and residents that measures may use.

They are data in `schemas/attributes/`, read once and checked. A new condition or event needs no code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from schemas.code_list import load_code_list
from schemas.strict_yaml import DefinitionInvalid, read_yaml, yaml_files

#: "flag": yes or no; "count": whole number from 0; "number": whole number; "code": code of a list.
TYPES = ("flag", "count", "number", "code")
UNITS = ("household", "resident")
SOURCES = ("condition", "event")
#: Columns of a patient's own row that may replace an absent table.
SUBSTITUTES = ("long_term_conditions", "emergency_admissions")


@dataclass(frozen=True)
class Attribute:
    """One column of households or residents. codes: the codes it may contain, where it is coded."""

    name: str
    title: str
    type: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResidentAttribute:
    """One attribute of a resident, counted from conditions or events.

    type: "flag" or "count"; source: "condition" or "event"; codes: which conditions or events count.
    icd10_groups: for events, which diagnosis groups count (empty: all).
    months: how long before the reference date; None for any time.
    otherwise: column of the patient's row that is used where the table is absent.
    """

    name: str
    title: str
    type: str
    source: str
    codes: tuple[str, ...]
    icd10_groups: tuple[str, ...] = ()
    months: int | None = None
    otherwise: str | None = None


#: Attributes of every resident, in addition to those counted from conditions and events.
PERSONAL_ATTRIBUTES = (
    Attribute("age_years", "Age in years", "count"),
    Attribute("sex", "Sex", "code", tuple(c.code for c in load_code_list("sex").codes)),
    Attribute(
        "ethnic_group", "Ethnic group", "code", tuple(c.code for c in load_code_list("ethnic_group").codes)
    ),
    Attribute("moved_in_last_year", "Moved in within 12 months", "flag"),
    Attribute("is_listed_by_council", "Listed at the dwelling by a council service", "flag"),
    Attribute("is_pupil", "Pupil in the school census", "flag"),
    Attribute("has_free_school_meals", "Free school meals", "flag"),
    Attribute("has_special_educational_needs", "Special educational needs (support or plan)", "flag"),
    Attribute("has_good_level_of_development", "Good level of development at the end of reception", "flag"),
    Attribute("is_often_absent", "Attends less than 90% of school sessions", "flag"),
    Attribute("sessions_missed_percent", "School sessions missed, in whole percent", "count"),
    Attribute("is_in_work", "In work", "flag"),
)


@cache
def household_attributes() -> Mapping[str, Attribute]:
    """Return name -> attribute of a household, in the order of the file."""
    return definitions_of("household.yaml", _household_attribute)


@cache
def resident_attributes() -> tuple[ResidentAttribute, ...]:
    """Return every attribute that is counted from conditions or events, in the order of the file."""
    return tuple(definitions_of("resident.yaml", _resident_attribute).values())


@cache
def attributes_of(unit: str) -> Mapping[str, Attribute]:
    """Return name -> attribute that a condition on that unit may test.

    unit: "household"; "person" for a resident's own; or "resident" for a resident's own and the household's.
    """
    if unit == "household":
        return household_attributes()
    counted = {a.name: Attribute(a.name, a.title, a.type) for a in resident_attributes()}
    own = {a.name: a for a in PERSONAL_ATTRIBUTES} | counted
    return own if unit == "person" else {**household_attributes(), **own}


def read_definitions(
    folder: str, parse: Callable[[str, str], Mapping[str, Any]], file_kind: str = "file"
) -> dict[str, Any]:
    """Return name -> definition of every YAML file in a folder of `schemas`, in the order of the files.

    parse: turns a file's name and text into its definitions. file_kind: what a message calls a file.
    Raises DefinitionInvalid with every fault of an invalid file, or where two files define one name.
    """
    found: dict[str, Any] = {}
    for name, text in yaml_files(folder):
        for key, definition in parse(name, text).items():
            if key in found:
                raise DefinitionInvalid(name, [f"{key}: another {file_kind} already defines it"])
            found[key] = definition
    return found


def parse_definitions(
    name: str, text: str, parse: Callable[[Mapping[str, Any], list[str]], Any]
) -> dict[str, Any]:
    """Return name -> definition of a YAML list; raises DefinitionInvalid with every fault.

    parse: turns one entry into its definition and adds faults to the list passed to it.
    """
    listed = read_yaml(name, text)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise DefinitionInvalid(name, ["must be a list of definitions"])
    faults: list[str] = []
    found: dict[str, Any] = {}
    for entry in listed:
        key = str(entry.get("name", "(no name)"))
        if not (key.isidentifier() and key == key.lower()):
            faults.append(f"{key}: a name may contain only lower-case letters, digits and underscores")
        if key in found:
            faults.append(f"{key}: is defined twice")
        own: list[str] = []
        found[key] = parse(entry, own)
        faults += [f"{key}: {fault}" for fault in own]
    if faults:
        raise DefinitionInvalid(name, faults)
    return found


def check_keys(
    entry: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...], faults: list[str]
) -> None:
    """Add a fault for each key that is unknown or missing."""
    known = {*required, *optional}
    faults += [
        f"unknown key {key}; known keys are {', '.join(sorted(known))}" for key in sorted(set(entry) - known)
    ]
    faults += [f"{key} is missing" for key in required if key not in entry]


def check_choice(entry: Mapping[str, Any], key: str, choices: tuple[str, ...], faults: list[str]) -> str:
    """Return the entry's value if it is one of the choices; otherwise add a fault and return the first."""
    if entry.get(key) in choices:
        return str(entry[key])
    if key in entry:
        faults.append(f"{key} must be one of {', '.join(choices)}")
    return choices[0]


def definitions_of(file: str, parse: Callable[[Mapping[str, Any], list[str]], Any]) -> dict[str, Any]:
    return parse_definitions(file, (files("schemas") / "attributes" / file).read_text("utf-8"), parse)


def _household_attribute(entry: Mapping[str, Any], faults: list[str]) -> Attribute:
    check_keys(entry, ("name", "title", "type"), ("code_list",), faults)
    kind = check_choice(entry, "type", TYPES, faults)
    if (kind == "code") != ("code_list" in entry):
        faults.append("code_list is required for type code and not allowed for any other type")
        return Attribute(str(entry.get("name")), str(entry.get("title")), kind)
    codes = tuple(c.code for c in load_code_list(entry["code_list"]).codes) if kind == "code" else ()
    return Attribute(str(entry.get("name")), str(entry.get("title")), kind, codes)


def _resident_attribute(entry: Mapping[str, Any], faults: list[str]) -> ResidentAttribute:
    check_keys(
        entry, ("name", "title", "type", "from", "codes"), ("icd10_groups", "months", "otherwise"), faults
    )
    source = check_choice(entry, "from", SOURCES, faults)
    codes, groups = entry.get("codes") or [], entry.get("icd10_groups") or []
    known = {code.code for code in load_code_list(source).codes}
    faults += [f"{code} is not a code in the list {source}" for code in codes if code not in known]
    if not codes:
        faults.append("codes is empty")
    if groups and source != "event":
        faults.append("icd10_groups is allowed only for events")
    months = entry.get("months")
    if months is not None and (isinstance(months, bool) or not isinstance(months, int) or months < 1):
        faults.append("months must be a whole number above zero")
        months = None
    if entry.get("otherwise") is not None:
        check_choice(entry, "otherwise", SUBSTITUTES, faults)
    return ResidentAttribute(
        name=str(entry.get("name")),
        title=str(entry.get("title")),
        type=check_choice(entry, "type", ("flag", "count"), faults),
        source=source,
        codes=tuple(map(str, codes)),
        icd10_groups=tuple(map(str, groups)),
        months=months,
        otherwise=entry.get("otherwise"),
    )
