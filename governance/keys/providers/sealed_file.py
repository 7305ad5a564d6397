"""A key on disk: sealed under a passphrase, and read only where nobody else could have.

The file is JSON: a header in clear (what the key is for, its state, the scrypt
parameters) and the root, sealed with AES-256-GCM under a key that scrypt makes
of the passphrase. The header is authenticated with the root, so a state or a
date cannot be edited. The file must be a regular one of this user with mode
0600; a symbolic link is refused before it is followed.
"""

import base64
import json
import os
import stat
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from governance.canonical import canonical_json
from governance.errors import Fault
from governance.keys.providers.provider import KeyDescription
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState
from schemas.storage.durable_write import write_durably

FORMAT = "hearth-key/1"
MINIMUM_PASSPHRASE_CHARACTERS = 12
MAXIMUM_FILE_BYTES = 16_384
_NONCE_BYTES = 12
_SALT_BYTES = 16


@dataclass(frozen=True)
class ScryptCost:
    """Cost of guessing one passphrase: n blocks of r * 128 bytes (2**17, 8: 128 MiB, about 0.4 s)."""

    n: int = 2**17
    r: int = 8
    p: int = 1


@dataclass(frozen=True)
class SealedKey:
    """A key file as read: its description, and what is needed to unseal its root."""

    description: KeyDescription
    header: dict[str, Any]
    sealed: bytes

    def unseal(self, passphrase: str) -> bytes:
        """Return the root; raises Fault on a wrong passphrase or an altered header, which look alike."""
        cost = self.header["scrypt"]
        wrapping = _wrapping_key(
            passphrase, base64.b64decode(cost["salt"]), ScryptCost(cost["n"], cost["r"], cost["p"])
        )
        try:
            return AESGCM(wrapping).decrypt(
                base64.b64decode(self.header["nonce"]), self.sealed, canonical_json(self.header)
            )
        except InvalidTag:
            raise Fault(
                "KEY_PASSPHRASE_WRONG",
                f"Key {self.description.key_id} does not open: wrong passphrase, or its file was altered.",
                "Check the passphrase; if it is right, restore the key file from where it was last good.",
            ) from None


def seal(description: KeyDescription, root: bytes, passphrase: str, cost: ScryptCost) -> bytes:
    """Return the bytes of a key file; raises Fault when the passphrase is too short."""
    check_passphrase(passphrase)
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    header = {
        "format": FORMAT,
        "agreement": description.context.agreement,
        "period": description.context.period,
        "version": description.context.version,
        "provider": description.provider,
        "state": str(description.state),
        "created": description.created.isoformat(),
        "expires": description.expires.isoformat() if description.expires else None,
        "scrypt": {"n": cost.n, "r": cost.r, "p": cost.p, "salt": base64.b64encode(salt).decode()},
        "nonce": base64.b64encode(nonce).decode(),
    }
    sealed = AESGCM(_wrapping_key(passphrase, salt, cost)).encrypt(nonce, root, canonical_json(header))
    return canonical_json({"header": header, "sealed": base64.b64encode(sealed).decode()}) + b"\n"


def write_private_file(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file of mode 0600 in one step; raises Fault when it exists and `replace` is False."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(path, content, replace=replace)
    except FileExistsError:
        raise Fault(
            "KEY_EXISTS",
            f"{path.name} exists already and is not overwritten.",
            "Retire and destroy the key first, or name another file.",
        ) from None
    except OSError as error:
        raise Fault(
            "KEY_NOT_WRITABLE",
            f"{path.name} cannot be written ({error.strerror}).",
            "Mend the folder's owner, permissions or free space.",
        ) from None


def read_private_file(path: Path, what: str, maximum_bytes: int = MAXIMUM_FILE_BYTES) -> bytes:
    """Return a file's bytes if it is a regular file of this user that nobody else may read or write.

    what: how messages call it ("the key file"). Checks what was opened, not what the path names later.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Fault(
            "KEY_MISSING",
            f"There is no {what} at {path.name}.",
            "Make one with `hearth keys new`, or restore it from its custodian.",
        ) from None
    except OSError as error:
        code, why = (
            ("KEY_FILE_SYMLINK", "is a symbolic link")
            if path.is_symlink()
            else ("KEY_FILE_UNREADABLE", f"cannot be read ({error.strerror})")
        )
        raise Fault(code, f"The {what} {path.name} {why}.", "Put the file itself there, mode 0600.") from None
    try:
        status = os.fstat(descriptor)
        _check_private(status, what, path.name)
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as stream:
        if status.st_size > maximum_bytes:
            raise Fault(
                "KEY_FILE_MALFORMED",
                f"The {what} {path.name} is larger than any {what} can be.",
                "Name the right file in [keys].",
            )
        return stream.read(maximum_bytes)


def read_sealed_key(path: Path) -> SealedKey:
    """Read a key file without unsealing it; raises Fault when it is missing, exposed, cut or too short."""
    content = read_private_file(path, "key file")
    if len(content) <= 32 and not content.startswith(b"{"):
        raise Fault(
            "KEY_TOO_SHORT",
            f"{path.name} holds {len(content)} bytes, which is no sealed key of 256 bits.",
            "Make a key with `hearth keys new`.",
        )
    try:
        outer = json.loads(content)
        header = outer["header"] if outer["header"]["format"] == FORMAT else {}
        description = KeyDescription(
            context=KeyContext(header["agreement"], header["period"], int(header["version"])),
            provider=str(header["provider"]),
            state=KeyState(header["state"]),
            bits=256,
            created=date.fromisoformat(header["created"]),
            expires=date.fromisoformat(header["expires"]) if header["expires"] else None,
        )
        return SealedKey(description, header, base64.b64decode(outer["sealed"], validate=True))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Fault(
            "KEY_FILE_MALFORMED",
            f"{path.name} is not a whole key file of format {FORMAT}: cut short, or something else.",
            "Restore it from its custodian, or make a key with `hearth keys new`.",
        ) from None


def check_passphrase(passphrase: str) -> None:
    """Raise Fault when a passphrase is too short or one character over and over."""
    if len(passphrase) < MINIMUM_PASSPHRASE_CHARACTERS or len(set(passphrase)) < 5:
        raise Fault(
            "KEY_PASSPHRASE_WEAK",
            f"The passphrase has fewer than {MINIMUM_PASSPHRASE_CHARACTERS} characters or hardly varies.",
            "Choose a longer one; four random words will do.",
        )


def _check_private(status: os.stat_result, what: str, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Fault(
            "KEY_FILE_NOT_REGULAR", f"The {what} {name} is not a regular file.", "Put the file itself there."
        )
    if status.st_uid != os.geteuid():
        raise Fault(
            "KEY_FILE_OWNER",
            f"The {what} {name} belongs to another user.",
            "Let the user that runs Hearth own it, and nobody else read it.",
        )
    if stat.S_IMODE(status.st_mode) & 0o177:
        raise Fault(
            "KEY_FILE_EXPOSED",
            f"The {what} {name} has mode {stat.S_IMODE(status.st_mode):04o}; 0600 is the most it may have.",
            "Treat the key as disclosed if others could read it; else `chmod 600` it.",
        )


def _wrapping_key(passphrase: str, salt: bytes, cost: ScryptCost) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(passphrase.encode())
