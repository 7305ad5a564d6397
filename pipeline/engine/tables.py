"""Reads and writes the tables between stages: Arrow in, Parquet on disk, Arrow out.

Every intermediate file is read and written here, so that encryption at rest, compression and row groups are
decided in one place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine.at_rest import encryption_for, open_parquet, read_fault

BATCH_ROWS = 65_536
#: A row group ends with the batch that fills it.
_ROW_GROUP_ROWS = 262_144
#: Batches of one file that may wait to be encoded: four million rows.
_MAXIMUM_WAITING = 64


@contextmanager
def open_table(
    path: Path, columns: Sequence[str] | None = None, *, allow_unencrypted: bool = False
) -> Iterator[pa.RecordBatchReader]:
    """Open a Parquet file; yields a reader of its batches that can be read once, in the memory of one batch.

    columns: which to read, in this order; None for all. allow_unencrypted, and when Fault is raised: see
    `open_parquet`.
    """
    with open_parquet(path, allow_unencrypted=allow_unencrypted) as file:
        every_column = file.schema_arrow.remove_metadata()
        schema = every_column if columns is None else pa.schema([every_column.field(c) for c in columns])
        yield pa.RecordBatchReader.from_batches(schema, _batches(file, schema, columns))


def read_columns(path: Path, columns: Iterable[str]) -> dict[str, pa.ChunkedArray]:
    """Return columns of a Parquet file by name, completely loaded into memory."""
    wanted = list(dict.fromkeys(columns))
    with open_parquet(path) as file:
        try:
            read = file.read(columns=wanted)
        except (OSError, ValueError) as error:
            raise read_fault(error) from None
    return {name: read[name] for name in wanted}


def load_table(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, columns: Sequence[str] | None = None
) -> int:
    """Create table `name` in `connection` from a Parquet file; returns its number of rows.

    columns: which to read; None for all.
    """
    with open_table(path, columns) as reader:
        create_table(connection, name, reader.schema, reader)
    return int(connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchall()[0][0])


def create_table(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> None:
    """Create table `name` from batches while they are produced (see `registered_batches`)."""
    view = f"_batches_of_{name}"
    with registered_batches(connection, view, schema, batches):
        connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM "{view}"')


@contextmanager
def registered_batches(
    connection: duckdb.DuckDBPyConnection, view: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Iterator[None]:
    """Make batches available to DuckDB as a view that can be read once; it is dropped after the block.

    If producing a batch raises, that exception is raised unchanged; DuckDB would hide it in its own error.
    """
    failures: list[BaseException] = []

    def recording_failure() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except GeneratorExit:
            raise
        except BaseException as failure:
            failures.append(failure)
            raise

    connection.register(view, pa.RecordBatchReader.from_batches(schema, recording_failure()))
    try:
        yield
    except (duckdb.Error, OSError):
        if failures:
            raise failures[0] from None
        raise
    finally:
        connection.unregister(view)


def write_table(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write Arrow batches to a Parquet file in their order; returns the number of rows written.

    During a run the file is encrypted (see `at_rest`), unless it is part of a release.
    """
    return _write(reader, path, encryption_for(path))


def write_query(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the result of a SELECT to a Parquet file as a stream; returns the number of rows written.

    The query needs ORDER BY if the file's digest has to be stable: for everything that is published, and for
    every artefact.
    """
    return write_table(connection.sql(query).to_arrow_reader(BATCH_ROWS), path)


def write_queries(
    connection: duckdb.DuckDBPyConnection,
    queries: Mapping[Path, str],
    finish: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> dict[Path, int]:
    """Write the results of several SELECTs; one file is encoded while the query of the next is running.

    queries: file -> query. finish: applied to each batch before it is written, on the encoding thread.
    Returns file -> number of rows. About ORDER BY see `write_query`.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="encoding") as threads:
        written = {}
        for path, query in queries.items():
            reader = connection.sql(query).to_arrow_reader(BATCH_ROWS)
            waiting: Queue[pa.RecordBatch | None] = Queue(_MAXIMUM_WAITING)
            written[path] = threads.submit(_write_waiting, waiting, reader.schema, path, finish)
            try:
                for batch in reader:
                    waiting.put(batch)
            finally:
                waiting.put(None)
        return {path: rows.result() for path, rows in written.items()}


def _write_waiting(
    waiting: "Queue[pa.RecordBatch | None]",
    schema: pa.Schema,
    path: Path,
    finish: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> int:
    batches = iter(waiting.get, None)
    try:
        finished = finish(pa.RecordBatch.from_pylist([], schema)).schema
        return write_table(pa.RecordBatchReader.from_batches(finished, map(finish, batches)), path)
    finally:
        # Empty the queue, so that the thread that fills it does not wait for ever after a failed encoding.
        for _ in batches:
            pass


def export_plain(path: Path, target: Path) -> int:
    """Copy an intermediate table to an unencrypted Parquet file, which a transfer package then encrypts.

    target: in the run's private spill folder; the caller removes it. Returns the number of rows copied.
    """
    with open_table(path) as reader:
        return write_plain(reader, target)


def write_plain(reader: pa.RecordBatchReader, target: Path) -> int:
    """Write batches to an unencrypted Parquet file, which a package then encrypts; returns the rows written.

    target: in the run's private spill folder; the caller removes it.
    """
    return _write(reader, target, None)


def _write(reader: pa.RecordBatchReader, path: Path, encryption: Any) -> int:
    rows = 0
    with pq.ParquetWriter(
        path,
        reader.schema,
        compression=_compressions(reader.schema),
        use_dictionary=_dictionary_columns(reader.schema),
        encryption_properties=encryption,
    ) as writer:
        for group in _row_groups(reader):
            writer.write_table(group, row_group_size=group.num_rows)
            rows += group.num_rows
    return rows


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield the batches combined into row groups, because the writer ends a row group after each table."""
    group: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        if rows >= _ROW_GROUP_ROWS:
            yield pa.Table.from_batches(group)
            group, rows = [], 0
    if rows:
        yield pa.Table.from_batches(group)


def _dictionary_columns(schema: pa.Schema) -> list[str]:
    """Return the columns whose values recur: not whole numbers, pseudonyms, address groups and units.

    Whole numbers are mostly tokens. A dictionary would store each value a second time until the writer gives
    up on it.
    """
    return [
        path
        for path, is_whole in _paths(schema)
        if not is_whole and not path.endswith("_pseudonym") and path not in ("address_group", "unit")
    ]


def _compressions(schema: pa.Schema) -> dict[str, str]:
    """Return column -> compression. Tokens can hardly be compressed, so they get the faster method."""
    return {path: "lz4" if is_whole else "zstd" for path, is_whole in _paths(schema)}


def _paths(schema: pa.Schema) -> Iterator[tuple[str, bool]]:
    """Yield each column as Parquet names it, and whether it contains whole numbers."""
    for field in schema:
        is_list = pa.types.is_list(field.type)
        value_type = field.type.value_type if is_list else field.type
        yield f"{field.name}.list.element" if is_list else field.name, pa.types.is_integer(value_type)


def _batches(
    file: pq.ParquetFile, schema: pa.Schema, columns: Sequence[str] | None
) -> Iterator[pa.RecordBatch]:
    batches = file.iter_batches(BATCH_ROWS, columns=None if columns is None else list(columns))
    while True:
        try:
            batch = next(batches, None)
        except (OSError, ValueError) as error:
            raise read_fault(error) from None
        if batch is None:
            return
        yield batch.select(schema.names).cast(schema) if batch.schema != schema else batch
