"""The life of a linkage key: pending, active, link-only, retired, destroyed.

pending    made, its check value not yet compared with the other controller's
active     pseudonymises and links
link-only  what it made may still be linked; it makes no new pseudonyms
retired    neither; kept until its destruction is certified
destroyed  gone, with a certificate
"""

from enum import StrEnum

from governance.errors import Refused


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
