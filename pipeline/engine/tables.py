"""Tables between stages: Arrow in, Parquet at rest, Arrow out.

Every intermediate file passes through here, so that encryption at rest,
compression and row groups are decided once.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 65_536
_ROW_GROUP_ROWS = 262_144


def load_table(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, columns: Sequence[str] | None = None
) -> int:
    """Create table `name` in `connection` from a Parquet file; returns its rows.

    columns: which to read; all when None.
    """
    with pq.ParquetFile(path) as file:
        schema = (
            file.schema_arrow if columns is None else pa.schema([file.schema_arrow.field(c) for c in columns])
        )
        batches = file.iter_batches(BATCH_ROWS, columns=None if columns is None else list(columns))
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        view = f"_reading_{name}"
        connection.register(view, reader)
        try:
            connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM "{view}"')
        finally:
            connection.unregister(view)
        return int(file.metadata.num_rows)


def write_table(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write Arrow batches to a Parquet file in the order they come; returns the rows written."""
    rows = 0
    with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch, row_group_size=_ROW_GROUP_ROWS)
            rows += batch.num_rows
    return rows


def write_query(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the result of a SELECT to a Parquet file, streaming; returns the rows written.

    Add ORDER BY where a stable digest matters, which is everywhere that is published or resumed.
    """
    return write_table(connection.sql(query).to_arrow_reader(BATCH_ROWS), path)
