"""What may be asked of a key, wherever it is kept: to hash, and to say what it is.

There is no `get_key`. A provider answers with keyed hash states, with check
values and with its description; its root never leaves it.
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
    """All that may be written down about a key.

    provider: "file", "keyring", "vault-transit", "aws-kms", "unsafe-demo", "environment".
    bits: length of the root. expires: last day on which it may be used (None: with the agreement).
    """

    context: KeyContext
    provider: str
    state: KeyState
    bits: int
    created: date
    expires: date | None

    @property
    def key_id(self) -> str:
        """The key's name, as manifests carry it."""
        return self.context.key_id


class KeyProvider(Protocol):
    """A key in custody."""

    @property
    def description(self) -> KeyDescription:
        """Context, state, length and dates of the key."""
        ...

    @property
    def outer(self) -> "KeyProvider | None":
        """The key of the outer layer, where one operator holds both; None where only one is held."""
        ...

    @property
    def previous(self) -> "tuple[KeyProvider, ...]":
        """Earlier versions of the key that are still in custody."""
        ...

    def attack_key(self, identifier: str) -> "WorkerKey":
        """Return one kind's key for a guessing process, whatever the key's state: the self-attack's alone."""
        ...

    def keyed_state(self, identifier: str) -> hmac.HMAC:
        """Return HMAC state of one identifier kind, to be copied for each value."""
        ...

    def check_value(self, identifier: str) -> str:
        """Return the check value of one identifier kind's key, in hexadecimal."""
        ...

    def worker_keys(self, identifiers: Iterable[str]) -> Mapping[str, "WorkerKey"]:
        """Return the keys of those kinds in a form that only a hashing worker's pipe can take."""
        ...


class WorkerKey:
    """A derived key on its way to a hashing process of our own; it cannot be printed, pickled or copied."""

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
        """Take `data`."""
        ...
