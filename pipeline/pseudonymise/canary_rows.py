"""The canary's rows in a controller's tables: moved to a folder of their own, and not counted anywhere.

Ingest planted them in the ingested tables. They are hashed like every other row. The result is stored in the
artefact's folder `canary/`, which the search at the end of the run examines too. No table that leaves the
controller contains them.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from governance.errors import Fault
from governance.keys.pseudonyms.column_hashing import KeyedHasher
from pipeline.engine.tables import write_query
from pipeline.leakage.canary import Canary
from pipeline.pseudonymise.tables import PseudonymisedTable

CANARY_FOLDER = "canary"


def count_planted_rows(
    connection: duckdb.DuckDBPyConnection, canary: Canary, sources: Iterable[str]
) -> dict[str, int]:
    """Return table -> number of planted rows, for the loaded ingest tables `sources`.

    Raises Fault if a planted row is missing, because the search for the canary would then prove nothing.
    """
    planted: dict[str, int] = {}
    for table in sources:
        rows = connection.execute(
            f'SELECT COUNT(*) FROM "{table}" WHERE {_is_planted(table, canary)}', _ids(canary)
        ).fetchall()
        planted[table] = int(rows[0][0])
        _check_whole(table, planted[table], canary)
    return planted


def move_planted_rows(
    connection: duckdb.DuckDBPyConnection,
    table: PseudonymisedTable,
    canary: Canary,
    hasher: KeyedHasher,
    folder: Path,
) -> str | None:
    """Move the planted rows from a hashed table to a file of their own.

    Returns the file's name in the artefact's `folder`; None if nothing was planted in the table. Raises Fault
    if a planted row is missing.
    """
    if table.source not in canary.rows():
        return None
    column = next(iter(table.pseudonyms))
    kind, _ = table.pseudonyms[column]
    ids = pa.array([canary.record_id, canary.person_record_id])
    own = hasher.pseudonyms(kind, ids).result().to_pylist()
    is_canary = f"\"{column}\" IN ('{own[0]}', '{own[1]}')"  # base32 text, so it needs no escaping
    name = f"{CANARY_FOLDER}/{table.name}.parquet"
    (folder / CANARY_FOLDER).mkdir(mode=0o700, exist_ok=True)
    rows = write_query(connection, f'SELECT * FROM "{table.hashed_name}" WHERE {is_canary}', folder / name)
    _check_whole(table.source, rows, canary)
    connection.execute(f'DELETE FROM "{table.hashed_name}" WHERE {is_canary}')
    return name


def delete_planted_rows(
    connection: duckdb.DuckDBPyConnection, canary: Canary, sources: Iterable[str]
) -> None:
    """Delete the planted rows from the loaded ingest tables `sources`, before these are counted."""
    for table in sources:
        connection.execute(f'DELETE FROM "{table}" WHERE {_is_planted(table, canary)}', _ids(canary))


def _is_planted(table: str, canary: Canary) -> str:
    return "record_id IN ($dwelling, $person)" if table in canary.rows() else "$dwelling = $person"


def _ids(canary: Canary) -> dict[str, str]:
    return {"dwelling": canary.record_id, "person": canary.person_record_id}


def _check_whole(table: str, rows: int, canary: Canary) -> None:
    wanted = len(canary.rows().get(table, []))
    if rows != wanted:
        raise Fault(
            "CANARY_LOST",
            f"{table} was not pseudonymised, because the search for leaks would prove nothing. Of the rows "
            f"that ingest planted for it, {rows} of {wanted} were found.",
            "Delete the folder of the ingested tables from clear/ in the workspace. Then repeat the command, "
            "which ingests them again. If that does not help, report it as a defect of Hearth.",
        )
