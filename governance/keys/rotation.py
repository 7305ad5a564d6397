"""Rotation: a new root takes the current one's place, and the old key leaves service.

Killed in between, the next call finishes what was begun: the new key is sealed
aside first, the old one changes state second, and only then do the files move.
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

#: What becomes of the key that is replaced: what it made is still joined, until what was kept is carried
#: over. The outer one's is carried over at once, in its own place, and it is retired then.
STATE_AFTER = KeyState.LINK_ONLY


@dataclass(frozen=True)
class Rotated:
    """The two keys after a rotation."""

    old: KeyDescription
    new: KeyDescription


def rotate_key(place: KeyStore, *, state: KeyState, today: date, expires: date | None = None) -> Rotated:
    """Replace the current key of a layer by one of a new root and the next version.

    state: of the new key; pending where another holder has to compare
    check values first. The version may no longer be fixed in hearth.toml to the old one.
    Raises Refused unless the current key is active.
    """
    place.check_local()
    passphrase = place.passphrase.read()
    aside = place.path.with_name(f".{place.path.stem}.next{place.path.suffix}")
    if place.path.exists():
        current = open_file_key(place.path, passphrase).description
        if current.state is KeyState.ACTIVE:
            aside.unlink(missing_ok=True)
            context = KeyContext(place.agreement, place.period, current.context.version + 1)
            create_file_key(
                aside,
                context,
                passphrase,
                state=state,
                provider=current.provider,
                today=today,
                expires=expires,
            )
            change_state(place.path, passphrase, STATE_AFTER)
        elif not aside.exists():
            raise Refused(
                "KEY_NOT_ACTIVE",
                f"Key {current.key_id} is {current.state} and cannot be rotated.",
                "Only an active key is rotated; a pending one is activated by comparing its check value.",
            )
        rename_durably(place.path, place.of_version(current.context.version))
    if aside.exists():
        rename_durably(aside, place.path)
    new = open_file_key(place.path, passphrase).description
    old = open_file_key(place.of_version(new.context.version - 1), passphrase).description
    return Rotated(old, new)
