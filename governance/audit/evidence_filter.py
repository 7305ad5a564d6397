"""What the evidence of an event may carry: counts, rates, digests, codes and short texts, no row's value.

A text that looks like an identifier is refused wherever it stands. Keys have check values of 16
hexadecimal digits, and one in 1,800 of those has no letter and looks like a number of somebody; they
are written marked as what they are (`check:0123456789abcdef`), and nothing else passes under that
mark. Digests have 64 digits, more than any identifier, and need none.
"""

import re
from collections.abc import Mapping
from typing import Any

_LONGEST_TEXT = 500
_MARK = "check:"
_CHECK_VALUE = re.compile(rf"{_MARK}[0-9a-f]{{16}}")
_IDENTIFIER = re.compile(
    r"\s*\d[\d ]{5,14}\d\s*"  # a UPRN or an NHS number, spaced or not
    r"|\s*[A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2}\s*"  # a postcode
)


def marked_check_value(value: str) -> str:
    """Return a key's check value as evidence carries it; one that is marked already stays as it is."""
    return value if value.startswith(_MARK) else _MARK + value


def content_fault(evidence: Any) -> str:
    """Return what is wrong with evidence that carries something like a row's value, or nothing."""
    if isinstance(evidence, Mapping):
        return next((fault for item in (*evidence, *evidence.values()) if (fault := content_fault(item))), "")
    if isinstance(evidence, list | tuple):
        return next((fault for item in evidence if (fault := content_fault(item))), "")
    if isinstance(evidence, str):
        return _text_fault(evidence)
    if evidence is None or isinstance(evidence, bool | int | float):
        return ""
    return f"carries a {type(evidence).__name__}"


def _text_fault(text: str) -> str:
    if text.startswith(_MARK):
        return "" if _CHECK_VALUE.fullmatch(text) else "carries a check value that is not one"
    if _IDENTIFIER.fullmatch(text):
        return "carries text that looks like an identifier"
    return f"carries a text of more than {_LONGEST_TEXT} characters" if len(text) > _LONGEST_TEXT else ""
