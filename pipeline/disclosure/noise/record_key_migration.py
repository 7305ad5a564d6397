"""Record keys carried over a rotation of the linkage key, so that no count's noise is drawn anew.

A record key follows from a pseudonym, and a new linkage key gives everyone another.
Two draws of noise over the same households could be averaged, so the key holder's
pairs of old and new pseudonyms serve to note, for each new pseudonym, the record key
of the old one. What is kept is that number of twelve bits, not the old pseudonym:
the pairs are destroyed, and nothing here joins the two.

It lies beside the ledger, as long as the ledger, under the storage key. The audit log has its digest:
without it, or with an older copy, the noise would be drawn anew.
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
#: Kinds of pseudonym that record keys are made of -> the kind of record key (see `record_key.KINDS`).
ANCHORS = {
    UPRN: "household",
    COUNCIL_PROPERTY_RECORD: "household",
    NHS_NUMBER: "person",
    NHS_PERSON_RECORD: "person",
}
_TABLE = pa.schema([("kind", pa.string()), ("pseudonym", pa.string()), ("record_key", pa.int32())])


def migrate_record_keys(pairs: pa.RecordBatchReader, secret: RecordKeySecret, context: RunContext) -> int:
    """Note the record key of every new pseudonym; returns how many there are now.

    pairs: (kind, old, new), see `pipeline/transfer/rekey.py`; kinds that anchor no record key are passed
    over. A key that was carried before is carried on; the same pairs once more change nothing.
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
    """Create table `carried_record_key` (kind, pseudonym, record_key), empty where none was ever carried.

    Raises Refused where the carried record keys are not those on record.
    """
    if migrated_keys_digest(context) is not None:
        load_table(connection, _path(context.workspace), "carried_record_key")
        return
    connection.register("_none", _TABLE.empty_table())
    connection.execute("CREATE OR REPLACE TABLE carried_record_key AS SELECT * FROM _none")
    connection.unregister("_none")


def migrated_keys_digest(context: RunContext) -> str | None:
    """Return the digest of what is carried, for the fingerprint of whoever counts; None without.

    A file that a killed process had put on record and not yet renamed is put in place. Raises Refused where
    the file is not the one that the audit log names.
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
