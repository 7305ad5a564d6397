"""The two key pairs of transfer: the controller signs, the linkage environment opens.

Neither has anything to do with the linkage key. A controller's signing key is an
Ed25519 key in PEM; the linkage environment's identity is an age X25519 identity.
Both lie in private files, under a passphrase where one is given.
"""

import base64
from pathlib import Path

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from governance.audit.signer import read_signing_key
from governance.errors import Fault
from governance.keys.providers.sealed_file import read_private_file, write_private_file

_AGE_HEADER = b"age-encryption.org/v1"


def create_identity(path: Path, passphrase: str | None = None) -> str:
    """Make the linkage environment's identity; returns its public key, which controllers are given."""
    identity = pyrage.x25519.Identity.generate()
    content = f"{identity}\n".encode()
    write_private_file(
        path, content if passphrase is None else pyrage.passphrase.encrypt(content, passphrase)
    )
    return str(identity.to_public())


def read_identity(path: Path, passphrase: str | None = None) -> "pyrage.x25519.Identity":
    """Read the identity; raises Fault when it is missing, exposed, or does not open."""
    content = read_private_file(path, "transfer identity")
    try:
        if content.startswith(_AGE_HEADER):
            if passphrase is None:
                raise Fault(
                    "IDENTITY_PASSPHRASE_MISSING",
                    f"{path.name} is under a passphrase and none is configured.",
                    "Name its passphrase_file in [keys.transfer].",
                )
            content = pyrage.passphrase.decrypt(content, passphrase)
        return pyrage.x25519.Identity.from_str(content.decode("ascii").strip())
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError):
        raise Fault(
            "IDENTITY_MALFORMED",
            f"{path.name} does not open, or holds no age identity.",
            "Check its passphrase, or restore it; packages encrypted to it are lost without it.",
        ) from None


def create_signing_key(path: Path, passphrase: str | None = None) -> str:
    """Make a controller's signing key; returns its public key, which the linkage environment is given."""
    key = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    write_private_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return public_key_text(key)


def open_signing_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Read a controller's signing key; raises Fault when it is missing, exposed, or does not open."""
    return read_signing_key(path, passphrase.encode() if passphrase else None)


def public_key_text(key: Ed25519PrivateKey) -> str:
    """Return the public key as configuration carries it: base64 of its 32 bytes."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def public_key_bytes(text: str) -> bytes:
    """Return the 32 bytes of a public key; raises Fault when the text holds none."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""
    if len(content) != 32:
        raise Fault(
            "SIGNER_MALFORMED",
            "A signer's public key in [keys.transfer.signers] is not base64 of 32 bytes.",
            "Copy it from the controller's `hearth keys new --signing` once more.",
        )
    return content


def open_recipient(text: str) -> "pyrage.x25519.Recipient":
    """Return the linkage environment's public key; raises Fault when the text holds none."""
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise Fault(
            "RECIPIENT_MALFORMED",
            "The recipient in [keys.transfer] is no age public key.",
            "Copy it from the linkage environment's `hearth keys new --identity` once more.",
        ) from None
