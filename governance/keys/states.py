"""The life of a linkage key: pending, active, link-only, retired, destroyed.

pending    created; its check value has not been compared with the other controller's yet
active     may pseudonymise and link
link-only  existing pseudonyms may be linked; makes no new ones
retired    may do neither; kept until its destruction is certified
destroyed  erased, with a certificate
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
