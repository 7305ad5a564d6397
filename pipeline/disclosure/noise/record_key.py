"""Record keys: one number per household or person, the same in every count that includes it.

`record key = HMAC-SHA256(secret, kind | anchor) mod 4096`. The anchor of a household is the pseudonym of its
dwelling, that of a person their own pseudonym. It is never a cluster id of the linkage, because new clusters
would draw new noise, which an attacker could average.

The secret is used only for disclosure control. It is not the pseudonymisation key, and is never in SQL text,
a log line or an artefact.
Source: ABS cell key method; SDC Handbook (2nd ed.), cell key perturbation.
"""

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives import hashes, hmac

from governance.errors import Fault
from pipeline.engine.tables import BATCH_ROWS, create_table
from schemas.storage.durable_write import write_durably

if TYPE_CHECKING:
    from pipeline.context import RunContext

#: Record keys and cell keys are whole numbers from 0 to one below this.
KEY_MODULUS = 4096
SECRET_BYTES = 32
SECRET_FILE = "record-key.secret"  # noqa: S105 - a file name
KINDS = ("household", "person")


@dataclass(frozen=True)
class RecordKeySecret:
    """The secret from which a project's record keys are derived. Anyone who has it can remove the noise."""

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.value) < SECRET_BYTES:
            raise Fault(
                "RECORD_KEY_SECRET_SHORT",
                f"The record-key secret has {len(self.value)} bytes; it needs {SECRET_BYTES} or more.",
                "Restore the secret from its custodian; a new one would redraw all noise.",
            )


def record_keys(anchors: Iterable[str], kind: str, secret: RecordKeySecret) -> np.ndarray:
    """Return each anchor's record key, in order, as whole numbers 0 to 4095.

    kind: "household" or "person"; keys of the two are unrelated, even for the same anchor.
    Raises Fault if an anchor is null or blank, because unrelated people would then have the same key.
    """
    if kind not in KINDS:
        raise ValueError(f"no record keys of kind {kind}")
    keyed = hmac.HMAC(secret.value, hashes.SHA256())
    keyed.update(f"record-key|{kind}|".encode())

    def key_of(anchor: str) -> int:
        if not anchor:
            raise Fault(
                "RECORD_KEY_ANCHOR_BLANK",
                f"A {kind} without a pseudonym reached the record keys.",
                "Report this as a defect of the household stage.",
            )
        state = keyed.copy()
        state.update(anchor.encode())
        return int.from_bytes(state.finalize()[:2], "big") % KEY_MODULUS

    return np.fromiter((key_of(anchor) for anchor in anchors), dtype=np.int32)


def create_record_key_table(
    connection: duckdb.DuckDBPyConnection, anchors_query: str, kind: str, table: str, secret: RecordKeySecret
) -> int:
    """Create table `table` (anchor VARCHAR, record_key INTEGER): one row per anchor; returns its rows.

    anchors_query: a SELECT of one text column. Each distinct value is hashed once, in batches, so that memory
    use does not grow and the engine never has the secret. If the connection has a table `carried_record_key`,
    the record key that it has for an anchor replaces the derived one.
    """
    distinct = f"SELECT DISTINCT anchor FROM ({anchors_query}) AS source (anchor) ORDER BY anchor"
    schema = pa.schema([("anchor", pa.string()), ("record_key", pa.int32())])
    listed = connection.sql(distinct).to_arrow_reader(BATCH_ROWS).read_all()

    def batches() -> Iterable[pa.RecordBatch]:
        for batch in listed.to_batches(BATCH_ROWS):
            keys = record_keys(batch.column(0).to_pylist(), kind, secret)
            yield pa.record_batch([batch.column(0).cast(pa.string()), pa.array(keys)], schema=schema)

    create_table(connection, table, schema, batches())
    if connection.execute("SHOW TABLES").fetchall().count(("carried_record_key",)):
        connection.execute(
            f'UPDATE "{table}" AS made SET record_key = carried.record_key '
            "FROM carried_record_key AS carried "
            "WHERE carried.kind = $kind AND carried.pseudonym = made.anchor",
            {"kind": kind},
        )
    return int(listed.num_rows)


def secret_for_magnitudes(secret: RecordKeySecret) -> RecordKeySecret:
    """Return the secret for the noise of sums and ranks, which must differ from the noise of their count."""
    keyed = hmac.HMAC(secret.value, hashes.SHA256())
    keyed.update(b"magnitude")
    return RecordKeySecret(keyed.finalize())


def load_secret(context: "RunContext") -> RecordKeySecret:
    """Return the project's record-key secret; it is created in the first run of single-operator custody.

    `record_key_file` under `[keys]` of hearth.toml names its file; by default it is in the workspace.
    Raises Fault if the file is missing under another custody, is a link, or can be read by others.
    """
    named = context.project.keys.get("record_key_file")
    path = (
        context.workspace.zone("keys") / SECRET_FILE
        if named is None
        else context.project.folder / Path(str(named)).expanduser()
    )
    if not os.path.lexists(path):
        if context.project.custody != "single-operator" or context.project.production:
            raise Fault(
                "RECORD_KEY_SECRET_MISSING",
                "The record-key secret of this project is missing.",
                "Its custodian restores it; a new secret would redraw all noise and permit averaging.",
            )
        _create(path)
    return RecordKeySecret(_read_private(path))


def _create(path: Path) -> None:
    """Create a secret, unless another process has just created one."""
    with suppress(FileExistsError):
        write_durably(path, secrets.token_hex(SECRET_BYTES).encode(), replace=False)


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise Fault(
            "RECORD_KEY_SECRET_UNREADABLE",
            f"The record-key secret cannot be opened ({error.strerror}).",
            "It must be a plain file of the running user, not a link.",
        ) from None
    with os.fdopen(descriptor) as stream:
        status = os.fstat(stream.fileno())
        if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.getuid():
            raise Fault(
                "RECORD_KEY_SECRET_EXPOSED",
                "The record-key secret can be read by others than the running user.",
                "Set its mode to 0600 and its owner to the user who runs Hearth.",
            )
        try:
            return bytes.fromhex(stream.read().strip())
        except ValueError:
            raise Fault(
                "RECORD_KEY_SECRET_DAMAGED",
                "The record-key secret is not hexadecimal text.",
                "Its custodian restores it; a new secret would redraw all noise.",
            ) from None
