"""Signed statements: a human decision as a small JSON object and an Ed25519 signature over it.

A waiver, an approval and a disposal certificate are statements. The signature covers the kind, so
one kind cannot be used as another.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.canonical import canonical_json


def sign_statement(kind: str, content: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Return the base64 signature of a statement; kind: "waiver", "approval", …"""
    return base64.b64encode(key.sign(_signed_bytes(kind, content))).decode()


def is_signed(kind: str, content: Mapping[str, Any], signature: str, public_key: str) -> bool:
    """Return whether `signature` of the statement is valid for `public_key` (both base64)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), _signed_bytes(kind, content))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Return the public key in the form that [[principals]] of the agreement uses."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _signed_bytes(kind: str, content: Mapping[str, Any]) -> bytes:
    return f"hearth-statement/v1 {kind}\n".encode() + canonical_json(dict(content))
