"""Every code of an error, a finding or a set-aside row: what happened, what it means and what to do now.

One file a subject in `schemas/errors/`. `hearth explain` prints an entry, and `docs/reference/errors.md` is
generated from all of them. A test compares them with the codes in the source.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.strict_yaml import DefinitionInvalid, check_text, listed, read_yaml, yaml_files

#: Kind -> what a code of that kind is, for people.
KINDS: Mapping[str, str] = {
    "fault": "fault, exit code 1: something is broken or cannot be used",
    "refusal": "refusal, exit code 2: it is not allowed, and the command or run stops",
    "rule": "verdict of a rule: the gate refuses (exit code 2), or warns and needs a waiver",
    "finding": "finding: one item of a list in an error",
    "quarantine": "quarantine reason: why a row was set aside or a cell left empty",
    "repair": "repair: how an identifier was corrected",
    "unassigned": "reason why a record was given no UPRN",
    "attack": "finding of an attack on a release",
    "verdict": "verdict of `hearth audit verify`",
}
#: The files of `schemas/errors`, in the order in which a reader meets their subjects.
SUBJECTS = (
    "commands",
    "project",
    "run",
    "agreement",
    "principals",
    "ingest",
    "quarantine",
    "assign_uprn",
    "keys",
    "pseudonymise",
    "transfer",
    "linkage",
    "tables",
    "disclosure",
    "attack",
    "publish",
    "findings",
    "retention",
    "audit",
)
_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_RULE = re.compile(r"[A-Z]{3}-\d\d")
_REQUIRED = ("code", "kinds", "title", "meaning", "remedy")


@dataclass(frozen=True)
class ErrorCode:
    """One entry of the registry.

    kinds: keys of KINDS; a code can be raised in more than one way. rules: ids of the rules that give it.
    """

    code: str
    kinds: tuple[str, ...]
    title: str
    meaning: str
    remedy: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class ErrorSubject:
    """One file of the registry. about: what its errors have in common."""

    name: str
    title: str
    about: str
    errors: tuple[ErrorCode, ...]


@cache
def error_subjects() -> tuple[ErrorSubject, ...]:
    """Return every subject with its codes; raises DefinitionInvalid where a file breaks its form."""
    texts = {name.removesuffix(".yaml"): text for name, text in yaml_files("errors")}
    if set(texts) != set(SUBJECTS):
        raise DefinitionInvalid("schemas/errors", ["its files and SUBJECTS of error_code.py differ"])
    subjects = tuple(parse_subject(name, texts[name]) for name in SUBJECTS)
    codes = [entry.code for subject in subjects for entry in subject.errors]
    if repeated := sorted({code for code in codes if codes.count(code) > 1}):
        raise DefinitionInvalid("schemas/errors", [f"{code}: registered twice" for code in repeated])
    return subjects


@cache
def error_codes() -> Mapping[str, ErrorCode]:
    """Return code -> entry of every subject."""
    return {entry.code: entry for subject in error_subjects() for entry in subject.errors}


def parse_subject(name: str, text: str) -> ErrorSubject:
    """Return the subject of one file; raises DefinitionInvalid with every fault."""
    content = read_yaml(name, text)
    if not isinstance(content, dict) or set(content) != {"title", "about", "errors"}:
        raise DefinitionInvalid(name, ["must have title, about and errors"])
    faults: list[str] = []
    check_text(content, ("title", "about"), faults)
    entries: list[ErrorCode] = []
    for item in listed(content, "errors", faults):
        own: list[str] = []
        code = str(item.get("code", "(no code)")) if isinstance(item, dict) else "(no code)"
        if not isinstance(item, dict):
            own.append("must be a mapping")
        else:
            entries.append(_entry(code, item, own))
        faults += [f"{code}: {fault}" for fault in own]
    codes = [entry.code for entry in entries]
    if codes != sorted(codes):
        faults.append("codes must be in alphabetical order")
    if faults:
        raise DefinitionInvalid(name, faults)
    return ErrorSubject(name, str(content["title"]), str(content["about"]), tuple(entries))


def _entry(code: str, item: Mapping[str, Any], faults: list[str]) -> ErrorCode:
    faults += [f"{key} is missing" for key in _REQUIRED if key not in item]
    faults += [f"unknown key {key}" for key in item if key not in (*_REQUIRED, "rules")]
    check_text(item, ("title", "meaning", "remedy"), faults)
    kinds, rules = (tuple(map(str, listed(item, key, faults))) for key in ("kinds", "rules"))
    if not _CODE.fullmatch(code):
        faults.append("a code has capitals, digits and underscores")
    if not kinds or set(kinds) - set(KINDS):
        faults.append(f"kinds must be among {', '.join(KINDS)}")
    if rules and not ("rule" in kinds and all(map(_RULE.fullmatch, rules))):
        faults.append("rules must be rule ids such as PRE-01, of a code of kind rule")
    title, meaning, remedy = (str(item.get(key, "")).strip() for key in ("title", "meaning", "remedy"))
    return ErrorCode(code, kinds, title, meaning, remedy, rules)
