"""The two keys that encrypt intermediate tables, and the destruction of a run's key.

run      encrypts tables that exist only during a run: ingested and pseudonymised tables. It is made
         when a run first needs it, kept if a run is killed so that the next can resume, and destroyed
         when a run has ended. Every copy of those tables, also in snapshots, is then unreadable.
storage  encrypts what must be readable between runs: links, household rows, cells, quarantine. Kept
         for the life of the project.

Both are 32 bytes from the operating system's generator in private files. The workspace's `keys`
folder can be on another volume or on tmpfs, so that no lost disk or backup contains key and data.
"""

import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from governance.errors import Fault
from governance.keys.destruction import CERTIFICATES, erase_file, write_certificate
from governance.keys.providers.sealed_file import read_private_file, write_private_file

KEY_BYTES = 32
RUN_FILE = "run.key"
STORAGE_FILE = "storage.key"
_NONCE_BYTES = 12


@dataclass(frozen=True)
class WrappingKey:
    """A key that wraps files' keys. id: "run:" or "storage:" and 16 hexadecimal digits of its digest."""

    id: str
    _key: bytes = field(repr=False)

    def wrap(self, file_key: bytes) -> bytes:
        """Return a file's key, encrypted; the id is authenticated with it."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, file_key, self.id.encode())

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return a file's key; raises cryptography's InvalidTag if another key wrapped it."""
        return AESGCM(self._key).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], self.id.encode())


@dataclass(frozen=True)
class AtRestKeys:
    """The keys in use. run: None if only tables that are kept between runs are read."""

    storage: WrappingKey
    run: WrappingKey | None = None

    def find(self, key_id: str) -> WrappingKey | None:
        """Return the key with that id, if it is one of these."""
        return next((k for k in (self.run, self.storage) if k is not None and k.id == key_id), None)


def open_at_rest_keys(folder: Path, *, run: bool = True) -> AtRestKeys:
    """Open the keys in `folder`, creating missing ones; run: whether a run is to start or resume.

    Raises Fault if a key file is readable by others, a link, or of the wrong length.
    """
    storage = _open(folder / STORAGE_FILE, "storage")
    return AtRestKeys(storage, _open(folder / RUN_FILE, "run") if run else None)


def destroy_run_key(
    folder: Path,
    *,
    run_id: str,
    files: int,
    signing_key: Ed25519PrivateKey,
    now: datetime | None = None,
) -> Path | None:
    """Destroy the run's key and certify it; returns the certificate, or None if there was no key.

    files: number of files that this makes unreadable. The certificate is on disk before the key is
    erased, so a kill in between leaves a certificate to repeat and never an unrecorded destruction.
    """
    path = folder / RUN_FILE
    if not path.exists():
        return None
    key = _open(path, "run")
    content = {
        "what": "key of a run's intermediate tables",
        "key_id": key.id,
        "run": run_id,
        "files": files,
        "method": "file overwritten, synced, removed; its folder synced",
        "destroyed": (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    certificate = write_certificate(folder / CERTIFICATES / f"run-{run_id}.json", content, signing_key)
    erase_file(path)
    return certificate


def _open(path: Path, name: str) -> WrappingKey:
    if not path.exists() and not path.is_symlink():
        write_private_file(path, os.urandom(KEY_BYTES))
    key = read_private_file(path, f"{name} key file", KEY_BYTES)
    if len(key) != KEY_BYTES:
        raise Fault(
            "KEY_TOO_SHORT",
            f"The {name} key in {path.name} has {8 * len(key)} bits; {8 * KEY_BYTES} are needed.",
            "Restore the file from its backup. If that is impossible, delete it and run `hearth run` again: "
            "the tables that it encrypted are lost and are made again.",
        )
    return WrappingKey(f"{name}:{hashlib.sha256(b'hearth-at-rest' + key).hexdigest()[:16]}", key)
