"""Letters: one plain upper-case spelling for every way to type them."""

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
    """Return the text in upper case without accents; ASCII letters stay as they are."""
    if text.isascii():
        return text.upper()
    decomposed = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).upper()
