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
from pipeline.pseudonymise.match_fields.text import plain_spellings

_JOINER = re.compile(r"\s*(?:&|\+|/|\bAND\b)\s*")
_WORD = re.compile(r"[A-Z]+")
#: Meanings of words that are no part of a name.
_IGNORED = ("title", "placeholder", "suffix")


@dataclass(frozen=True)
class Forename:
    """Forms of a forename field. main: the first form. forms: full forenames. initials: of every forename."""

    main: str | None
    forms: tuple[str, ...]
    initials: tuple[str, ...]


@dataclass(frozen=True)
class Surname:
    """Forms of a surname field. main: key of all parts. forms: joined, and each part. codes: phonetic."""

    main: str | None
    forms: tuple[str, ...]
    codes: tuple[str, ...]


def parse_forename(text: str | None) -> Forename:
    """Return the forms of a forename field, with the standard forms of nicknames and transliterations."""
    words = [word for spelling in _spellings(text) for word in _named(_words(spelling))]
    forenames = [word for word in words if len(word) > 1]
    standard = [form for word in forenames for form in _nicknames().get(word, (word,))]
    # The word as written is kept too: if forename and surname are swapped, only this form is the same.
    forms = tuple(dict.fromkeys(standard + forenames))
    initials = dict.fromkeys(word[0] for word in words + standard)
    return Forename(forms[0] if forms else None, forms, tuple(initials))


def parse_surname(text: str | None) -> Surname:
    """Return the forms of a surname field."""
    names = [_parts(words) for spelling in _spellings(text) for words in _married_and_born(_words(spelling))]
    names = [parts for parts in names if parts]
    if not names:
        return Surname(None, (), ())
    mains = ["".join(parts) for parts in names]
    forms = tuple(dict.fromkeys([*mains, *(p for parts in names for p in parts if len(p) > 2)]))
    codes = dict.fromkeys(code for form in forms if (code := phonetic_code(form)))
    return Surname(_one_spelling(mains[0]), forms, tuple(codes))


def _parts(words: list[str]) -> list[str]:
    """Return the parts of one surname, without titles and suffixes, each with its particle."""
    kept = _named(words)
    parts: list[str] = []
    prefix = ""
    for position, word in enumerate(kept):
        if _meaning(word) == "particle" and position < len(kept) - 1:
            prefix += word
        elif len(word) > 1 or prefix or len(kept) == 1:
            parts.append(prefix + word)
            prefix = ""
    return parts


def _named(words: list[str]) -> list[str]:
    """Return the words that are names. Senior and Junior are names too, but only in the first place."""
    named: list[str] = []
    for word in words:
        meaning = _meaning(word)
        if meaning not in _IGNORED or (meaning == "suffix" and not named):
            named.append(word)
    return named


def _married_and_born(words: list[str]) -> list[list[str]]:
    """Return the words of each surname: "Smith nee Jones" is two surnames, of which the first is in use."""
    names: list[list[str]] = [[]]
    for word in words:
        if _meaning(word) == "former" and names[-1]:
            names.append([])
        else:
            names[-1].append(word)
    return names


def _one_spelling(name: str) -> str:
    """Return the key that "MULLER" and "MUELLER" have in common. It is only compared, never shown."""
    return name.replace("UE", "U").replace("OE", "O").replace("AE", "A")


def _spellings(text: str | None) -> tuple[str, ...]:
    return plain_spellings(text) if text else ()


def _words(plain: str) -> list[str]:
    return _WORD.findall(_JOINER.sub(" ", plain).replace("'", "").replace(".", " "))


def _meaning(word: str) -> str | None:
    return read_mapping("name_word").get(word)


@cache
def _nicknames() -> dict[str, tuple[str, ...]]:
    standard: dict[str, tuple[str, ...]] = {}
    for variant, form in read_rows("nickname"):
        standard[variant] = (*standard.get(variant, ()), form)
    return standard
