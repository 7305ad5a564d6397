"""A supplier's signature on an extract: its table, digest, rows, number and date.

The signature is in the manifest next to the file. [[principals]] of the agreement determine who may
sign an extract of which controller; rule ING-01 checks it.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Principal
from governance.principals.roles import may
from governance.principals.statement import is_signed, sign_statement

ACTION = "announce-extract"
_STATEMENT = "extract"


def extract_statement(
    table: str, sha256: str, rows: int, sequence: int | None, supplied: str | None
) -> dict[str, Any]:
    """Return what a supplier signs. supplied: the day, as YYYY-MM-DD."""
    return {"table": table, "sha256": sha256, "rows": rows, "sequence": sequence, "supplied": supplied}


def sign_extract_statement(content: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Return the signature for the manifest."""
    return sign_statement(_STATEMENT, content, key)


def extract_signed_by(
    agreement: Agreement, controller: str, content: Mapping[str, Any], signed_by: str | None, signature: str
) -> Principal | None:
    """Return the supplier of that controller if their signature is valid, else None."""
    principal = next((item for item in agreement.principals if item.id == signed_by), None)
    if principal is None or principal.party != controller or not may(principal, ACTION):
        return None
    return principal if is_signed(_STATEMENT, content, signature, principal.public_key) else None
