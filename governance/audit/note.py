"""Writing signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature). Reading is in `verify.py`."""

import base64
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.audit.verify import COSIGNATURE, ED25519, Checkpoint, key_hash_of


@dataclass(frozen=True)
class NoteSigner:
    """A private key with the name that it signs notes with.

    name: the log's origin or the witness's name; no white space and no "+".
    """

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(letter.isspace() for letter in self.name):
            raise ValueError("a signer's name must not be empty or contain white space or a plus sign")

    @property
    def public(self) -> bytes:
        """The public key's 32 bytes."""
        return self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def verifier_key(self, kind: int = ED25519) -> str:
        """Return the public key in the form that trust.json uses."""
        hashed = key_hash_of(self.name, kind, self.public).hex()
        return f"{self.name}+{hashed}+{base64.b64encode(bytes([kind]) + self.public).decode()}"

    def sign(self, text: bytes) -> bytes:
        """Return the signature line of a note with that text."""
        return self._line(ED25519, self.private_key.sign(text))

    def cosign(self, text: bytes, posix_time: int) -> bytes:
        """Return a witness's signature line: by that time it had seen this checkpoint and no other "
        "history."""
        signature = self.private_key.sign(b"cosignature/v1\ntime %d\n" % posix_time + text)
        return self._line(COSIGNATURE, struct.pack(">Q", posix_time) + signature)

    def _line(self, kind: int, signature: bytes) -> bytes:
        payload = key_hash_of(self.name, kind, self.public) + signature
        return f"— {self.name} {base64.b64encode(payload).decode()}\n".encode()


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as the text of a note."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n".encode()
