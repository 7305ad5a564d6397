"""Encryption at rest of intermediate tables: which key wraps which file, in Parquet's own format.

Each file has a fresh 256-bit key (AES-GCM, footer and columns); it is wrapped by
the key of its zone and lies, wrapped, in the file's own footer metadata
(Parquet Modular Encryption, so other tools can read a file once they are lent
the key). DuckDB never sees a key: it is handed Arrow batches.
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
#: Where a run's private spill lies, which holds clear data for as long as the run does.
_PRIVATE_ZONES = frozenset({RUNS})
_STORED_ZONES = frozenset({LINKAGE, CONTROLLED})


@dataclass(frozen=True)
class AtRest:
    """Encryption of one workspace's tables. root: the workspace."""

    root: Path
    keys: AtRestKeys

    def key_for(self, path: Path) -> WrappingKey | None:
        """Return what wraps the key of a file there; None for what is published.

        Raises Fault where a run's file is to be written and no run key is open.
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
                "A run's intermediate table is to be written and no run is under way.",
                "This is a defect of Hearth: report it.",
            )
        return self.keys.run

    def encryption(self, path: Path) -> Any:
        """Return pyarrow's encryption properties for a new file, or None for what is published."""
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
        # pyarrow caches KMS clients for as long as a factory lives; one a file keeps no key beyond its use.
        return pe.CryptoFactory(lambda _: _KeyWrapping(self.keys))


class _KeyWrapping(pe.KmsClient):  # type: ignore[misc]
    """What pyarrow asks to wrap and unwrap files' keys."""

    def __init__(self, keys: AtRestKeys) -> None:
        super().__init__()
        self._keys = keys

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(self._find(master_key_identifier).wrap(key_bytes))

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        try:
            return self._find(master_key_identifier).unwrap(base64.b64decode(wrapped_key))
        except InvalidTag:
            raise _unreadable("was altered, or its key") from None

    def _find(self, key_id: str) -> WrappingKey:
        key = self._keys.find(key_id)
        if key is None:
            raise _unreadable("rests under a key that is not open here, or was destroyed")
        return key


_active: AtRest | None = None


@contextmanager
def encrypted_at_rest(root: Path, keys: AtRestKeys) -> Iterator[AtRest]:
    """Encrypt every intermediate table of the workspace `root` written meanwhile; read those that are.

    One workspace at a time in a process, whichever of its threads writes.
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
    """Return the properties to write a file with; None where nothing is encrypted (no run) or published."""
    return None if _active is None else _active.encryption(path)


@contextmanager
def open_parquet(path: Path, *, wherever_in_clear: bool = False) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file for reading, whether or not it is encrypted.

    wherever_in_clear: read a file in clear even where a run would have encrypted it, as a search does.
    Raises Fault when it is encrypted and its key is not open, and when it lies in clear where a
    run would have encrypted it; what was altered raises Fault too.
    """
    encrypted = _is_encrypted(path)
    if encrypted and _active is None:
        raise _unreadable("is encrypted and no key is open")
    if not encrypted and not wherever_in_clear and is_wrongly_in_clear(path):
        raise Fault(
            "AT_REST_IN_CLEAR",
            f"{path.name} lies in the workspace in clear; this run did not write it so.",
            "Find out where it came from, then remove its artefact's folder; the run will make it again.",
        )
    properties = _active.decryption() if encrypted and _active is not None else None
    try:
        file = pq.ParquetFile(path, decryption_properties=properties)
    except (OSError, ValueError) as error:
        raise _as_fault(error) from None
    with file:
        yield file


def read_errors(error: Exception) -> Fault:
    """Return the fault for what pyarrow raised while batches were read; the message is kept out."""
    return _as_fault(error)


def is_wrongly_in_clear(path: Path) -> bool:
    """Answer whether a Parquet file lies in clear where the run under way would have encrypted it."""
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
            "TABLE_UNREADABLE", f"{path.name}: {error.strerror}.", "Run again; the stage will make it anew."
        ) from None


def _as_fault(error: Exception) -> Fault:
    cause = error.__cause__ or error.__context__
    return cause if isinstance(cause, Fault) else _unreadable(f"could not be read ({type(error).__name__})")


def _unreadable(why: str) -> Fault:
    return Fault(
        "AT_REST_UNREADABLE",
        f"An intermediate table {why}.",
        "Remove its artefact's folder and run again: the stage will make it anew.",
    )
