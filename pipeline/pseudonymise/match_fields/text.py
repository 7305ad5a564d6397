"""Converts text to plain upper case, so that the same word typed in different ways becomes equal."""

import unicodedata
from functools import lru_cache

from anyascii import anyascii

#: Letters and marks that do not decompose into a base letter and an accent, as British clerks type them. The
#: library has another reading of some (Ə is "E", ð is "d").
_SPECIAL = str.maketrans(
    {
        "Ə": "A", "ə": "A", "Þ": "TH", "þ": "TH", "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'",
        "–": "-", "—": "-", "‐": "-",
    }
)  # fmt: skip
#: The second way in which a letter is written without its mark.
_SECOND = str.maketrans(
    {
        "Ä": "AE", "ä": "AE", "Ö": "OE", "ö": "OE", "Ü": "UE", "ü": "UE", "Å": "AA", "å": "AA",
        "Ø": "OE", "ø": "OE", "Æ": "A", "æ": "A", "Ð": "TH", "ð": "TH", "Þ": "T", "þ": "T",
        "Ə": "E", "ə": "E", "ẞ": "S", "ß": "S", "Ş": "SH", "ş": "SH", "Č": "CH", "č": "CH", "Š": "SH",
        "š": "SH", "Ž": "ZH", "ž": "ZH", "Ñ": "NY", "ñ": "NY", "Đ": "DJ", "đ": "DJ",
    }
)  # fmt: skip


@lru_cache(maxsize=100_000)
def plain_upper(text: str) -> str:
    """Return the text in upper case, without accents and in Latin letters."""
    if text.isascii():
        return text.upper()
    decomposed = unicodedata.normalize("NFKD", repaired(text).translate(_SPECIAL))
    return anyascii("".join(c for c in decomposed if not unicodedata.combining(c))).upper()


def plain_spellings(text: str) -> tuple[str, ...]:
    """Return the plain text, and the text with the second way to write its letters ("MULLER", "MUELLER")."""
    if text.isascii():
        return (text.upper(),)
    second = repaired(unicodedata.normalize("NFC", text)).translate(_SECOND)
    return tuple(dict.fromkeys((plain_upper(text), plain_upper(second))))


def repaired(text: str) -> str:
    """Return a text that was read in the wrong encoding as it was before ("MÃ¼ller")."""
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
