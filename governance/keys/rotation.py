"""Rotation: a new root replaces the current one, and the old key is taken out of service.

A mark is written first. The new key is then written to a separate file, the old one changes state, and
the files move. The caller carries record keys over, writes the audit entry, and removes the mark last. So
a repeated call completes an interrupted rotation and never starts a second one.
"""

from dataclasses import dataclass, replace
from datetime import date

from governance.canonical import canonical_json
from governance.errors import Refused
from governance.keys.key_store import KeyStore
from governance.keys.providers.file_key import change_state, create_file_key, open_file_key
from governance.keys.providers.provider import KeyDescription
from governance.keys.providers.sealed_file import write_private_file
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState
from schemas.storage.durable_write import rename_durably, sync

#: State of the replaced key. Its pseudonyms are still linked until stored tables are rekeyed. The linkage
#: environment rekeys its tables right after an outer rotation, and that key is then retired.
STATE_AFTER = KeyState.LINK_ONLY


@dataclass(frozen=True)
class Rotated:
    """The two keys after a rotation. completed: whether an earlier, interrupted call had started it."""

    old: KeyDescription
    new: KeyDescription
    completed: bool = False


def rotate_key(store: KeyStore, *, state: KeyState, today: date, expires: date | None = None) -> Rotated:
    """Replace the current key of a layer with a new root of the next version.

    state: state of the new key; pending if another controller has to compare check values first.
    `version` in hearth.toml must not require the old version. The rotation counts as unfinished until the
    caller calls `finish_rotation`. Raises Refused unless the current key is active.
    """
    store.check_local()
    passphrase = store.passphrase.read()
    unfinished = store.unfinished_rotation()
    replaced = _start(store, passphrase) if unfinished is None else unfinished
    old_file, next_file = store.of_version(replaced), store.next_file
    if store.path.exists():
        current = open_file_key(store.path, passphrase).description
        if current.context.version == replaced:
            if current.state is KeyState.ACTIVE or not next_file.exists():
                next_file.unlink(missing_ok=True)
                context = KeyContext(store.agreement, store.period, replaced + 1)
                described = replace(current, context=context, state=state, created=today, expires=expires)
                create_file_key(next_file, described, passphrase)
            if current.state is KeyState.ACTIVE:
                change_state(store.path, passphrase, STATE_AFTER)
            rename_durably(store.path, old_file)
    if next_file.exists():
        rename_durably(next_file, store.path)
    new = open_file_key(store.path, passphrase).description
    old = open_file_key(old_file, passphrase).description
    return Rotated(old, new, completed=unfinished is not None)


def finish_rotation(store: KeyStore) -> None:
    """Remove the mark of a rotation, after everything that belongs to it is done and recorded."""
    store.rotation_mark.unlink(missing_ok=True)
    sync(store.path.parent)


def _start(store: KeyStore, passphrase: str) -> int:
    """Mark the rotation as started; returns the version that it replaces."""
    current = open_file_key(store.path, passphrase).description
    if current.state is not KeyState.ACTIVE:
        raise Refused(
            "KEY_NOT_ACTIVE",
            f"Key {current.key_id} is {current.state}; only an active key can be rotated.",
            "Activate a pending key with `hearth keys check-value --compare VALUE`, or make a new key "
            "with `hearth keys new`.",
        )
    version = current.context.version
    write_private_file(store.rotation_mark, canonical_json({"replaces": version}) + b"\n", replace=True)
    return version
