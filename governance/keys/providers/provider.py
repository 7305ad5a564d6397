"""The protocol of a key, wherever it is kept: it can hash and describe itself.

There is no `get_key`. A provider returns keyed hash states, check values and a
description; its root never leaves it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from cryptography.hazmat.primitives import hmac

from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState


@dataclass(frozen=True)
class KeyDescription:
    """Everything that may be recorded about a key.

    provider: "file", "keyring", "vault-transit", "aws-kms", "unsafe-demo", "environment".
    bits: length of the root. expires: last day of use (None: until the agreement ends).
    """

    context: KeyContext
    provider: str
    state: KeyState
    bits: int
    created: date
    expires: date | None

    @property
    def key_id(self) -> str:
        """The key's name, as manifests record it."""
        return self.context.key_id


class KeyProvider(Protocol):
    """A key in one of the providers."""

    @property
    def description(self) -> KeyDescription:
        """Context, state, length and dates of the key."""
        ...

    @property
    def outer(self) -> "KeyProvider | None":
        """The key of the outer layer if this process has both, else None."""
        ...

    @property
    def previous(self) -> "tuple[KeyProvider, ...]":
        """Earlier versions of the key that are still kept."""
        ...

    def attack_key(self, identifier: str) -> "WorkerKey":
        """Return one kind's key for the guessing process of the self-attack only, in any state."""
        ...

    def keyed_state(self, identifier: str) -> hmac.HMAC:
        """Return HMAC state of one identifier kind, to be copied for each value."""
        ...

    def check_value(self, identifier: str) -> str:
        """Return the check value of one identifier kind's key, in hexadecimal."""
        ...

    def worker_keys(self, identifiers: Iterable[str]) -> Mapping[str, "WorkerKey"]:
        """Return the keys of those kinds in a form that can only be written to a hashing worker's pipe."""
        ...


class WorkerKey:
    """A derived key for one of our hashing processes; it cannot be printed, pickled or copied."""

    __slots__ = ("__key",)

    def __init__(self, key: bytes) -> None:
        self.__key = key

    def __repr__(self) -> str:
        return "WorkerKey()"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is never pickled")

    def write_to(self, pipe: "BytesSink") -> None:
        """Write the key into the private pipe of a hashing process."""
        pipe.write(self.__key)


class BytesSink(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> int | None:
        """Write `data`."""
        ...
