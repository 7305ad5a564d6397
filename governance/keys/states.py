"""The life of a linkage key: pending, active, link-only, retired, destroyed.

pending    created; its check value has not been compared with the other controller's yet
active     may pseudonymise and link
link-only  existing pseudonyms may be linked; makes no new ones
retired    may do neither; kept until its destruction is certified
destroyed  erased, with a certificate
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


#: State -> states that may follow it. A key never returns to an earlier state.
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
        allowed = " or ".join(sorted(_NEXT[current]))
        possible = f"it can only become {allowed}" if allowed else "its state can no longer change"
        raise Refused(
            "KEY_STATE_FORBIDDEN",
            f"Key {key_id} is {current} and cannot become {wanted}; {possible}.",
            "Use one of these states, or make a new key with `hearth keys new`. A key never returns to an "
            "earlier state.",
        )


def check_may_pseudonymise(key_id: str, state: KeyState) -> None:
    """Raise Refused unless the key is active."""
    if state not in MAY_PSEUDONYMISE:
        remedy = (
            "Compare its check value with the other controller's to activate it: "
            "`hearth keys check-value --compare VALUE`."
            if state is KeyState.PENDING
            else "Use the active key of this agreement and period, or make one with `hearth keys rotate`."
        )
        reason = f"Key {key_id} is {state}, so it cannot make pseudonyms."
        raise Refused("KEY_NOT_ACTIVE", reason, remedy)
