"""The operating system's keyring: the root is stored in the user's session (extra `keyring`).

[keys]
provider = "keyring"
path = "keys/linkage.state"        # the key's state; the key itself is in the keyring
"""

import base64
import binascii
import os
from dataclasses import dataclass

from governance.errors import Fault
from governance.keys.pseudonyms.derivation import KEY_BYTES, KeyContext

SERVICE = "hearth"


@dataclass(frozen=True)
class KeyringRoot:
    """Roots in the keyring, by key id."""

    def create(self, context: KeyContext) -> None:
        """Make a root and store it; raises Fault if there is one with that id."""
        keyring = _keyring()
        if keyring.get_password(SERVICE, context.key_id) is not None:
            raise Fault(
                "KEY_EXISTS",
                f"The keyring already contains key {context.key_id}; it was not changed.",
                "To replace it, raise `version` and change `path` under [keys] in hearth.toml, then run "
                "`hearth keys new`.",
            )
        keyring.set_password(SERVICE, context.key_id, base64.b64encode(os.urandom(KEY_BYTES)).decode())

    def root_of(self, context: KeyContext) -> bytes:
        """Return the root; raises Fault if the keyring is locked, not available, or has no such key."""
        stored = _keyring().get_password(SERVICE, context.key_id)
        if stored is None:
            raise Fault(
                "KEY_MISSING",
                f"The keyring does not contain key {context.key_id}.",
                "Make it with `hearth keys new`.",
            )
        try:
            return base64.b64decode(stored, validate=True)
        except binascii.Error:
            raise Fault(
                "KEY_FILE_MALFORMED",
                f"The keyring's entry for {context.key_id} is not a key.",
                "Restore the entry from the key's custodian.",
            ) from None


class _Keyring:
    def get_password(self, service: str, name: str) -> str | None:
        import keyring.errors

        try:
            return keyring.get_password(service, name)
        except keyring.errors.KeyringError:
            raise _unusable() from None

    def set_password(self, service: str, name: str, value: str) -> None:
        import keyring.errors

        try:
            keyring.set_password(service, name, value)
        except keyring.errors.KeyringError:
            raise _unusable() from None


def _keyring() -> _Keyring:
    try:
        import keyring  # noqa: F401
    except ImportError:
        raise Fault(
            "KEY_PROVIDER_MISSING",
            "The keyring provider needs the package keyring, which is not installed.",
            "Install Hearth with its extra `keyring`.",
        ) from None
    return _Keyring()


def _unusable() -> Fault:
    return Fault(
        "KEY_KEYRING_LOCKED",
        "The keyring is locked, or this session has no keyring.",
        "Unlock it. On a server without a session, set another `provider` under [keys] in hearth.toml.",
    )
