"""Who may do what: a principal is a public key, and this table lists everything it may do.

A person with a linkage key can re-identify people, so a key holder neither links nor releases, and
no one approves their own run.
"""

from collections.abc import Iterable

from governance.agreement.terms import Principal

ROLES = ("key-holder", "operator", "releaser", "approver", "auditor", "signatory", "supplier")

#: Action -> roles that may take it. An action that is not listed is not allowed. A run links with the
#: model that the signatories approved in the agreement. Anyone may verify the log.
POWERS: dict[str, frozenset[str]] = {
    "announce-extract": frozenset({"supplier"}),
    "attest-opt-outs": frozenset({"supplier", "signatory"}),
    "pseudonymise": frozenset({"key-holder"}),
    "rotate-key": frozenset({"key-holder"}),
    "destroy-key": frozenset({"key-holder"}),
    "rotate-outer-key": frozenset({"operator"}),
    "run": frozenset({"operator"}),
    "review-links": frozenset({"operator"}),
    "release": frozenset({"releaser"}),
    "approve-release": frozenset({"approver"}),
    "review-intrusion": frozenset({"approver", "auditor"}),
    "waive": frozenset({"approver", "signatory"}),
    "dispose": frozenset({"operator", "key-holder"}),
    "witness-disposal": frozenset({"approver", "auditor"}),
    "record-rights-request": frozenset({"operator", "auditor"}),
    "sign-agreement": frozenset({"signatory"}),
    "rotate-log-key": frozenset({"operator"}),
    "verify-audit": frozenset(ROLES),
    "witness-audit": frozenset({"auditor"}),
}

#: Pairs of roles that one principal may not have together.
SEPARATED: tuple[tuple[str, str], ...] = (
    ("key-holder", "operator"),
    ("key-holder", "releaser"),
    ("operator", "approver"),
    ("operator", "auditor"),
    ("releaser", "approver"),
)


def may(principal: Principal, action: str) -> bool:
    """Return whether a principal may take an action; no one may take an unknown action."""
    return bool(POWERS.get(action, frozenset()) & set(principal.roles))


def clashes(principals: Iterable[Principal]) -> tuple[tuple[str, str, str], ...]:
    """Return (principal's id, role, role) for each principal with two roles that must be separate.

    Principals that share a public key count as one.
    """
    by_key: dict[str, tuple[str, set[str]]] = {}
    for principal in principals:
        _, roles = by_key.setdefault(principal.public_key, (principal.id, set()))
        roles.update(principal.roles)
    return tuple(
        (name, first, second)
        for name, roles in by_key.values()
        for first, second in SEPARATED
        if first in roles and second in roles
    )
