"""Name parsing: the forms in which a person's forenames and surname may be written in another register.

A forename field may contain several forenames, initials, a title, or two people ("John & Mary"). A surname
field may be double-barrelled, have particles and apostrophes, or contain a changed name. Nicknames and
transliterations come from a table (`tables/nickname.csv`) of variants and their standard forms.
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
    """Forms of a forename field. main: the first form. forms: full forenames. initials: of every forename."""

    main: str | None
    forms: tuple[str, ...]
    initials: tuple[str, ...]


@dataclass(frozen=True)
class Surname:
    """Forms of a surname field. main: all parts joined. forms: `main` and each part. codes: phonetic."""

    main: str | None
    forms: tuple[str, ...]
    codes: tuple[str, ...]


def parse_forename(text: str | None) -> Forename:
    """Return the forms of a forename field, with the standard forms of nicknames and transliterations."""
    words = [w for w in _words(text) if _meaning(w) not in ("title", "placeholder")]
    forenames = [word for word in words if len(word) > 1]
    standard = [form for word in forenames for form in _nicknames().get(word, (word,))]
    # The word as written is kept too: if forename and surname are swapped, only this form is the same.
    forms = tuple(dict.fromkeys(standard + forenames))
    initials = dict.fromkeys(word[0] for word in words + standard)
    return Forename(forms[0] if forms else None, forms, tuple(initials))


def parse_surname(text: str | None) -> Surname:
    """Return the forms of a surname field."""
    words = [w for w in _words(text) if _meaning(w) not in ("title", "placeholder")]
    parts: list[str] = []
    prefix = ""
    for position, word in enumerate(words):
        if _meaning(word) == "particle" and position < len(words) - 1:
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
    standard: dict[str, tuple[str, ...]] = {}
    for variant, form in read_rows("nickname"):
        standard[variant] = (*standard.get(variant, ()), form)
    return standard
