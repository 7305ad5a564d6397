"""The life of a linkage key: pending, active, link-only, retired, destroyed.

pending    made, its check value not yet compared with the other controller's
active     pseudonymises and links
link-only  what it made may still be linked; it makes no new pseudonyms
retired    neither; kept until its destruction is certified
destroyed  gone, with a certificate
"""

from enum import StrEnum

from governance.errors import Fault, Refused


class KeyState(StrEnum):
    """One of the five states; compared by value in files and evidence."""

    PENDING = "pending"
    ACTIVE = "active"
    LINK_ONLY = "link-only"
    RETIRED = "retired"
    DESTROYED = "destroyed"


#: From each state to those it may go to: no way back, and none past retirement but destruction.
_NEXT = {
    KeyState.PENDING: {KeyState.ACTIVE, KeyState.RETIRED},
    KeyState.ACTIVE: {KeyState.LINK_ONLY, KeyState.RETIRED},
    KeyState.LINK_ONLY: {KeyState.RETIRED},
    KeyState.RETIRED: {KeyState.DESTROYED},
    KeyState.DESTROYED: set(),
}

MAY_PSEUDONYMISE = frozenset({KeyState.ACTIVE})
MAY_LINK = frozenset({KeyState.ACTIVE, KeyState.LINK_ONLY})


def check_transition(key_id: str, current: KeyState, wanted: KeyState) -> None:
    """Raise Refused when a key may not go from one state to the other."""
    if wanted not in _NEXT[current]:
        allowed = ", ".join(sorted(_NEXT[current])) or "nothing"
        raise Refused(
            "KEY_STATE_FORBIDDEN",
            f"Key {key_id} is {current}; it can become {allowed}, not {wanted}.",
            "A key that has left service never returns to it: make a new one with `hearth keys new`.",
        )


def check_may_pseudonymise(key_id: str, state: KeyState) -> None:
    """Raise Refused unless the key is active."""
    if state not in MAY_PSEUDONYMISE:
        remedy = (
            "Compare its check value with the other controller's: `hearth keys check-value --compare VALUE`."
            if state is KeyState.PENDING
            else "Use the active key of this agreement and period, or make one with `hearth keys rotate`."
        )
        raise Refused("KEY_NOT_ACTIVE", f"Key {key_id} is {state} and makes no pseudonyms.", remedy)


def check_not_rolled_back(key_id: str, state: KeyState, recorded: str | None) -> None:
    """Raise an error where, by the audit log, a key had already left the state that its file shows.

    recorded: the state on record; None where no action on the key is on record here. A key file is sealed by
    its own key, but an older copy of it is sealed as well.
    """
    order = list(KeyState)
    if recorded is None or order.index(state) >= order.index(KeyState(recorded)):
        return
    if recorded == KeyState.DESTROYED:
        raise Refused(
            "KEY_REUSED",
            f"Key {key_id} was destroyed, as the audit log shows, and has come back.",
            "Remove the copy; find out which backup it came from, and destroy it there too.",
        )
    raise Fault(
        "KEY_STATE_ALTERED",
        f"The file of key {key_id} says {state}, but the audit log shows that the key is {recorded}.",
        "An older copy of the file was put in place. Find out who did it, and restore the newest copy.",
    )
