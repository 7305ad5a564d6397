"""The log's signing key, and its memory of what it last signed.

The key belongs to the linkage environment. It never signs a log that is shorter than, or differs
from, the one it signed before; that memory lies beside the key, not beside the log.
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
from governance.audit.verify import Checkpoint
from governance.errors import Fault, Refused
from schemas.storage.durable_write import write_durably

KEY_NAME = "audit-log.pem"
NEXT_KEY_NAME = "audit-log.next.pem"
MEMORY_NAME = "audit-log.last"


@dataclass(frozen=True)
class LogSigner:
    """Signs the checkpoints of one log. memory: file that holds "size root" of the last one signed."""

    signer: NoteSigner = field(repr=False)
    memory: Path

    @property
    def origin(self) -> str:
        """The log's name, which stands first in each of its checkpoints."""
        return self.signer.name

    @property
    def verifier_key(self) -> str:
        """The public key, as an officer names it in trust.json."""
        return self.signer.verifier_key()

    def check_grown(self, roots: Sequence[bytes], was_signed: bool = False) -> None:
        """Check that the log only grew since the last signature; `roots` as `verify.prefix_roots` gives them.

        was_signed: whether the log itself shows that it was signed before, so that a record must exist.
        Raises Refused where the log is shorter or begins otherwise, Fault where the record of a signed log is
        missing.
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
                "The record of what the log key last signed cannot be read.",
                "Restore it from the key's backup; without it a shortened log could be signed.",
            ) from None
        if not 0 <= size < len(roots) or roots[size] != root:
            what = "shorter than" if size >= len(roots) else "not a continuation of"
            raise Refused(
                "AUDIT_LOG_CHANGED",
                f"The audit log is {what} the {size} lines that were signed before.",
                "Run `hearth audit verify`, find out who changed it, and restore the log from its copy.",
            )

    def sign(self, roots: Sequence[bytes]) -> bytes:
        """Return the signed checkpoint of the whole log; raises Refused where it did not only grow."""
        self.check_grown(roots)
        checkpoint = Checkpoint(self.origin, len(roots) - 1, roots[-1])
        text = checkpoint_text(checkpoint)
        write_durably(
            self.memory, f"{checkpoint.size} {base64.b64encode(checkpoint.root).decode()}\n".encode()
        )
        return text + b"\n" + self.signer.sign(text)

    def sign_with(self, other: "LogSigner", roots: Sequence[bytes]) -> bytes:
        """Return the checkpoint of the whole log under this key and the one that follows it."""
        note = self.sign(roots)
        text = note[: note.rindex(b"\n\n") + 1]
        return note + other.signer.sign(text)


def open_log_signer(keys_folder: Path, origin: str) -> LogSigner:
    """Return the log's signer, its key made on first use (mode 0600).

    origin: the log's name, such as "hearth/sample"; what a note cannot hold in a name becomes "-".
    Raises Fault where the key file is not a plain file of this user that nobody else can read.
    """
    return _open(keys_folder, KEY_NAME, origin)


def open_next_log_signer(keys_folder: Path, origin: str) -> LogSigner:
    """Return the signer that is to come after a change of key, its key made on first use (mode 0600)."""
    return _open(keys_folder, NEXT_KEY_NAME, origin)


def put_next_key_in_force(keys_folder: Path) -> None:
    """Let the next key take the place of the present one, which is gone with that."""
    (keys_folder / NEXT_KEY_NAME).replace(keys_folder / KEY_NAME)


def _open(keys_folder: Path, key_name: str, origin: str) -> LogSigner:
    path = keys_folder / key_name
    if not path.exists() and not path.is_symlink():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_durably(path, pem)
    name = re.sub(r"[\s+]+", "-", origin)
    return LogSigner(NoteSigner(name, read_signing_key(path)), keys_folder / MEMORY_NAME)


def read_signing_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Read an Ed25519 key (PEM, PKCS#8); raises Fault where it is not private to this user."""
    try:
        status = path.lstat()
        data = path.read_bytes()
    except OSError as error:
        raise Fault(
            "SIGNING_KEY_UNREADABLE", f"{path.name}: {error.strerror}.", "Name an existing key file."
        ) from None
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Fault(
            "SIGNING_KEY_EXPOSED",
            f"{path.name} is not a plain file of this user that only this user can read.",
            "Own it and set its mode to 0600; if others may have read it, make another key.",
        )
    try:
        key = load_pem_private_key(data, passphrase)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Fault(
            "SIGNING_KEY_MALFORMED",
            f"{path.name} does not hold an Ed25519 key that can be opened.",
            "Make one with `hearth governance key`, or give its passphrase.",
        )
    return key
