"""Tables that the ledger stores next to its entries, each under the digest of its rows.

They outlive the run, so they rest under the project's storage key like all of the
controlled zone; two encryptions of the same rows differ, so it is the rows that
the digest is of, in an order and a form of their own that no other version of a
Parquet library writes differently.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from governance.errors import Refused
from pipeline.disclosure.ledger import FOLDER
from pipeline.engine.tables import load_table, write_query
from pipeline.workspace import Workspace
from schemas.storage.durable_write import rename_durably


def keep_table(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], kind: str, workspace: Workspace
) -> str:
    """Write the named columns of a table as `<kind>-<digest>.parquet`; returns the digest of its rows.

    The same rows are stored once.
    """
    digest = _digest(connection, table, columns)
    path = kept_path(workspace, kind, digest)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        aside = path.with_name(f".{kind}.new")
        write_query(connection, f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL", aside)
        rename_durably(aside, path)
    return digest


def load_kept(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    kind: str,
    digest: str | None,
    workspace: Workspace,
) -> None:
    """Create a table of the rows stored under a digest; raises Refused where they are missing or changed."""
    path = kept_path(workspace, kind, digest or "")
    if path.is_file():
        load_table(connection, path, table)
    if digest is None or not path.is_file() or _digest(connection, table, columns) != digest:
        raise Refused(
            "LEDGER_LOST",
            f"A {kind} record that the ledger names is missing or changed.",
            "Restore controlled/ledger from its copy; without it releases cannot be compared.",
        )


def kept_path(workspace: Workspace, kind: str, digest: str) -> Path:
    """Return the file of the rows of that digest."""
    return workspace.zone("controlled") / FOLDER / f"{kind}-{digest}.parquet"


def _digest(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> str:
    fields = ", ".join(f"coalesce(CAST({c} AS VARCHAR), chr(0))" for c in columns)
    rows = connection.execute(
        f"""
        SELECT sha256(coalesce(string_agg(line, chr(10) ORDER BY line), ''))
        FROM (SELECT concat_ws(chr(31), {fields}) AS line FROM {table})
        """
    ).fetchall()
    return str(rows[0][0])
