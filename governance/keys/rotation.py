"""Rotation: a new root replaces the current one, and the old key is taken out of service.

An interrupted rotation is completed by the next call: the new key is written to
a separate file first, the old one changes state second, then the files move.
"""

from dataclasses import dataclass
from datetime import date

from governance.errors import Refused
from governance.keys.key_store import KeyStore
from governance.keys.providers.file_key import change_state, create_file_key, open_file_key
from governance.keys.providers.provider import KeyDescription
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState
from schemas.storage.durable_write import rename_durably

#: State of the replaced key. Its pseudonyms are still linked until stored tables are rekeyed. The linkage
#: environment rekeys its tables right after an outer rotation, and that key is then retired.
STATE_AFTER = KeyState.LINK_ONLY


@dataclass(frozen=True)
class Rotated:
    """The two keys after a rotation."""

    old: KeyDescription
    new: KeyDescription


def rotate_key(store: KeyStore, *, state: KeyState, today: date, expires: date | None = None) -> Rotated:
    """Replace the current key of a layer with a new root of the next version.

    state: state of the new key; pending if another controller has to compare check values first.
    `version` in hearth.toml must not require the old version. Raises Refused unless the current key is
    active.
    """
    store.check_local()
    passphrase = store.passphrase.read()
    next_file = store.path.with_name(f".{store.path.stem}.next{store.path.suffix}")
    if store.path.exists():
        current = open_file_key(store.path, passphrase).description
        if current.state is KeyState.ACTIVE:
            next_file.unlink(missing_ok=True)
            context = KeyContext(store.agreement, store.period, current.context.version + 1)
            create_file_key(
                next_file,
                context,
                passphrase,
                state=state,
                provider=current.provider,
                today=today,
                expires=expires,
            )
            change_state(store.path, passphrase, STATE_AFTER)
        elif not next_file.exists():
            raise Refused(
                "KEY_NOT_ACTIVE",
                f"Key {current.key_id} is {current.state}; only an active key can be rotated.",
                "Activate a pending key with `hearth keys check-value --compare VALUE`, or make a new key "
                "with `hearth keys new`.",
            )
        rename_durably(store.path, store.of_version(current.context.version))
    if next_file.exists():
        rename_durably(next_file, store.path)
    new = open_file_key(store.path, passphrase).description
    old = open_file_key(store.of_version(new.context.version - 1), passphrase).description
    return Rotated(old, new)
