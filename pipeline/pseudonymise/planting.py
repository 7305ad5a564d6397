"""Planting a canary in the copies of a controller's extract, and setting it apart once it is hashed.

A planted row takes the road of every other; what became of it lies in the
artefact's `canary/` folder, where the search at the end of the run looks for it.
It is in no table that leaves and in no count.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from governance.errors import Fault
from governance.keys.hashing import KeyedHasher
from pipeline.engine.tables import write_query
from pipeline.leakage.canary import Canary
from pipeline.pseudonymise.tables import PseudonymisedTable

CANARY_FOLDER = "canary"


def plant(connection: duckdb.DuckDBPyConnection, canary: Canary, sources: set[str]) -> int:
    """Add the canary's rows to those of its tables that are loaded; returns how many rows."""
    planted = 0
    for table, rows in canary.rows().items():
        if table in sources:
            connection.register("_planted", pa.Table.from_pylist(rows))
            connection.execute(f'INSERT INTO "{table}" BY NAME SELECT * FROM "_planted"')
            connection.unregister("_planted")
            planted += len(rows)
    return planted


def set_apart(
    connection: duckdb.DuckDBPyConnection,
    table: PseudonymisedTable,
    canary: Canary,
    hasher: KeyedHasher,
    folder: Path,
) -> str | None:
    """Move the canary's rows from a hashed table to a file of their own; returns its name in the artefact.

    Raises Fault when a planted row did not come out: then nothing would be proven by not finding it.
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
    if rows != len(canary.rows()[table.source]):
        raise Fault(
            "CANARY_LOST",
            f"{table.name}: {rows} of {len(canary.rows()[table.source])} planted rows came out.",
            "This is a defect of Hearth: report it with the run's log.",
        )
    connection.execute(f'DELETE FROM "{table.made_as}" WHERE {is_canary}')
    return name


def uproot(connection: duckdb.DuckDBPyConnection, canary: Canary, sources: set[str]) -> None:
    """Remove the canary's rows from the loaded tables again, before anything is counted."""
    for table in canary.rows():
        if table in sources:
            connection.execute(
                f'DELETE FROM "{table}" WHERE record_id IN ($dwelling, $person)',
                {"dwelling": canary.record_id, "person": canary.person_record_id},
            )
