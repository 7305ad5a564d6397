"""A key on disk: encrypted with a passphrase, and refused if other users could read the file.

The file is JSON: a clear header (what the key is for, its state, the scrypt
parameters) and the root, encrypted with AES-256-GCM under a key that scrypt
derives from the passphrase. The header is authenticated with the root, so an
edited state or date is detected. The file must be a regular file of this user
with mode 0600; a symbolic link is refused without following it.
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
from governance.counted import counted
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
    """A key file as read: its description, and what is needed to decrypt its root."""

    description: KeyDescription
    header: dict[str, Any]
    sealed: bytes

    def unseal(self, passphrase: str) -> bytes:
        """Return the root; raises Fault on a wrong passphrase or an altered header (not distinguishable)."""
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
                f"Key {self.description.key_id} cannot be decrypted: the passphrase is wrong, or the file "
                "was altered.",
                "Check the passphrase. If it is right, restore the key file from its backup.",
            ) from None


def seal(description: KeyDescription, root: bytes, passphrase: str, cost: ScryptCost) -> bytes:
    """Return the bytes of a key file; raises Fault if the passphrase is too weak."""
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
    """Write a file of mode 0600 in one step; raises Fault if it exists and `replace` is False."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(path, content, replace=replace)
    except FileExistsError:
        raise Fault(
            "KEY_EXISTS",
            f"{path.name} already exists and was not overwritten.",
            "Name another file under [keys] in hearth.toml, or retire and destroy the key first (`hearth "
            "keys retire`, `hearth keys destroy`).",
        ) from None
    except OSError as error:
        raise Fault(
            "KEY_NOT_WRITABLE",
            f"{path.name} cannot be written ({error.strerror}).",
            "Correct the folder's owner, permissions or free space.",
        ) from None


def read_private_file(path: Path, what: str, maximum_bytes: int = MAXIMUM_FILE_BYTES) -> bytes:
    """Return a file's bytes if it is a regular file that only this user may read and write.

    what: its name in messages ("key file"). Checks the opened file, not what the path names later.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Fault(
            "KEY_MISSING",
            f"The {what} {path.name} does not exist.",
            "Check the path under [keys] in hearth.toml, restore the file from its custodian, or make a key "
            "with `hearth keys new`.",
        ) from None
    except OSError as error:
        code, why = (
            ("KEY_FILE_SYMLINK", "is a symbolic link")
            if path.is_symlink()
            else ("KEY_FILE_UNREADABLE", f"cannot be read ({error.strerror})")
        )
        remedy = "Put the file itself at this path, owned by you and with mode 0600."
        raise Fault(code, f"The {what} {path.name} {why}.", remedy) from None
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
                f"The {what} {path.name} is too large to be a {what}.",
                "Name the right file under [keys] in hearth.toml.",
            )
        return stream.read(maximum_bytes)


def read_sealed_key(path: Path) -> SealedKey:
    """Read a key file without decrypting it; raises Fault if it is missing, readable by others or damaged."""
    content = read_private_file(path, "key file")
    if len(content) <= 32 and not content.startswith(b"{"):
        raise Fault(
            "KEY_TOO_SHORT",
            f"{path.name} has only {counted(len(content), 'byte')}, too few for an encrypted key of 256 "
            "bits.",
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
            f"{path.name} is not a complete key file of format {FORMAT}.",
            "Restore it from the key's custodian, or make a key with `hearth keys new`.",
        ) from None


def check_passphrase(passphrase: str) -> None:
    """Raise Fault if a passphrase is too short or repeats a few characters."""
    if len(passphrase) < MINIMUM_PASSPHRASE_CHARACTERS or len(set(passphrase)) < 5:
        raise Fault(
            "KEY_PASSPHRASE_WEAK",
            f"The passphrase has fewer than {MINIMUM_PASSPHRASE_CHARACTERS} characters, or fewer than 5 "
            "different ones.",
            "Choose a longer one, for example four random words.",
        )


def _check_private(status: os.stat_result, what: str, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Fault(
            "KEY_FILE_NOT_REGULAR",
            f"The {what} {name} is not a regular file.",
            "Put the file itself at this path.",
        )
    if status.st_uid != os.geteuid():
        raise Fault(
            "KEY_FILE_OWNER",
            f"The {what} {name} belongs to another user.",
            f"Change its owner to the user that runs Hearth, then run `chmod 600 {name}`.",
        )
    if stat.S_IMODE(status.st_mode) & 0o177:
        raise Fault(
            "KEY_FILE_EXPOSED",
            f"The {what} {name} has mode {stat.S_IMODE(status.st_mode):04o}; only mode 0600 or stricter "
            "keeps it private.",
            f"Run `chmod 600 {name}`. If other people could have read it, treat the key as disclosed and "
            "make a new one.",
        )


def _wrapping_key(passphrase: str, salt: bytes, cost: ScryptCost) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(passphrase.encode())
