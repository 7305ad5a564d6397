"""Who may do what: principals are public keys, and this table is the whole of their powers.

Custody is the design: whoever holds a linkage key can re-identify, so a key holder neither links nor
releases, and nobody approves what he runs.
"""

from collections.abc import Iterable

from governance.agreement.terms import Principal

ROLES = ("key-holder", "operator", "releaser", "approver", "auditor", "signatory", "supplier")

#: Action -> roles that may take it. What is not listed nobody may do. A run links, by the model that the
#: signatories approved with the agreement; anybody may verify, and those who are named here should.
POWERS: dict[str, frozenset[str]] = {
    "announce-extract": frozenset({"supplier"}),
    "pseudonymise": frozenset({"key-holder"}),
    "rotate-key": frozenset({"key-holder"}),
    "destroy-key": frozenset({"key-holder"}),
    "rotate-outer-key": frozenset({"operator"}),
    "run": frozenset({"operator"}),
    "review-links": frozenset({"operator"}),
    "release": frozenset({"releaser"}),
    "approve-release": frozenset({"approver"}),
    "waive": frozenset({"approver", "signatory"}),
    "dispose": frozenset({"operator", "key-holder"}),
    "witness-disposal": frozenset({"approver", "auditor"}),
    "record-rights-request": frozenset({"operator", "auditor"}),
    "sign-agreement": frozenset({"signatory"}),
    "rotate-log-key": frozenset({"operator"}),
    "verify-audit": frozenset(ROLES),
    "witness-audit": frozenset({"auditor"}),
}

#: Pairs of roles that one principal may not bear at once.
SEPARATED: tuple[tuple[str, str], ...] = (
    ("key-holder", "operator"),
    ("key-holder", "releaser"),
    ("operator", "approver"),
    ("operator", "auditor"),
    ("releaser", "approver"),
)


def may(principal: Principal, action: str) -> bool:
    """Answer whether a principal may take an action; an unknown action nobody may take."""
    return bool(POWERS.get(action, frozenset()) & set(principal.roles))


def clashes(principals: Iterable[Principal]) -> tuple[tuple[str, str, str], ...]:
    """Return (principal's id, role, role) where one bears two roles that must be separate.

    Principals that share a public key are one.
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
