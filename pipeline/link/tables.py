"""The tables that the stage writes. `sql/<table>.sql` states what one row is, with ids in place of names."""

from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.engine.tables import BATCH_ROWS, write_queries
from pipeline.link.comparison import SCORECARDS
from pipeline.link.match_selection import moved_bits
from pipeline.link.names import Names
from pipeline.link.query import SQL
from pipeline.link.residence.comparison import LISTED, RESIDENCE

#: The largest first: it is encoded while the next ones are queried.
TABLES = (
    "resident_link", "candidate_pair", "link", "decision", "unlinked_dwelling", "address_group", "moved_pair",
    "self_comparison",
)  # fmt: skip
#: Columns of `resident_link`: the level that a record reaches in each comparison but `listed`.
RESIDENCE_LEVELS = tuple(
    f"{comparison.name}_level" for comparison in RESIDENCE if comparison.name != LISTED.name
)


def write_tables(connection: duckdb.DuckDBPyConnection, names: Names, folder: Path) -> dict[str, int | None]:
    """Write every table into `folder`; returns the rows of each file."""
    queries = {folder / f"{table}.parquet": _query(table) for table in TABLES}
    return {path.name: rows for path, rows in write_queries(connection, queries, names.replace_ids).items()}


def linked_table(connection: duckdb.DuckDBPyConnection, names: Names, table: str) -> pa.Table:
    """Return one of the tables in memory."""
    batches = connection.sql(_query(table)).to_arrow_reader(BATCH_ROWS)
    return pa.Table.from_batches([names.replace_ids(batch) for batch in batches])


def _query(table: str) -> str:
    return SQL.filled(
        table,
        moved_bits=moved_bits(),
        moved_levels=", ".join(f"moved_pair.{comparison.name}" for comparison in SCORECARDS["moved"]),
        residence_levels=",\n    ".join(RESIDENCE_LEVELS),
    )
