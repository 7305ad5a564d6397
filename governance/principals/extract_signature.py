"""A supplier's signature on what it sends: table, digest, rows, number and date of one extract.

It stands in the manifest beside the file. Whoever may announce an extract, and for which controller,
follows from [[principals]] of the agreement; rule ING-01 asks.
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
    """Return the signature that the manifest carries."""
    return sign_statement(_STATEMENT, content, key)


def extract_signed_by(
    agreement: Agreement, controller: str, content: Mapping[str, Any], signed_by: str | None, signature: str
) -> Principal | None:
    """Return the supplier of that controller whose signature holds; None where it does not."""
    principal = next((item for item in agreement.principals if item.id == signed_by), None)
    if principal is None or principal.party != controller or not may(principal, ACTION):
        return None
    return principal if is_signed(_STATEMENT, content, signature, principal.public_key) else None
