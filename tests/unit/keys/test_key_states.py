"""A key never returns to a state that it has left, whichever copy of its file is put in place."""

import pytest

from governance.audit.log import AuditLog
from governance.errors import HearthError
from governance.keys.states import KeyState, check_not_rolled_back

ORDER = list(KeyState)


@pytest.mark.parametrize("recorded", ORDER)
@pytest.mark.parametrize("state", ORDER)
def test_a_key_file_may_be_ahead_of_the_log_and_never_behind_it(state: KeyState, recorded: KeyState) -> None:
    if ORDER.index(state) >= ORDER.index(recorded):
        check_not_rolled_back("dsa|2026|v1", state, str(recorded))
        return
    code = "KEY_REUSED" if recorded is KeyState.DESTROYED else "KEY_STATE_ALTERED"
    with pytest.raises(HearthError, match=code):
        check_not_rolled_back("dsa|2026|v1", state, str(recorded))


def test_a_key_of_which_nothing_is_on_record_is_taken_as_it_is() -> None:
    check_not_rolled_back("dsa|2026|v1", KeyState.ACTIVE, None)


def test_the_log_knows_the_state_that_every_action_left(tmp_path: object) -> None:
    audit = AuditLog.open(tmp_path)  # type: ignore[arg-type]

    def act(verdict: str, **facts: str) -> None:
        audit.append("keys", "operator", None, "key", verdict=verdict, evidence=facts)

    act("done", act="new", key_id="k:v1", state="pending")
    act("done", act="compare", key_id="k:v1", state="active")
    act("refused", act="retire", key_id="k:v1", state="retired", code="NOT_PERMITTED")
    assert audit.key_state("k:v1") == "active"
    act(
        "done", act="rotate", old_key_id="k:v1", old_state="link-only", new_key_id="k:v2", new_state="pending"
    )
    assert (audit.key_state("k:v1"), audit.key_state("k:v2")) == ("link-only", "pending")
    act("done", act="destroy", key_id="k:v1")
    assert (audit.key_state("k:v1"), audit.key_state("k:v3")) == ("destroyed", None)
