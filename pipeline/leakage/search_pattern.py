"""The forms in which an identifier may hide in bytes, and a search for all of them in one pass.

Forms: as text in any case, with and without blanks and leading zeros; as UTF-16
of either byte order; in hexadecimal; in base64 at each of its three alignments
(standard and URL-safe); numbers also as 8-byte integers of either byte order.
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
    """One form of one identifier. folded: search for it in lower-cased bytes."""

    identifier: str
    form: str
    pattern: bytes
    folded: bool


def search_patterns_of(identifiers: Mapping[str, str]) -> tuple[SearchPattern, ...]:
    """Return every form of every identifier (kind -> clear value)."""
    found: dict[tuple[bytes, bool], SearchPattern] = {}
    for kind, value in identifiers.items():
        for form, pattern, folded in _forms(value):
            if len(pattern) >= _PREFIX:
                found.setdefault((pattern, folded), SearchPattern(kind, form, pattern, folded))
    return tuple(found.values())


class PatternSearch:
    """Looks for many needles at once; a million bytes take a few milliseconds however many there are.

    Four bytes of each needle are looked up in a small table at every position, and only where that
    says "perhaps" are bytes compared.
    """

    def __init__(self, patterns: Iterable[SearchPattern]) -> None:
        patterns = tuple(patterns)
        self.longest = max((len(n.pattern) for n in patterns), default=_PREFIX)
        self._as_is = _Table(tuple(n for n in patterns if not n.folded))
        self._folded = _Table(tuple(n for n in patterns if n.folded))

    def find(self, data: bytes) -> set[SearchPattern]:
        """Return the needles that occur in `data`."""
        return self._as_is.find(data) | self._folded.find(data.lower())


class _Table:
    def __init__(self, patterns: tuple[SearchPattern, ...]) -> None:
        self._by_prefix: dict[bytes, list[SearchPattern]] = {}
        self._perhaps = np.zeros(1 << _BITS, dtype=np.bool_)
        for pattern in patterns:
            self._by_prefix.setdefault(pattern.pattern[:_PREFIX], []).append(pattern)
        if patterns:
            prefixes = np.frombuffer(b"".join(self._by_prefix), dtype=np.uint32)
            self._perhaps[_hash(prefixes)] = True

    def find(self, data: bytes) -> set[SearchPattern]:
        found: set[SearchPattern] = set()
        if not self._by_prefix:
            return found
        for shift in range(_PREFIX):
            count = (len(data) - shift) // _PREFIX
            if count <= 0:
                continue
            windows = np.frombuffer(data, dtype=np.uint32, count=count, offset=shift)
            for place in np.flatnonzero(self._perhaps[_hash(windows)]):
                at = int(place) * _PREFIX + shift
                for pattern in self._by_prefix.get(data[at : at + _PREFIX], ()):
                    if data.startswith(pattern.pattern, at):
                        found.add(pattern)
        return found


def _hash(
    values: "np.ndarray[tuple[int], np.dtype[np.uint32]]",
) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    return (values * _MULTIPLIER) >> np.uint32(32 - _BITS)


def _forms(value: str) -> Iterable[tuple[str, bytes, bool]]:
    texts = {value, value.replace(" ", ""), value.lstrip("0")}
    if value.isdigit() and len(value) == 10:
        texts.add(f"{value[:3]} {value[3:6]} {value[6:]}")
    for text in texts:
        lower = text.lower().encode()
        yield "text", lower, True
        # Little-endian and big-endian are the same bytes but for the ends.
        yield "UTF-16", b"\0".join(bytes([letter]) for letter in lower), True
        yield "hexadecimal", lower.hex().encode(), True
        yield "hexadecimal", text.upper().encode().hex().encode(), True
        for cased in {text, text.lower(), text.upper(), text.title()}:
            for pattern in _base64_alignments(cased.encode()):
                yield "base64", pattern, False
                yield "base64", pattern.replace(b"+", b"-").replace(b"/", b"_"), False
    if value.isdigit():
        number = int(value)
        yield "8-byte integer", number.to_bytes(8, "little"), False
        yield "8-byte integer", number.to_bytes(8, "big"), False


def _base64_alignments(data: bytes) -> Iterable[bytes]:
    """Return what of the base64 of a longer text containing `data` is the same wherever `data` begins."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data)
        start = -(-shift * 8 // 6)
        end = (shift + len(data)) * 8 // 6
        yield encoded[start:end]
