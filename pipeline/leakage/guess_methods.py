"""Lists the methods with which the self-attack tries to make pseudonyms without the key.

plain     every common digest without a key, over every common spelling; an empty HMAC key; the UPRN itself
previous  HMAC under an earlier key of this controller, of which someone may still have a copy
salted    a salt or key that an attacker would try first, in the usual positions

A method is a JSON object, see `guessing.py`.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

Method = dict[str, Any]

_DIGESTS = (
    "sha256",
    "sha1",
    "md5",
    "sha512",
    "sha384",
    "sha224",
    "sha3_256",
    "blake2b",
    "blake2s",
    "sha256d",
)
_TEXTS = ("padded", "plain")
_OTHER_SPELLINGS = ("little-endian", "big-endian", "UTF-16")
#: Prefix of the messages that Hearth hashes: the identifier's kind and a bar.
_KIND = "uprn|"
KNOWN_SALTS = ("salt", "secret", "password", "hearth", "uprn", "UPRN", "RALF", "check", "0" * 32)


def plain_methods() -> list[Method]:
    """Return the methods without a key."""
    methods = [
        _method(name, spelling, before)
        for name in (*_DIGESTS, "none")
        for spelling in _TEXTS
        for before in ("", _KIND)
    ]
    methods += [_method(n, s) for n in ("sha256", "sha1", "md5") for s in _OTHER_SPELLINGS]
    return methods + [_keyed(b"", spelling, before) for spelling in _TEXTS for before in ("", _KIND)]


def previous_key_methods(keys: int) -> list[Method]:
    """Return the methods for `keys` earlier keys, which are given by number, from 0."""
    return [
        _method("hmac", spelling, before) | {"key_number": number}
        for number in range(keys)
        for spelling in _TEXTS
        for before in ("", _KIND)
    ]


def salted_methods(guesses: Sequence[str]) -> list[Method]:
    """Return the methods with a salt or key: KNOWN_SALTS and `guesses` (names, dates, the agreement's id)."""
    methods: list[Method] = []
    for salt in sorted({s for s in (*KNOWN_SALTS, *guesses) if s}):
        for spelling in _TEXTS:
            methods += [
                _method("sha256", spelling, salt),
                _method("sha256", spelling, "", salt),
                _method("sha256", spelling, f"{salt}|"),
                _method("md5", spelling, salt),
                _method("sha1", spelling, salt),
                _keyed(salt.encode(), spelling, ""),
                _keyed(salt.encode(), spelling, _KIND),
                _keyed(hashlib.sha256(salt.encode()).digest(), spelling, _KIND),
            ]
    return methods


def _method(digest: str, spelling: str, before: str = "", after: str = "") -> Method:
    return {
        "digest": digest,
        "spelling": spelling,
        "before": before.encode().hex(),
        "after": after.encode().hex(),
        "key": "",
        "key_number": None,
    }


def _keyed(key: bytes, spelling: str, before: str) -> Method:
    return _method("hmac", spelling, before) | {"key": key.hex()}
