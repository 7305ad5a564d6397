"""Keeps record keys when the linkage key is rotated, so that no count has new noise.

A record key is derived from a pseudonym, and a new linkage key changes all pseudonyms. Two different noises
of the same households could be averaged. So the key holder's pairs of old and new pseudonyms are used to
record, for each new pseudonym, the record key of the old one. Only this number of twelve bits is kept; the
pairs are destroyed, and no old pseudonym can be found from the file.

The file is in the folder of the ledger, is kept as long as the ledger, and is encrypted with the storage key.
The audit log has its digest, because without the file, or with an older copy, noise would be drawn again.
"""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from governance.canonical import digest_of_file
from governance.errors import Refused
from governance.recorded_state import CARRIED_KEYS
from pipeline.context import RunContext
from pipeline.disclosure.ledger import FOLDER
from pipeline.disclosure.noise.record_key import RecordKeySecret, record_keys
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table, write_query
from pipeline.pseudonymise.tables import (
    COUNCIL_PROPERTY_RECORD,
    NHS_NUMBER,
    NHS_PERSON_RECORD,
    UPRN,
)
from pipeline.workspace import Workspace
from schemas.storage.durable_write import rename_durably, sync

FILE = "record-key.parquet"
#: Kind of pseudonym -> kind of the record keys that are derived from it (see `record_key.KINDS`).
ANCHORS = {
    UPRN: "household",
    COUNCIL_PROPERTY_RECORD: "household",
    NHS_NUMBER: "person",
    NHS_PERSON_RECORD: "person",
}
_TABLE = pa.schema([("kind", pa.string()), ("pseudonym", pa.string()), ("record_key", pa.int32())])


def migrate_record_keys(pairs: pa.RecordBatchReader, secret: RecordKeySecret, context: RunContext) -> int:
    """Record the record key of every new pseudonym; returns how many are recorded now.

    pairs: (kind, old, new), see `pipeline/transfer/rekey.py`; kinds without record keys are ignored. A key
    that was recorded in an earlier rotation is kept. Recording the same pairs again changes nothing.
    """
    path = _path(context.workspace)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with locked_connection(context.project.engine, context.spill) as connection:
        load_migrated_keys(connection, context)
        connection.execute("CREATE TABLE moved (kind VARCHAR, old VARCHAR, new VARCHAR, record_key INTEGER)")
        for batch in pairs:
            for pseudonym_kind, kind in ANCHORS.items():
                own = batch.filter(pc.equal(batch.column("kind"), pseudonym_kind))
                if own.num_rows:
                    _insert(connection, own, kind, secret)
        aside = _aside(path)
        rows_written = write_query(
            connection,
            """
            SELECT
                moved.kind,
                moved.new AS pseudonym,
                MIN(COALESCE(again.record_key, carried.record_key, moved.record_key)) AS record_key
            FROM moved
            LEFT JOIN carried_record_key AS carried
                ON carried.kind = moved.kind
               AND carried.pseudonym = moved.old
            LEFT JOIN carried_record_key AS again
                ON again.kind = moved.kind
               AND again.pseudonym = moved.new
            GROUP BY moved.kind, moved.new
            UNION ALL
            SELECT
                kind,
                pseudonym,
                record_key
            FROM carried_record_key AS carried
            WHERE NOT EXISTS (
                SELECT 1
                FROM moved
                WHERE moved.kind = carried.kind
                  AND carried.pseudonym IN (moved.old, moved.new)
            )
            ORDER BY kind, pseudonym
            """,
            aside,
        )
    sync(aside)
    context.recorded.record(CARRIED_KEYS, {"sha256": digest_of_file(aside), "rows": rows_written})
    rename_durably(aside, path)
    return rows_written


def load_migrated_keys(connection: duckdb.DuckDBPyConnection, context: RunContext) -> None:
    """Create table `carried_record_key` (kind, pseudonym, record_key): one row per pseudonym; may be empty.

    Raises Refused if the file is not the one in the audit log.
    """
    if migrated_keys_digest(context) is not None:
        load_table(connection, _path(context.workspace), "carried_record_key")
        return
    connection.register("_none", _TABLE.empty_table())
    connection.execute("CREATE OR REPLACE TABLE carried_record_key AS SELECT * FROM _none")
    connection.unregister("_none")


def migrated_keys_digest(context: RunContext) -> str | None:
    """Return the digest of the recorded keys, for fingerprints of stages that count; None if there are none.

    If a process was killed between recording a new file in the audit log and renaming it, the file is renamed
    now. Raises Refused if the file is not the one in the audit log.
    """
    path = _path(context.workspace)
    wanted = context.recorded.last(CARRIED_KEYS).get("sha256")
    if wanted != _digest(path) and wanted is not None and wanted == _digest(_aside(path)):
        rename_durably(_aside(path), path)
    found = _digest(path)
    if found != wanted:
        raise Refused(
            "LEDGER_LOST",
            "The record keys that were carried over a rotation are missing, or not those on record.",
            "Restore controlled/ledger from its copy; without them all noise would be drawn anew.",
        )
    return found


def _digest(path: Path) -> str | None:
    return digest_of_file(path) if path.is_file() else None


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _insert(
    connection: duckdb.DuckDBPyConnection, pairs: pa.RecordBatch, kind: str, secret: RecordKeySecret
) -> None:
    keys = record_keys(pairs.column("old").to_pylist(), kind, secret)
    table = pa.table(
        {"old": pairs.column("old"), "new": pairs.column("new"), "record_key": pa.array(keys, pa.int32())}
    )
    connection.register("_moved", table)
    connection.execute("INSERT INTO moved SELECT $kind, old, new, record_key FROM _moved", {"kind": kind})
    connection.unregister("_moved")


def _path(workspace: Workspace) -> Path:
    return workspace.zone("controlled") / FOLDER / FILE
