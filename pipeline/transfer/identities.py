"""The two key pairs of transfer: a controller signs packages, and the linkage environment decrypts them.

A controller's signing key is an Ed25519 key in PEM. The linkage environment's identity is an age X25519
identity. Both are stored in private files, with a passphrase if one is configured. They are unrelated to the
linkage key.
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
    """Make the linkage environment's identity; returns its public key, which the controllers need.

    The public key is an age recipient ("age1..."). Raises Fault if the file cannot be written.
    """
    identity = pyrage.x25519.Identity.generate()
    content = f"{identity}\n".encode()
    write_private_file(
        path, content if passphrase is None else pyrage.passphrase.encrypt(content, passphrase)
    )
    return str(identity.to_public())


def read_identity(path: Path, passphrase: str | None = None) -> "pyrage.x25519.Identity":
    """Read the identity; raises Fault if it is missing, exposed, or cannot be decrypted."""
    content = read_private_file(path, "transfer identity")
    try:
        if content.startswith(_AGE_HEADER):
            if passphrase is None:
                raise Fault(
                    "IDENTITY_PASSPHRASE_MISSING",
                    f"The transfer identity {path.name} needs a passphrase, and none is configured.",
                    "Set passphrase_file under [keys.transfer] in hearth.toml.",
                )
            content = pyrage.passphrase.decrypt(content, passphrase)
        return pyrage.x25519.Identity.from_str(content.decode("ascii").strip())
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError):
        raise Fault(
            "IDENTITY_MALFORMED",
            f"{path.name} cannot be decrypted, or it is not an age identity. No packages can be opened.",
            "Check the passphrase in [keys.transfer], or restore the file from your backup. Packages that "
            "are encrypted to it can only be opened with it.",
        ) from None


def create_signing_key(path: Path, passphrase: str | None = None) -> str:
    """Make a controller's signing key; returns its public key, which the linkage environment needs.

    The public key is base64 of 32 bytes. Raises Fault if the file cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    write_private_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return public_key_text(key)


def open_signing_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Read a controller's signing key; raises Fault if it is missing, exposed, or cannot be decrypted."""
    return read_signing_key(path, passphrase.encode() if passphrase else None)


def public_key_text(key: Ed25519PrivateKey) -> str:
    """Return the public key as it is written in hearth.toml: base64 of its 32 bytes."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def public_key_bytes(text: str) -> bytes:
    """Return the 32 bytes of a public key; raises Fault if the text is not base64 of 32 bytes."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""
    if len(content) != 32:
        raise Fault(
            "SIGNER_MALFORMED",
            "A public key under [keys.transfer] signers in hearth.toml is not base64 of 32 bytes.",
            "Copy it again from the controller, where `hearth keys new --signing FILE` printed it.",
        )
    return content


def open_recipient(text: str) -> "pyrage.x25519.Recipient":
    """Return the linkage environment's public key; raises Fault if the text is not an age public key."""
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise Fault(
            "RECIPIENT_MALFORMED",
            "The recipient under [keys.transfer] in hearth.toml is not an age public key.",
            "Copy it again from the linkage environment, where `hearth keys new --identity FILE` printed it.",
        ) from None
