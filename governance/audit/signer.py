"""The log's signing key, and the record of what it last signed.

The key belongs to the linkage environment. It never signs a log that is shorter than, or differs
from, the one it signed before. The record is stored with the key, not with the log.
"""

import base64
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from governance.audit.note import NoteSigner, checkpoint_text
from governance.audit.verify import LARGEST_KEY, Checkpoint, read_regular
from governance.counted import counted
from governance.errors import Fault, Refused
from schemas.storage.durable_write import write_durably

KEY_NAME = "audit-log.pem"
NEXT_KEY_NAME = "audit-log.next.pem"
MEMORY_NAME = "audit-log.last"


@dataclass(frozen=True)
class LogSigner:
    """Signs the checkpoints of one log. memory: the file with "size root" of the last one signed."""

    signer: NoteSigner = field(repr=False)
    memory: Path

    @property
    def origin(self) -> str:
        """The log's name, the first line of each of its checkpoints."""
        return self.signer.name

    @property
    def verifier_key(self) -> str:
        """The public key in the form that trust.json uses."""
        return self.signer.verifier_key()

    def check_grown(self, roots: Sequence[bytes], was_signed: bool = False) -> None:
        """Check that the log only grew since the last signature; `roots` as from `verify.prefix_roots`.

        was_signed: whether the log itself shows that it was signed before, so that a record must exist.
        Raises Refused if the log is shorter or if signed lines were changed, Fault if the record of a signed
        log is missing.
        """
        try:
            size_text, root_text = self.memory.read_text("ascii").split()
            size, root = int(size_text), base64.b64decode(root_text, validate=True)
        except FileNotFoundError:
            if not was_signed:
                return
            raise Fault(
                "LOG_SIGNER_MEMORY",
                "The record of what the log key last signed is missing, although the log was signed before.",
                "Restore keys/audit-log.last from its copy; without it a shortened log could be signed.",
            ) from None
        except (OSError, ValueError):
            raise Fault(
                "LOG_SIGNER_MEMORY",
                f"{self.memory.name}, the record of what the log's key last signed, cannot be read.",
                "Restore it from the key's backup. Without it, a shortened log could be signed.",
            ) from None
        if not 0 <= size < len(roots) or roots[size] != root:
            signed = counted(size, "entry", "entries")
            change = (
                f"entries were removed ({signed} were signed before)"
                if size >= len(roots)
                else f"the first {signed} differ from what was signed before"
            )
            raise Refused(
                "AUDIT_LOG_CHANGED",
                f"The audit log was changed outside Hearth: {change}.",
                "Run `hearth audit verify`, find out who changed the log, and restore it from its copy.",
            )

    def sign(self, roots: Sequence[bytes]) -> bytes:
        """Return the signed checkpoint of the whole log; raises Refused if signed lines were changed."""
        self.check_grown(roots)
        checkpoint = Checkpoint(self.origin, len(roots) - 1, roots[-1])
        text = checkpoint_text(checkpoint)
        write_durably(
            self.memory, f"{checkpoint.size} {base64.b64encode(checkpoint.root).decode()}\n".encode()
        )
        return text + b"\n" + self.signer.sign(text)

    def sign_with(self, other: "LogSigner", roots: Sequence[bytes]) -> bytes:
        """Return the checkpoint of the whole log, signed with this key and with its successor."""
        note = self.sign(roots)
        text = note[: note.rindex(b"\n\n") + 1]
        return note + other.signer.sign(text)


def open_log_signer(keys_folder: Path, origin: str) -> LogSigner:
    """Return the log's signer; creates its key on first use (mode 0600).

    origin: the log's name, such as "hearth/sample"; characters not allowed in a note's name become "-".
    Raises Fault if the key file is not a regular file that only this user can read.
    """
    return _open(keys_folder, KEY_NAME, origin)


def open_next_log_signer(keys_folder: Path, origin: str) -> LogSigner:
    """Return the signer that replaces the current one; creates its key on first use (mode 0600)."""
    return _open(keys_folder, NEXT_KEY_NAME, origin)


def put_next_key_in_force(keys_folder: Path) -> None:
    """Replace the current key file with the next one; the old private key is deleted by this."""
    (keys_folder / NEXT_KEY_NAME).replace(keys_folder / KEY_NAME)


def _open(keys_folder: Path, key_name: str, origin: str) -> LogSigner:
    path = keys_folder / key_name
    if not path.exists() and not path.is_symlink():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_durably(path, pem)
    name = re.sub(r"[\s+]+", "-", origin)
    return LogSigner(NoteSigner(name, read_signing_key(path)), keys_folder / MEMORY_NAME)


def read_signing_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Read an Ed25519 key (PEM, PKCS#8); raises Fault if other users can read the file."""
    try:
        status = path.lstat()
        data = read_regular(path, LARGEST_KEY) if stat.S_ISREG(status.st_mode) else b""
    except OSError as error:
        raise Fault(
            "SIGNING_KEY_UNREADABLE",
            f"The signing key {path.name} cannot be read ({error.strerror}).",
            "Name an existing key file, or create one with `hearth governance key`.",
        ) from None
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Fault(
            "SIGNING_KEY_EXPOSED",
            f"The signing key {path.name} must be a regular file that belongs to you and that only you can "
            "read.",
            f"Run `chmod 600 {path.name}`. If other people could have read it, create a new key with "
            "`hearth governance key`.",
        )
    try:
        key = load_pem_private_key(data, passphrase)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Fault(
            "SIGNING_KEY_MALFORMED",
            f"{path.name} is not an Ed25519 key in PEM form, or it needs a passphrase.",
            "Name another key file, or create one with `hearth governance key`.",
        )
    return key
