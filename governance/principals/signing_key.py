"""People's signing keys, and the decisions they sign with them."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import approval_statement, waiver_statement
from governance.agreement.decisions_file import decisions_path, read_decisions
from governance.agreement.terms import Approval, Waiver
from governance.audit.signer import read_signing_key
from governance.errors import Fault
from governance.principals.run_authorisation import principal_who_may
from governance.principals.statement import public_key_of, sign_statement
from schemas.storage.durable_write import rename_durably


def create_signing_key(path: Path) -> str:
    """Write a new Ed25519 key (PEM, mode 0600) and return its public half; raises Fault if a file exists."""
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Fault(
            "SIGNING_KEY_NOT_WRITTEN",
            f"The key file {path} cannot be created ({error.strerror}).",
            "Name a new file in a folder that you can write to.",
        ) from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public_key_of(key)


def key_of_principal(
    agreement: Agreement, principal_id: str | None, action: str, path: Path
) -> tuple[str, Ed25519PrivateKey]:
    """Return (the principal's id, the key at `path`); raises Refused unless they may take the action.

    principal_id: the principal that the key must belong to; None for any.
    """
    key = read_signing_key(path)
    principal = principal_who_may(agreement, key, action, path.name, principal_id)
    return principal.id, key


def add_approval(
    path: Path, agreement: Agreement, specification: str, principal_id: str | None, key_path: Path
) -> Path:
    """Sign an approval and add it to the decisions of the agreement at `path`; returns their file."""
    principal, key = key_of_principal(agreement, principal_id, "approve-release", key_path)
    unsigned = Approval(specification, principal, _today(), "")
    statement = approval_statement(agreement.id, unsigned)
    signed = replace(unsigned, signature=sign_statement("approval", statement, key))
    return _append(
        path,
        "approvals",
        {
            "specification": signed.specification,
            "approved_by": signed.approved_by,
            "on": signed.on,
            "signature": signed.signature,
        },
    )


def add_waiver(
    path: Path,
    agreement: Agreement,
    rule_id: str,
    reason: str,
    expires: date,
    principal_id: str | None,
    key_path: Path,
) -> Path:
    """Sign a waiver and add it to the decisions of the agreement at `path`; returns their file."""
    principal, key = key_of_principal(agreement, principal_id, "waive", key_path)
    unsigned = Waiver(rule_id, reason, principal, _today(), expires, "")
    if expires <= unsigned.granted_on:
        raise Fault(
            "WAIVER_ENDED",
            f"The waiver would end on {expires}, which is not after today ({unsigned.granted_on}).",
            "Give a later date with --until.",
        )
    signature = sign_statement("waiver", waiver_statement(agreement.id, unsigned), key)
    return _append(
        path,
        "waivers",
        {
            "rule": rule_id,
            "reason": reason,
            "granted_by": principal,
            "granted_on": unsigned.granted_on,
            "expires": expires,
            "signature": signature,
        },
    )


def _today() -> date:
    return datetime.now(UTC).date()


def _append(agreement: Path, section: str, entry: dict[str, Any]) -> Path:
    path = decisions_path(agreement)
    before = path.read_text("utf-8") if path.is_file() else "# Decisions under the agreement, each signed.\n"
    lines = [f"{name} = {_toml(value)}" for name, value in entry.items()]
    partial = path.with_name(path.name + ".partial")
    partial.write_text(f"{before}\n[[{section}]]\n" + "\n".join(lines) + "\n", "utf-8")
    try:
        read_decisions(partial)
    except Fault:
        partial.unlink()
        raise
    rename_durably(partial, path)
    return path


def _toml(value: str | date) -> str:
    if isinstance(value, date):
        return value.isoformat()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    if any(ord(letter) < 32 for letter in escaped):
        raise Fault(
            "TEXT_HOLDS_CONTROLS",
            "The text contains a line break or another control character.",
            "Write it on one line.",
        )
    return f'"{escaped}"'
