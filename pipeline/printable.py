"""Which names from input a message may show: names of columns, settings and files that others wrote.

A header can be a row of data, and a file can be named after a person. So a name is shown only if it looks
like the name of a column: every word of it is a word of Hearth's contracts or a usual word of column names,
or it is short and its words are joined by underscores, or it is a misspelt name of a declared column. No
name that contains an identifier is shown.
"""

import difflib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from schemas.contract import contracts

WITHHELD = "(name withheld)"
_LONGEST = 40
_MOST_WORDS = 5
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ _-][A-Za-z0-9]+)*")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: A UPRN, an NHS number or a date has at least this many digits; a postcode has digits next to letters.
_DIGITS = re.compile(r"[0-9](?:[ _-]?[0-9]){3,}")
_POSTCODE = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}[0-9][A-Z0-9]?[ _-]?[0-9][A-Z]{2}(?![A-Z0-9])")
_USUAL_WORDS = frozenset(
    re.findall(
        r"[a-z]+",
        """address age band box cd code codes columns comment comments correction council count csv
        dat data date day desc description dob dt engine event extra extract extracts field file
        flag free gp group gz header home id ind index json key keys line lines list lsoa manifest
        map missing month name nhs no note notes num of old other parquet path pc people postal pq
        primary project ref reference row rows sample secondary source start status street system
        tel telephone text the toml town transfer tsv txt type unknown value version year""",
    )
)
#: The folder of a transfer package: controller and sequence number.
_PACKAGE = re.compile(r"(?:rekey-)?(?:council|nhs)-(?:[0-9]{6}|v[0-9]{1,4})")
_SUFFIXES = re.compile(r"(?:\.[a-z]{2,8}){0,3}$")
#: The smallest similarity (0 to 1) of a name that resembles a declared one.
_ALIKE = 0.75
#: The smallest similarity of a name that is a misspelt declared one.
_MISSPELT = 0.85


def printable_name(name: str, declared: Iterable[str] = ()) -> str | None:
    """Return the name if a message may show it, otherwise None. declared: names that it may misspell."""
    if len(name) > _LONGEST or not _PLAIN.fullmatch(name):
        return None
    if _DIGITS.search(name) or _POSTCODE.search(name.upper()):
        return None
    words = [word.lower() for word in _WORD.findall(name)]
    if all(word in _known_words() for word in words):
        return name
    if _SNAKE.fullmatch(name) and len(words) <= _MOST_WORDS:
        return name
    return name if resembles(name, declared, _MISSPELT) else None


def shown(name: str, declared: Iterable[str] = ()) -> str:
    """Return the name for a message, or a remark that it is withheld."""
    return printable_name(name, declared) or WITHHELD


def shown_in_quotes(name: str, declared: Iterable[str] = ()) -> str:
    """Return the name for a message in quotation marks, or a remark that it is withheld."""
    return WITHHELD if printable_name(name, declared) is None else repr(name)


def shown_file(path: Path) -> str:
    """Return the name of a file or folder for a message: withheld if it could name someone."""
    stem = _SUFFIXES.sub("", path.name)
    return path.name if _PACKAGE.fullmatch(stem) or printable_name(stem) else "(file name withheld)"


def resembles(name: str, declared: Iterable[str], similarity: float = _ALIKE) -> str | None:
    """Return the declared name that is most like the name, or None if none has that similarity (0 to 1)."""
    spelt = {_spelling(known): known for known in declared}
    close = difflib.get_close_matches(_spelling(name)[:_LONGEST], list(spelt), 1, similarity)
    return spelt[close[0]] if close else None


def _spelling(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


@cache
def _known_words() -> frozenset[str]:
    """Return the words of column names and titles in the contracts of extracts, and usual words."""
    texts = [
        text
        for contract in contracts("extract")
        for text in (contract.table, *(text for c in contract.columns for text in (c.name, c.title)))
    ]
    return _USUAL_WORDS | {word.lower() for text in texts for word in _WORD.findall(text)}
