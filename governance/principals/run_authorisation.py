"""Run authorisation: a principal's signature that this run may start, or that its release may appear.

A run needs the key of a principal whose role allows it; a release also needs a releaser's key. The
signature covers the agreement's digest and the run's id, so it is valid for no other run. It is
recorded in the audit log's `run_start`, where anyone who has the agreement can check it.

Facts (the log calls an authorisation a mandate):
  run_id        the run's id
  action        the kind of run: "run" (links or trains) or "pseudonymise" (at a controller)
  presented     ids of the principals whose keys were given
  unknown_keys  number of keys given that belong to no principal
  mandates      action -> {"principal", "signature"}; null if no key given may take the action
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Principal
from governance.errors import Refused
from governance.principals.roles import POWERS, may
from governance.principals.statement import is_signed, public_key_of, sign_statement

#: Kind of run -> actions that need an authorisation.
NEEDED: dict[str, tuple[str, ...]] = {"run": ("run", "release"), "pseudonymise": ("pseudonymise",)}
_STATEMENT = "mandate"


def principal_of(agreement: Agreement, key: Ed25519PrivateKey) -> Principal | None:
    """Return the principal with this key, if there is one."""
    public = public_key_of(key)
    return next((item for item in agreement.principals if item.public_key == public), None)


def principal_who_may(
    agreement: Agreement, key: Ed25519PrivateKey, action: str, key_name: str, expected: str | None = None
) -> Principal:
    """Return the principal with this key if they may take the action; raises Refused otherwise.

    key_name: the key's name in messages, such as its file name. expected: the id the principal must have.
    """
    principal = principal_of(agreement, key)
    if principal is None or expected not in (None, principal.id):
        raise Refused(
            "NOT_A_PRINCIPAL",
            f"{key_name} is not the key of {expected or 'any principal'} of agreement {agreement.id}.",
            "Use a key whose public half is listed under [[principals]] of the agreement; `hearth governance "
            "check` lists the principals.",
        )
    if not may(principal, action):
        raise Refused(
            "NOT_PERMITTED",
            f"{principal.id} has the role {' and '.join(principal.roles)}, which may not {action}.",
            f"Ask someone with the role {' or '.join(sorted(POWERS[action]))}. docs/governance.md lists what "
            "each role may do.",
        )
    return principal


def run_authorisation_facts(
    agreement: Agreement, run_id: str, action: str, keys: Sequence[Ed25519PrivateKey]
) -> dict[str, Any]:
    """Return the facts of a run that starts with these keys; one key may authorise several actions."""
    presented = [(principal_of(agreement, key), key) for key in keys]
    known = [(principal, key) for principal, key in presented if principal is not None]
    mandates: dict[str, dict[str, str] | None] = {}
    for needed in NEEDED[action]:
        signer = next(((person, key) for person, key in known if may(person, needed)), None)
        mandates[needed] = signer and {
            "principal": signer[0].id,
            "signature": sign_statement(_STATEMENT, _content(agreement, run_id, needed), signer[1]),
        }
    return {
        "run_id": run_id,
        "action": action,
        "presented": [principal.id for principal, _ in known],
        "unknown_keys": len(presented) - len(known),
        "mandates": mandates,
    }


def authorised_by(
    agreement: Agreement, run_id: str, action: str, mandates: Mapping[str, Any]
) -> Principal | None:
    """Return the principal who validly authorised the action; None if no one did."""
    mandate = mandates.get(action)
    if not isinstance(mandate, Mapping):
        return None
    principal = next((item for item in agreement.principals if item.id == mandate.get("principal")), None)
    if principal is None or not may(principal, action):
        return None
    content = _content(agreement, run_id, action)
    if not is_signed(_STATEMENT, content, str(mandate.get("signature", "")), principal.public_key):
        return None
    return principal


def actor_of(facts: Mapping[str, Any], otherwise: str) -> str:
    """Return the actor for the log: the authorising principal's id, else `otherwise` as unauthenticated."""
    mandate = facts["mandates"][facts["action"]]
    return f"unauthenticated:{otherwise}" if mandate is None else str(mandate["principal"])


def _content(agreement: Agreement, run_id: str, action: str) -> dict[str, str]:
    return {"agreement": agreement.id, "digest": agreement.digest, "run": run_id, "action": action}
