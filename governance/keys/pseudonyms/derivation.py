"""How a linkage key is derived and how a pseudonym is made: the exact bytes.

    K         = HKDF-SHA256(ikm=root, salt="" , info=agreement|period|identifier|version, 32 bytes)
    message   = identifier kind | canonical value          (the bar is the byte 0x7C, all text UTF-8)
    digest    = HMAC-SHA-256(K, message)
    pseudonym = the first 20 bytes of the digest, in RFC 4648 base32 (32 characters, no padding)
    token     = the first 7 bytes of the digest as a whole number, the first byte the highest
    check     = the first 8 bytes of HMAC-SHA-256(K, "check"), in hexadecimal

The linkage environment adds an outer layer with another key: the same
computation with the inner pseudonym's text as the value, the same kind and the
same length. The text of an inner token is the base32 of its 7 bytes (12
characters, no padding).

No part of `info` and no identifier kind may contain the bar, so two different
contexts never have the same bytes. "check" has no bar, so no message equals it.
Source: RFC 2104, RFC 5869; governance specification, "Keys".
"""

import re
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.counted import counted
from governance.errors import Fault

ALGORITHM = "HMAC-SHA-256"
KEY_BYTES = 32
PSEUDONYM_BYTES = 20
#: Length of a match token: 56 bits. Among 60 million distinct values the expected number of chance
#: collisions is 0.03, and every token fits into a signed 64-bit number.
TOKEN_BYTES = 7
CHECK_BYTES = 8
_PART = re.compile(r"[^|\x00-\x1f]+")


@dataclass(frozen=True)
class KeyContext:
    """What a key is used for; contexts that differ in any part have unrelated keys.

    agreement: id of the data sharing agreement. period: the agreement's linkage period, such as
    "2026". version: counts rotations of the root, from 1.
    """

    agreement: str
    period: str
    version: int = 1

    def __post_init__(self) -> None:
        if not (_PART.fullmatch(self.agreement) and _PART.fullmatch(self.period)) or self.version < 1:
            raise Fault(
                "KEY_CONTEXT_INVALID",
                "A key's agreement and period must be text without '|', and its version a number from 1.",
                "Correct `id` or `period` under [agreement], or `version` under [keys] in hearth.toml.",
            )

    @property
    def key_id(self) -> str:
        """Name of the key, the same for every custodian; independent of the key's bytes."""
        return f"{self.agreement}:{self.period}:v{self.version}"

    def info(self, identifier: str) -> bytes:
        """HKDF's info of one identifier kind."""
        return "|".join((self.agreement, self.period, _checked(identifier), str(self.version))).encode()


def derive_key(root: bytes, context: KeyContext, identifier: str) -> bytes:
    """Derive K of one identifier kind; raises Fault if the root is too short or clearly weak."""
    check_root(root)
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=context.info(identifier)).derive(
        root
    )


def keyed_state(key: bytes, identifier: str) -> hmac.HMAC:
    """Return HMAC state after the key and `identifier|`; `.copy()` it for each value."""
    state = hmac.HMAC(key, hashes.SHA256())
    state.update(f"{_checked(identifier)}|".encode())
    return state


def derive_check_value(key: bytes) -> str:
    """Return the check value of a derived key: safe to log, and equal only for equal keys."""
    state = hmac.HMAC(key, hashes.SHA256())
    state.update(b"check")
    return state.finalize()[:CHECK_BYTES].hex()


def check_root(root: bytes) -> None:
    """Raise Fault if a root key is too short, or so regular that no generator made it."""
    if len(root) < KEY_BYTES:
        raise Fault(
            "KEY_TOO_SHORT",
            f"The root key has {8 * len(root)} bits; {8 * KEY_BYTES} are the minimum.",
            "Make a key with `hearth keys new`.",
        )
    if len(set(root)) < 8:
        raise Fault(
            "KEY_WEAK",
            f"The root key's {len(root)} bytes contain only {counted(len(set(root)), 'different value')}, so "
            "it can be guessed.",
            "Make a key with `hearth keys new`; never type one by hand.",
        )


def _checked(identifier: str) -> str:
    if not _PART.fullmatch(identifier):
        raise ValueError("an identifier kind is text without '|'")
    return identifier
