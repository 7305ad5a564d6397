"""One SELECT over a release's tables, in an engine that has no way to write.

The tables are read into memory first. The engine then gets no folder at all, so that a statement can
neither change the release nor read anything else.
"""

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from governance.errors import Fault
from pipeline.engine.duckdb import EngineSettings, locked_connection

_REMEDY = (
    "`SELECT table_id, title FROM catalogue` lists the tables; data_dictionary.md describes their columns."
)


def query_release(folder: Path, sql: str) -> pa.Table:
    """Return the rows of one SELECT over the release's tables; a table's name is that of its Parquet file.

    Raises Fault where `sql` is not one SELECT statement or the engine cannot run it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="hearth-query-") as spill,
        locked_connection(EngineSettings(), Path(spill)) as connection,
    ):
        for path in sorted(folder.glob("*.parquet")):
            connection.register(path.stem, pq.read_table(path))
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            raise _failed(error) from None
        kinds = [_kind(statement) for statement in statements]
        if kinds != ["SELECT"]:
            found = ", ".join(kinds) or "nothing"
            raise Fault(
                "QUERY_NOT_A_SELECT",
                f"A query is one SELECT statement, and this is {found}. Nothing was run.",
                "Give one SELECT. To save its result, add --json or redirect the output to a file.",
            )
        try:
            return connection.sql(statements[0]).to_arrow_table()
        except duckdb.Error as error:
            raise _failed(error) from None


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # a kind that the Python binding has no name for
        return "another kind of statement"


def _failed(error: duckdb.Error) -> Fault:
    return Fault(
        "QUERY_FAILED",
        f"The query could not be run ({error}).",  # a release contains nothing that must not be shown
        _REMEDY,
    )
