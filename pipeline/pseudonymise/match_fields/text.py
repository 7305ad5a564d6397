"""Converts text to plain upper case, so that the same word typed in different ways becomes equal."""

import unicodedata

#: Letters that do not decompose into a base letter and an accent.
_SPECIAL = str.maketrans(
    {
        "Ł": "L", "ł": "L", "Ø": "O", "ø": "O", "Đ": "D", "đ": "D", "ß": "SS", "Æ": "AE", "æ": "AE",
        "Œ": "OE", "œ": "OE", "Þ": "TH", "þ": "TH", "ı": "I", "’": "'", "‘": "'", "`": "'", "´": "'",
        "–": "-", "—": "-", "‐": "-",
    }
)  # fmt: skip


def plain_upper(text: str) -> str:
    """Return the text in upper case and without accents."""
    if text.isascii():
        return text.upper()
    decomposed = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).upper()
