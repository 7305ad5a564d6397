"""A key whose root is in this process's memory, behind the provider protocol.

Every provider ends here: the file provider after it has decrypted its file,
Vault and KMS after the one request that computes the root.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hmac import compare_digest

from cryptography.hazmat.primitives import hmac

from governance.errors import Refused
from governance.keys.providers.provider import KeyDescription, KeyProvider, WorkerKey
from governance.keys.pseudonyms.derivation import check_root, derive_check_value, derive_key, keyed_state
from governance.keys.states import KeyState, check_may_pseudonymise


@dataclass(frozen=True)
class Rekeying:
    """A key and its successor, while pairs of their pseudonyms are made."""

    old: "InMemoryKey"
    new: "InMemoryKey"


class InMemoryKey:
    """A root in memory with its description; it cannot be printed, pickled or copied."""

    __slots__ = ("__root", "_description", "_outer", "_previous")

    def __init__(
        self,
        root: bytes,
        description: KeyDescription,
        outer: KeyProvider | None = None,
        previous: Sequence["InMemoryKey"] = (),
    ) -> None:
        check_root(root)
        self.__root = root
        self._description = description
        self._outer = outer
        self._previous = tuple(previous)

    def __repr__(self) -> str:
        return f"InMemoryKey({self._description.key_id})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is never pickled")

    @property
    def description(self) -> KeyDescription:
        """Context, state, length and dates of the key."""
        return self._description

    @property
    def outer(self) -> KeyProvider | None:
        """The key of the outer layer, if this process has it too."""
        return self._outer

    @property
    def previous(self) -> tuple["InMemoryKey", ...]:
        """Earlier versions of this key that are still kept, in any state."""
        return self._previous

    def with_outer(self, outer: KeyProvider) -> "InMemoryKey":
        """Return this key together with the outer layer's key, for single-operator custody."""
        return InMemoryKey(self.__root, self._description, outer, self._previous)

    def without_outer(self) -> "InMemoryKey":
        """Return this key without the outer layer's, as a controller has it."""
        return InMemoryKey(self.__root, self._description, None, self._previous)

    def with_previous(self, previous: Sequence["InMemoryKey"]) -> "InMemoryKey":
        """Return this key with the earlier versions that the self-attack tries."""
        return InMemoryKey(self.__root, self._description, self._outer, previous)

    def attack_key(self, identifier: str) -> WorkerKey:
        """Return the key of one kind for the self-attack, in any state; the attack stores no hashes."""
        return WorkerKey(derive_key(self.__root, self._description.context, identifier))

    def has_root_of(self, other: "InMemoryKey") -> bool:
        """Return whether two keys were made from the same root, whatever they are used for."""
        return compare_digest(self.__root, other.__root)  # noqa: SLF001 of its own class

    def rekeyed_by(self, successor: "InMemoryKey") -> "Rekeying":
        """Return this key, able to hash once more, with its successor, to pair their pseudonyms.

        Raises Refused unless this key is link-only and the other is its next version and active.
        """
        old, new = self._description, successor.description
        follows = (new.context.agreement, new.context.period, new.context.version) == (
            old.context.agreement,
            old.context.period,
            old.context.version + 1,
        )
        if not follows or old.state is not KeyState.LINK_ONLY or new.state is not KeyState.ACTIVE:
            raise Refused(
                "REKEY_FORBIDDEN",
                f"Tables cannot be rekeyed from {old.key_id} ({old.state}) to {new.key_id} ({new.state}).",
                "Rotate the key (`hearth keys rotate`), activate the new one (`hearth keys check-value "
                "--compare VALUE`), then run `hearth keys rekey`.",
            )
        return Rekeying(InMemoryKey(self.__root, replace(old, state=KeyState.ACTIVE)), successor)

    def keyed_state(self, identifier: str) -> hmac.HMAC:
        """Return HMAC state of one identifier kind; raises Refused unless the key is active."""
        return keyed_state(self.__derive(identifier), identifier)

    def check_value(self, identifier: str) -> str:
        """Return the check value of one kind; available in any state."""
        return derive_check_value(derive_key(self.__root, self._description.context, identifier))

    def worker_keys(self, identifiers: Iterable[str]) -> Mapping[str, WorkerKey]:
        """Return derived keys for hashing processes; raises Refused unless the key is active."""
        return {identifier: WorkerKey(self.__derive(identifier)) for identifier in identifiers}

    def __derive(self, identifier: str) -> bytes:
        check_may_pseudonymise(self._description.key_id, self._description.state)
        return derive_key(self.__root, self._description.context, identifier)
