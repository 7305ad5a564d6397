"""Names: the forms under which one person's forenames and surname may be written elsewhere.

A forename field may hold several forenames, initials, a title, or two people ("John & Mary");
a surname field may be double-barrelled, carry particles and apostrophes, or hold a changed name.
Nicknames and transliterations are data (`tables/nickname.csv`): a variant and the form it stands for.
"""

import re
from dataclasses import dataclass
from functools import cache

from pipeline.pseudonymise.match_fields.phonetic import phonetic_code
from pipeline.pseudonymise.match_fields.tables import read_mapping, read_rows
from pipeline.pseudonymise.match_fields.text import plain_upper

_JOINER = re.compile(r"\s*(?:&|\+|/|\bAND\b)\s*")
_WORD = re.compile(r"[A-Z]+")


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
    words = [w for w in _words(text) if _meaning(w) not in ("title", "placeholder")]
    whole = [word for word in words if len(word) > 1]
    meant = [form for word in whole for form in _nicknames().get(word, (word,))]
    # The word as written stays a form too: names swapped between the fields meet only there.
    forms = tuple(dict.fromkeys(meant + whole))
    initials = dict.fromkeys(word[0] for word in words + meant)
    return Forename(forms[0] if forms else None, forms, tuple(initials))


def parse_surname(text: str | None) -> Surname:
    """Return the forms of a surname field."""
    words = [w for w in _words(text) if _meaning(w) not in ("title", "placeholder")]
    parts: list[str] = []
    prefix = ""
    for place, word in enumerate(words):
        if _meaning(word) == "particle" and place < len(words) - 1:
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


def _meaning(word: str) -> str | None:
    return read_mapping("name_word").get(word)


@cache
def _nicknames() -> dict[str, tuple[str, ...]]:
    stands_for: dict[str, tuple[str, ...]] = {}
    for variant, form in read_rows("nickname"):
        stands_for[variant] = (*stands_for.get(variant, ()), form)
    return stands_for
