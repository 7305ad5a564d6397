"""Encryption at rest: which intermediate tables are encrypted, and under which key.

The format is Parquet Modular Encryption, so other tools can read a file if they are given the key. Each
file has a fresh 256-bit key (AES-GCM, footer and columns). The key of the file's zone wraps it, and the
wrapped key is stored in the file's own footer metadata. DuckDB never has a key: it receives Arrow batches.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from cryptography.exceptions import InvalidTag

from governance.errors import Fault
from governance.keys.at_rest_keys import AtRestKeys, WrappingKey
from schemas.storage.zones import CONTROLLED, LINKAGE, QUARANTINE, RELEASES, RUNS

ENCRYPTED_MAGIC = b"PARE"
_PLAIN_ZONES = frozenset({RELEASES})
#: Contains a run's private spill, which has clear data until the run ends.
_PRIVATE_ZONES = frozenset({RUNS})
_STORED_ZONES = frozenset({LINKAGE, CONTROLLED})


@dataclass(frozen=True)
class AtRest:
    """Encryption of the tables of one workspace. root: its folder, absolute."""

    root: Path
    keys: AtRestKeys

    def key_for(self, path: Path) -> WrappingKey | None:
        """Return the key that wraps the key of a file at `path`; None for files of a release.

        Raises Fault if a run's file is to be written and no run key is open.
        """
        try:
            places = path.absolute().relative_to(self.root).parts
        except ValueError:
            places = ()
        if places and places[0] in _PLAIN_ZONES:
            return None
        if places and (places[0] in _STORED_ZONES or QUARANTINE in places):
            return self.keys.storage
        if self.keys.run is None:
            raise Fault(
                "AT_REST_NO_RUN_KEY",
                "An intermediate table was not written, because no run is active and no key can encrypt it.",
                "Report this as a defect of Hearth.",
            )
        return self.keys.run

    def encryption(self, path: Path) -> Any:
        """Return pyarrow's encryption properties for a new file; None for a file of a release."""
        key = self.key_for(path)
        if key is None:
            return None
        return self._factory().file_encryption_properties(
            pe.KmsConnectionConfig(),
            pe.EncryptionConfiguration(
                footer_key=key.id,
                uniform_encryption=True,
                double_wrapping=False,
                plaintext_footer=False,
                data_key_length_bits=256,
                cache_lifetime=timedelta(minutes=1),
            ),
        )

    def decryption(self) -> Any:
        """Return pyarrow's decryption properties for any file whose key is open."""
        return self._factory().file_decryption_properties(pe.KmsConnectionConfig())

    def _factory(self) -> Any:
        # pyarrow caches KMS clients as long as the factory exists. With one factory per file, no key is kept
        # longer than needed.
        return pe.CryptoFactory(lambda _: _KeyWrapping(self.keys))


class _KeyWrapping(pe.KmsClient):  # type: ignore[misc]
    """Wraps and unwraps the keys of files for pyarrow."""

    def __init__(self, keys: AtRestKeys) -> None:
        super().__init__()
        self._keys = keys

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(self._find(master_key_identifier).wrap(key_bytes))

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        try:
            return self._find(master_key_identifier).unwrap(base64.b64decode(wrapped_key))
        except InvalidTag:
            raise _unreadable("cannot be decrypted, because it or its wrapped key was altered") from None

    def _find(self, key_id: str) -> WrappingKey:
        key = self._keys.find(key_id)
        if key is None:
            raise _unreadable("is encrypted under a key that is not open here or was destroyed")
        return key


_active: AtRest | None = None
_FOLDER_OF_ARTEFACT = "the folder of its artefact in the workspace"


@contextmanager
def encrypted_at_rest(root: Path, keys: AtRestKeys) -> Iterator[AtRest]:
    """Encrypt every intermediate table that is written to the workspace `root`, until the block ends.

    Encrypted tables can be read meanwhile. This applies to all threads of the process, so a process can do
    it for only one workspace at a time.
    """
    global _active
    if _active is not None:
        raise RuntimeError("another workspace is encrypted at rest in this process")
    _active = AtRest(root.absolute(), keys)
    try:
        yield _active
    finally:
        _active = None


def encryption_for(path: Path) -> Any:
    """Return pyarrow's encryption properties for a new file; None outside a run and for a release."""
    return None if _active is None else _active.encryption(path)


@contextmanager
def open_parquet(path: Path, *, allow_unencrypted: bool = False) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file for reading, whether or not it is encrypted.

    allow_unencrypted: read an unencrypted file even where Hearth only writes encrypted ones; used for search.
    Raises Fault if the file is encrypted and its key is not open, if it is unencrypted where it should not
    be, or if it was altered.
    """
    encrypted = _is_encrypted(path)
    if encrypted and _active is None:
        raise _unreadable("is encrypted and no key is open")
    if not encrypted and not allow_unencrypted and is_wrongly_unencrypted(path):
        raise Fault(
            "AT_REST_IN_CLEAR",
            f"{path.name} was not read, because it is not encrypted and Hearth encrypts every table in its "
            "folder.",
            f"Find out where it came from. Then delete {_FOLDER_OF_ARTEFACT} and start `hearth run` again, "
            "which makes the table again.",
        )
    properties = _active.decryption() if encrypted and _active is not None else None
    try:
        file = pq.ParquetFile(path, decryption_properties=properties)
    except (OSError, ValueError) as error:
        raise read_fault(error) from None
    with file:
        yield file


def read_fault(error: Exception) -> Fault:
    """Return the fault for an error of pyarrow while reading, without its message, which can quote cells."""
    cause = error.__cause__ or error.__context__
    return cause if isinstance(cause, Fault) else _unreadable(f"could not be read ({type(error).__name__})")


def is_wrongly_unencrypted(path: Path) -> bool:
    """Answer whether a Parquet file is unencrypted where the current run would have encrypted it."""
    if _active is None or _is_encrypted(path):
        return False
    inside = path.absolute().is_relative_to(_active.root)
    return inside and path.absolute().relative_to(_active.root).parts[0] not in _PLAIN_ZONES | _PRIVATE_ZONES


def _is_encrypted(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == ENCRYPTED_MAGIC
    except OSError as error:
        raise Fault(
            "TABLE_UNREADABLE",
            f"The intermediate table {path.name} cannot be read ({error.strerror}).",
            "Start `hearth run` again, which makes the table again if it is missing.",
        ) from None


def _unreadable(why: str) -> Fault:
    return Fault(
        "AT_REST_UNREADABLE",
        f"An intermediate table {why}.",
        f"Delete {_FOLDER_OF_ARTEFACT} and start `hearth run` again, which makes the table again.",
    )
