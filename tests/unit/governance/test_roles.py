"""Who may do what: the whole table, cell by cell."""

from pathlib import Path

import pytest

from governance.agreement.terms import Principal
from governance.principals.roles import POWERS, ROLES, SEPARATED, clashes, may

#          action                   key-holder operator releaser approver auditor signatory supplier
TRUTH = """
announce-extract          . . . . . . x
pseudonymise              x . . . . . .
rotate-key                x . . . . . .
destroy-key               x . . . . . .
run                       . x . . . . .
rotate-outer-key          . x . . . . .
review-links              . x . . . . .
release                   . . x . . . .
approve-release           . . . x . . .
review-intrusion          . . . x x . .
attest-opt-outs           . . . . . x x
waive                     . . . x . x .
dispose                   x x . . . . .
witness-disposal          . . . x x . .
record-rights-request     . x . . x . .
sign-agreement            . . . . . x .
verify-audit              x x x x x x x
witness-audit             . . . . x . .
rotate-log-key            . x . . . . .
fly-to-the-moon           . . . . . . .
"""
CELLS = [
    (line.split()[0], role, mark == "x")
    for line in TRUTH.strip().splitlines()
    for role, mark in zip(ROLES, line.split()[1:], strict=True)
]


def principal(name: str, *roles: str, key: str = "") -> Principal:
    return Principal(name, name, "council", key or name, roles)


@pytest.mark.parametrize(("action", "role", "allowed"), CELLS)
def test_each_role_may_do_exactly_what_the_table_says(action: str, role: str, allowed: bool) -> None:
    assert may(principal("p", role), action) == allowed


def test_the_table_has_every_action() -> None:
    assert {action for action, _, _ in CELLS} == {*POWERS, "fly-to-the-moon"}


@pytest.mark.parametrize("action", POWERS)
def test_someone_without_a_role_may_do_nothing(action: str) -> None:
    assert not may(principal("p"), action)


@pytest.mark.parametrize("pair", SEPARATED)
def test_roles_that_must_be_separate_clash_in_one_person_and_in_one_key(pair: tuple[str, str]) -> None:
    first, second = pair
    assert clashes([principal("p", first, second)]) == (("p", first, second),)
    assert clashes([principal("p", first, key="k"), principal("q", second, key="k")]) == (
        ("p", first, second),
    )
    assert clashes([principal("p", first), principal("q", second)]) == ()


def test_nobody_both_runs_and_approves_or_holds_a_key_and_links() -> None:
    for first, second in (("run", "approve-release"), ("pseudonymise", "run"), ("pseudonymise", "release")):
        allowed = [(a, b) for a in POWERS[first] for b in POWERS[second]]
        assert all(pair in SEPARATED or pair[::-1] in SEPARATED for pair in allowed), (first, second)


def test_the_officers_document_shows_the_same_table() -> None:
    document = Path(__file__).parents[3] / "docs" / "governance.md"
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in document.read_text("utf-8").splitlines()
        if line.startswith("| ") and line.split("|")[1].strip() in POWERS
    ]
    shown = {row[0]: {role for role, cell in zip(ROLES, row[1:], strict=True) if cell == "x"} for row in rows}
    assert shown == {action: set(roles) for action, roles in POWERS.items()}


def test_every_act_of_the_table_is_asked_for_somewhere() -> None:
    """An act that no code asks for would be a promise; anybody may verify, so nothing asks there."""
    root = Path(__file__).parents[3]
    sources = [path for room in ("governance", "flows") for path in (root / room).rglob("*.py")]
    code = "".join(path.read_text("utf-8") for path in sources if path.name != "roles.py")
    assert [action for action in POWERS if f'"{action}"' not in code] == ["verify-audit"]
