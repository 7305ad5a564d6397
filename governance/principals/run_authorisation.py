"""Mandates: the signature of a principal that this very run may begin, or that its release may appear.

Whoever starts a run holds the key of a principal whose role may; a release also needs a releaser's.
The mandate names the agreement by its digest and the run by its id, so neither can be carried over to
another. It stands in the audit log's `run_start`, where anybody who has the agreement can check it.

Facts that a run shows of them:
  run_id        the run's id
  action        what the run is: "run" (a night, a training) or "pseudonymise" (at a controller)
  presented     ids of the principals whose keys were presented
  unknown_keys  keys presented that are no principal's
  mandates      action -> {"principal", "signature"}; null where no key presented may take it
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Principal
from governance.errors import Refused
from governance.principals.roles import POWERS, may
from governance.principals.statement import is_signed, public_key_of, sign_statement

#: What a run of each kind needs a mandate for.
NEEDED: dict[str, tuple[str, ...]] = {"run": ("run", "release"), "pseudonymise": ("pseudonymise",)}
_STATEMENT = "mandate"


def principal_of(agreement: Agreement, key: Ed25519PrivateKey) -> Principal | None:
    """Return the principal whose key it is, if it is one's."""
    public = public_key_of(key)
    return next((item for item in agreement.principals if item.public_key == public), None)


def principal_who_may(
    agreement: Agreement, key: Ed25519PrivateKey, action: str, told: str, expected: str | None = None
) -> Principal:
    """Return the principal whose key it is, if he may take the action; raises Refused otherwise.

    told: how a refusal names the key, such as its file's name. expected: the id the principal must have.
    """
    principal = principal_of(agreement, key)
    if principal is None or expected not in (None, principal.id):
        raise Refused(
            "NOT_A_PRINCIPAL",
            f"{told} is not the key of {expected or 'a principal'} of agreement {agreement.id}.",
            "Use the key whose public half stands in [[principals]].",
        )
    if not may(principal, action):
        raise Refused(
            "NOT_PERMITTED",
            f"{principal.id} is {', '.join(principal.roles)} and may not {action}.",
            f"Ask someone who is {' or '.join(sorted(POWERS[action]))}; docs/governance.md has the table.",
        )
    return principal


def run_authorisation_facts(
    agreement: Agreement, run_id: str, action: str, keys: Sequence[Ed25519PrivateKey]
) -> dict[str, Any]:
    """Return the facts of a run that begins under these keys; one key may serve where its roles allow."""
    held = [(principal_of(agreement, key), key) for key in keys]
    known = [(principal, key) for principal, key in held if principal is not None]
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
        "unknown_keys": len(held) - len(known),
        "mandates": mandates,
    }


def authorised_by(
    agreement: Agreement, run_id: str, action: str, mandates: Mapping[str, Any]
) -> Principal | None:
    """Return the principal whose mandate for the action holds; None where there is none or it does not."""
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
    """Return who the log says acted: the id of the mandate's principal, else `otherwise`, unauthenticated."""
    mandate = facts["mandates"][facts["action"]]
    return f"unauthenticated:{otherwise}" if mandate is None else str(mandate["principal"])


def _content(agreement: Agreement, run_id: str, action: str) -> dict[str, str]:
    return {"agreement": agreement.id, "digest": agreement.digest, "run": run_id, "action": action}
