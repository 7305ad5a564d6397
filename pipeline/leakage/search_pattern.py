"""Search patterns: the forms that an identifier can have in a file, and a search for all of them in one pass.

The forms are: text in any case, with and without blanks and leading zeros; UTF-16 in either byte order;
hexadecimal; base64 (standard and URL-safe) at each of its three alignments; and for numbers 8-byte integers
in either byte order.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

_PREFIX = 4
_BITS = 20
_MULTIPLIER = np.uint32(0x9E3779B1)


@dataclass(frozen=True)
class SearchPattern:
    """One form of one identifier.

    identifier: its kind, such as "nhs UPRN". form: in words. encoded: the identifier in this form, the bytes
    to search for. ignores_case: search in lower-case bytes; `encoded` is then lower case too.
    """

    identifier: str
    form: str
    encoded: bytes
    ignores_case: bool


def search_patterns_of(identifiers: Mapping[str, str]) -> tuple[SearchPattern, ...]:
    """Return the patterns of every form of every identifier (kind -> clear value), without duplicates."""
    patterns: dict[tuple[bytes, bool], SearchPattern] = {}
    for kind, value in identifiers.items():
        for form, encoded, ignores_case in _forms(value):
            if len(encoded) >= _PREFIX:
                pattern = SearchPattern(kind, form, encoded, ignores_case)
                patterns.setdefault((encoded, ignores_case), pattern)
    return tuple(patterns.values())


class PatternSearch:
    """Searches bytes for many patterns in one pass: a few milliseconds per million bytes, for any number.

    The four bytes at each position are looked up in a small table of the patterns' first four bytes. Only
    where they may match are the patterns compared.
    """

    def __init__(self, patterns: Iterable[SearchPattern]) -> None:
        patterns = tuple(patterns)
        self.longest = max((len(pattern.encoded) for pattern in patterns), default=_PREFIX)
        self._exact = _Table(tuple(pattern for pattern in patterns if not pattern.ignores_case))
        self._any_case = _Table(tuple(pattern for pattern in patterns if pattern.ignores_case))

    def find(self, data: bytes) -> set[SearchPattern]:
        """Return the patterns that are in `data`."""
        return self._exact.find(data) | self._any_case.find(data.lower())


class _Table:
    def __init__(self, patterns: tuple[SearchPattern, ...]) -> None:
        self._by_prefix: dict[bytes, list[SearchPattern]] = {}
        self._may_match = np.zeros(1 << _BITS, dtype=np.bool_)
        for pattern in patterns:
            self._by_prefix.setdefault(pattern.encoded[:_PREFIX], []).append(pattern)
        if patterns:
            prefixes = np.frombuffer(b"".join(self._by_prefix), dtype=np.uint32)
            self._may_match[_hash(prefixes)] = True

    def find(self, data: bytes) -> set[SearchPattern]:
        found: set[SearchPattern] = set()
        if not self._by_prefix:
            return found
        for shift in range(_PREFIX):
            count = (len(data) - shift) // _PREFIX
            if count <= 0:
                continue
            windows = np.frombuffer(data, dtype=np.uint32, count=count, offset=shift)
            for window in np.flatnonzero(self._may_match[_hash(windows)]):
                at = int(window) * _PREFIX + shift
                for pattern in self._by_prefix.get(data[at : at + _PREFIX], ()):
                    if data.startswith(pattern.encoded, at):
                        found.add(pattern)
        return found


def _hash(
    values: "np.ndarray[tuple[int], np.dtype[np.uint32]]",
) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    return (values * _MULTIPLIER) >> np.uint32(32 - _BITS)


def _forms(value: str) -> Iterable[tuple[str, bytes, bool]]:
    """Yield (form, encoded, ignores_case) for every form of a value."""
    texts = {value, value.replace(" ", ""), value.lstrip("0")}
    if value.isdigit() and len(value) == 10:
        texts.add(f"{value[:3]} {value[3:6]} {value[6:]}")
    for text in texts:
        lower = text.lower().encode()
        yield "text", lower, True
        # Little-endian and big-endian text have the same bytes except at the ends.
        yield "UTF-16", b"\0".join(bytes([letter]) for letter in lower), True
        yield "hexadecimal", lower.hex().encode(), True
        yield "hexadecimal", text.upper().encode().hex().encode(), True
        for cased in {text, text.lower(), text.upper(), text.title()}:
            for encoded in _base64_alignments(cased.encode()):
                yield "base64", encoded, False
                yield "base64", encoded.replace(b"+", b"-").replace(b"/", b"_"), False
    if value.isdigit():
        number = int(value)
        yield "8-byte integer", number.to_bytes(8, "little"), False
        yield "8-byte integer", number.to_bytes(8, "big"), False


def _base64_alignments(data: bytes) -> Iterable[bytes]:
    """Yield the part of the base64 of a longer text that depends only on `data` in it, for each alignment."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data)
        start = -(-shift * 8 // 6)
        end = (shift + len(data)) * 8 // 6
        yield encoded[start:end]
