"""The canary in a controller's ingested tables: set apart once it is hashed, and out of every count.

Ingest planted it in the copies of the extracts. A planted row takes the road of
every other; what became of it lies in the artefact's `canary/` folder, where the
search at the end of the run looks for it. It is in no table that leaves.
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


def planted_rows(
    connection: duckdb.DuckDBPyConnection, canary: Canary, sources: Iterable[str]
) -> dict[str, int]:
    """Return how many planted rows each loaded table holds.

    Raises Fault where one lacks any: then nothing would be proven by not finding the canary elsewhere.
    """
    planted: dict[str, int] = {}
    for table in sources:
        rows = connection.execute(
            f'SELECT COUNT(*) FROM "{table}" WHERE {_is_planted(table, canary)}', _ids(canary)
        ).fetchall()
        planted[table] = int(rows[0][0])
        _check_whole(table, planted[table], canary)
    return planted


def set_apart(
    connection: duckdb.DuckDBPyConnection,
    table: PseudonymisedTable,
    canary: Canary,
    hasher: KeyedHasher,
    folder: Path,
) -> str | None:
    """Move the canary's rows from a hashed table to a file of their own; returns its name in the artefact.

    Raises Fault when a planted row did not come out.
    """
    if table.source not in canary.rows():
        return None
    column = next(iter(table.pseudonyms))
    kind, _ = table.pseudonyms[column]
    ids = pa.array([canary.record_id, canary.person_record_id])
    own = hasher.pseudonyms(kind, ids).result().to_pylist()
    is_canary = f"\"{column}\" IN ('{own[0]}', '{own[1]}')"  # base32 of our own making
    name = f"{CANARY_FOLDER}/{table.name}.parquet"
    (folder / CANARY_FOLDER).mkdir(mode=0o700, exist_ok=True)
    rows = write_query(connection, f'SELECT * FROM "{table.made_as}" WHERE {is_canary}', folder / name)
    _check_whole(table.source, rows, canary)
    connection.execute(f'DELETE FROM "{table.made_as}" WHERE {is_canary}')
    return name


def uproot(connection: duckdb.DuckDBPyConnection, canary: Canary, sources: Iterable[str]) -> None:
    """Remove the canary's rows from the loaded tables, before anything of them is counted."""
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
            f"{table}: {rows} of {wanted} planted rows are there.",
            "Ingest the extract again (remove its folder from the clear zone); if that does not help, "
            "this is a defect of Hearth.",
        )
