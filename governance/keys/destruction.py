"""Destruction of a key: erased, with a signed certificate, so that a returning copy is recognised.

A certificate contains the key's id and check value, and when and how it was
destroyed. It is written before the key is erased, so a kill in between leaves a
certificate to repeat and never an unrecorded destruction.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.canonical import canonical_json
from governance.errors import Refused
from governance.keys.providers.file_key import open_file_key
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.sealed_file import write_private_file
from governance.keys.states import KeyState, check_transition
from governance.principals.statement import is_signed, public_key_of, sign_statement
from schemas.storage.durable_write import sync

CERTIFICATES = "certificates"
STATEMENT = "destruction"
_CHECKED = "uprn"


def destroy_key(
    path: Path, passphrase: str, *, witness: str, actor: str, signing_key: Ed25519PrivateKey
) -> Path:
    """Erase a retired key's file and certify it; returns the certificate.

    witness: name of the second person, who must not be the actor. Raises Refused unless the key is
    retired.
    """
    key = open_file_key(path, passphrase)
    check_transition(key.description.key_id, key.description.state, KeyState.DESTROYED)
    if not witness.strip() or witness.strip().casefold() == actor.strip().casefold():
        raise Refused(
            "KEY_WITNESS_MISSING",
            "A second person must witness a key's destruction.",
            "Name them with --witness; they must not be the person who destroys the key.",
        )
    certificate = write_certificate(
        _certificate_of(path, key),
        {
            "what": "linkage key",
            "key_id": key.description.key_id,
            "check_value": key.check_value(_CHECKED),
            "actor": actor,
            "witness": witness.strip(),
            "method": "file overwritten, synced, removed; its folder synced",
            "destroyed": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        signing_key,
    )
    erase_file(path)
    return certificate


def was_destroyed(path: Path, key: InMemoryKey) -> bool:
    """Return whether a certificate next to the key's file records the destruction of this key."""
    return _certificate_of(path, key).exists()


def write_certificate(path: Path, content: Mapping[str, Any], signing_key: Ed25519PrivateKey) -> Path:
    """Write a signed certificate of destruction; content: what was destroyed, when and how."""
    signed = {
        "statement": STATEMENT,
        "content": dict(content),
        "public_key": public_key_of(signing_key),
        "signature": sign_statement(STATEMENT, content, signing_key),
    }
    write_private_file(path, canonical_json(signed) + b"\n", replace=True)
    return path


def is_certificate(path: Path, public_key: str) -> bool:
    """Return whether a certificate is signed by that key (base64) and unaltered."""
    try:
        signed = json.loads(path.read_bytes())
        return signed["statement"] == STATEMENT and is_signed(
            STATEMENT, signed["content"], signed["signature"], public_key
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def erase_file(path: Path) -> None:
    """Overwrite a small file, sync, remove it and sync its folder.

    On flash and copy-on-write volumes the old block may survive until it is trimmed. The folder of
    these keys should therefore be on tmpfs or an encrypted volume; the checks before a run warn of it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        os.pwrite(descriptor, os.urandom(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()
    sync(path.parent)


def _certificate_of(path: Path, key: InMemoryKey) -> Path:
    name = f"{key.description.key_id}-{key.check_value(_CHECKED)}".replace("/", "-").replace(":", "-")
    return path.parent / CERTIFICATES / f"{name}.json"
