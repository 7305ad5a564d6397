"""Names: the forms under which one person's forenames and surname may be written elsewhere.

A forename field may hold several forenames, initials, a title, or two people ("John & Mary");
a surname field may be double-barrelled, carry particles and apostrophes, or hold a changed name.
Nicknames and transliterations are data (`tables/nickname.csv`): a variant and the form it stands for.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipeline.pseudonymise.match_fields.phonetic import phonetic_code
from pipeline.pseudonymise.match_fields.text import plain_upper

TITLES = frozenset(
    "MR MRS MS MISS MX DR DOCTOR PROF PROFESSOR REV REVD REVEREND SIR DAME LADY LORD MASTER MSTR FR SR".split()
)
#: Written before a surname, with or without a space; they belong to the word that follows.
PARTICLES = frozenset(
    "O MC MAC DE DEL DELLA DER DEN DI DA DOS DU LA LE VAN VON TER TEN EL AL ABU BIN BINTI IBN ST SAINT FITZ".split()
)
_JOINER = re.compile(r"\s*(?:&|\+|/|\bAND\b)\s*")
_WORD = re.compile(r"[A-Z]+")
#: Placeholders that clerks type where the name is not known.
PLACEHOLDERS = frozenset(
    "UNKNOWN OCCUPIER OWNER TENANT RESIDENT HOUSEHOLDER BABY INFANT NONE NULL NA TBC TEST VOID".split()
)


@dataclass(frozen=True)
class Forename:
    """Forms of a forename field: whole forenames (first one first) and the initials of all."""

    main: str | None
    forms: tuple[str, ...]
    initials: tuple[str, ...]


@dataclass(frozen=True)
class Surname:
    """Forms of a surname field: written together, and each part; phonetic codes of the same."""

    main: str | None
    forms: tuple[str, ...]
    codes: tuple[str, ...]


def parse_forename(text: str | None) -> Forename:
    """Return the forms of a forename field; nicknames and transliterations become the form they stand for."""
    words = [w for w in _words(text) if w not in TITLES and w not in PLACEHOLDERS]
    forms = tuple(dict.fromkeys(form for w in words if len(w) > 1 for form in _nicknames().get(w, (w,))))
    initials = [w[0] for w in words] + [form[0] for form in forms]
    return Forename(forms[0] if forms else None, forms, tuple(dict.fromkeys(initials)))


def parse_surname(text: str | None) -> Surname:
    """Return the forms of a surname field."""
    words = [w for w in _words(text) if w not in TITLES and w not in PLACEHOLDERS]
    parts: list[str] = []
    prefix = ""
    for place, word in enumerate(words):
        if word in PARTICLES and place < len(words) - 1:
            prefix += word
        elif len(word) > 1 or prefix or len(words) == 1:
            parts.append(prefix + word)
            prefix = ""
    if not parts:
        return Surname(None, (), ())
    main = "".join(parts)
    forms = tuple(dict.fromkeys([main, *(p for p in parts if len(p) > 2)]))
    codes = dict.fromkeys(code for form in forms if (code := phonetic_code(form)))
    return Surname(main, forms, tuple(codes))


def _words(text: str | None) -> list[str]:
    if not text:
        return []
    plain = _JOINER.sub(" ", plain_upper(text)).replace("'", "").replace(".", " ")
    return _WORD.findall(plain)


@cache
def _nicknames() -> dict[str, tuple[str, ...]]:
    folder = files("pipeline.pseudonymise.match_fields") / "tables"
    stands_for: dict[str, tuple[str, ...]] = {}
    with (folder / "nickname.csv").open("r", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            stands_for[row["variant"]] = (*stands_for.get(row["variant"], ()), row["stands_for"])
    return stands_for
