"""What the evidence of an event may contain: counts, rates, digests, codes and short texts, no row's value.

Text that looks like an identifier is refused anywhere. A key's check value has 16 hexadecimal digits,
and one in 1,800 has no letter, so it looks like a person's number. Check values are therefore written
with a mark (`check:0123456789abcdef`), and no other text may have that mark. Digests have 64 digits,
more than any identifier, and need no mark.
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
    """Return a key's check value with its mark; a marked one is returned unchanged."""
    return value if value.startswith(_MARK) else _MARK + value


def content_fault(evidence: Any) -> str:
    """Return why evidence may not be written, for example because it looks like an identifier, or ""."""
    if isinstance(evidence, Mapping):
        return next((fault for item in (*evidence, *evidence.values()) if (fault := content_fault(item))), "")
    if isinstance(evidence, list | tuple):
        return next((fault for item in evidence if (fault := content_fault(item))), "")
    if isinstance(evidence, str):
        return _text_fault(evidence)
    if evidence is None or isinstance(evidence, bool | int | float):
        return ""
    return f"contains a value of type {type(evidence).__name__}"


def _text_fault(text: str) -> str:
    if text.startswith(_MARK):
        return "" if _CHECK_VALUE.fullmatch(text) else "contains a malformed check value"
    if _IDENTIFIER.fullmatch(text):
        return "contains text that looks like an identifier"
    return f"contains a text of more than {_LONGEST_TEXT} characters" if len(text) > _LONGEST_TEXT else ""
