"""The agreement's signatures: a signed note next to the file, with one line for each signatory.

    agreement.toml.sig      C2SP signed note over the agreement's id, version and digest

The digest does not depend on comments and layout. The keys come from [[principals]] of the agreement
itself, so officers compare the fingerprints that `hearth governance check` prints with their own list.
"""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.terms import Principal
from governance.audit.note import NoteSigner
from governance.audit.verify import ED25519, VerifierKey, key_hash_of, read_note
from governance.principals.roles import may

SIGNATURE_SUFFIX = ".sig"
SignatureStatus = Literal["valid", "absent", "broken"]


def signature_path(agreement: Path) -> Path:
    """Return the path of an agreement's signatures."""
    return agreement.with_name(agreement.name + SIGNATURE_SUFFIX)


def signed_text(agreement_id: str, version: int, digest: str) -> bytes:
    """Return the text that signatories sign."""
    return f"hearth-agreement/v1\n{agreement_id}\n{version}\n{digest}\n".encode()


def add_signature(path: Path, text: bytes, principal_id: str, key: Ed25519PrivateKey) -> None:
    """Add one signatory's line to the agreement's note; signatures of another text are removed."""
    present = path.read_bytes() if path.is_file() else b""
    lines = present.removeprefix(text + b"\n") if present.startswith(text + b"\n") else b""
    new = NoteSigner(principal_id, key).sign(text)
    kept = b"".join(
        line + b"\n" for line in lines.split(b"\n") if line and line.split(b" ")[1] != principal_id.encode()
    )
    path.write_bytes(text + b"\n" + kept + new)


def signature_status(
    path: Path, text: bytes, principals: Sequence[Principal], controllers: Sequence[str]
) -> tuple[SignatureStatus, tuple[str, ...]]:
    """Return the status of the agreement's signatures, and the ids of those who signed validly.

    "valid": a signatory of every controller signed exactly this text. "absent": there is no signature
    file. "broken": there is one, but it is unreadable, of another text, or lacks a signature.
    """
    try:
        note = read_note(path.read_bytes())
    except FileNotFoundError:
        return "absent", ()
    except (OSError, ValueError):
        return "broken", ()
    if note.text != text:
        return "broken", ()
    signed = [p for p in principals if may(p, "sign-agreement") and note.signed_by(_verifier_key(p))]
    complete = bool(controllers) and set(controllers) <= {principal.party for principal in signed}
    return ("valid" if complete else "broken"), tuple(principal.id for principal in signed)


def _verifier_key(principal: Principal) -> VerifierKey:
    try:
        public = base64.b64decode(principal.public_key, validate=True)
    except binascii.Error:
        public = b""
    return VerifierKey(principal.id, key_hash_of(principal.id, ED25519, public), ED25519, public)
