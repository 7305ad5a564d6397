"""Tables between stages: Arrow in, Parquet at rest, Arrow out.

Every intermediate file passes through here, so that encryption at rest,
compression and row groups are decided once.
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

from pipeline.engine.at_rest import encryption_for, open_parquet, read_errors

BATCH_ROWS = 65_536
#: A row group ends with the batch that fills it.
_ROW_GROUP_ROWS = 262_144
#: Batches of one file that may wait for their encoding: four million rows.
_AHEAD = 64


@contextmanager
def open_table(
    path: Path, columns: Sequence[str] | None = None, *, wherever_in_clear: bool = False
) -> Iterator[pa.RecordBatchReader]:
    """Lend a reader of a Parquet file's batches, to be read once; memory is that of one batch.

    columns: which to read; all when None. wherever_in_clear: see `open_parquet`.
    """
    with open_parquet(path, wherever_in_clear=wherever_in_clear) as file:
        whole = file.schema_arrow.remove_metadata()
        schema = whole if columns is None else pa.schema([whole.field(c) for c in columns])
        yield pa.RecordBatchReader.from_batches(schema, _batches(file, schema, columns))


def read_columns(path: Path, columns: Iterable[str]) -> dict[str, pa.ChunkedArray]:
    """Return columns of a Parquet file by name, each whole in memory."""
    wanted = list(dict.fromkeys(columns))
    with open_parquet(path) as file:
        try:
            read = file.read(columns=wanted)
        except (OSError, ValueError) as error:
            raise read_errors(error) from None
    return {name: read[name] for name in wanted}


def load_table(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, columns: Sequence[str] | None = None
) -> int:
    """Create table `name` in `connection` from a Parquet file; returns its rows.

    columns: which to read; all when None.
    """
    with open_table(path, columns) as reader:
        create_table(connection, name, reader.schema, reader)
    return int(connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchall()[0][0])


def create_table(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> None:
    """Create table `name` from batches as they are made (see `lent_batches`)."""
    view = f"_making_{name}"
    with registered_batches(connection, view, schema, batches):
        connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM "{view}"')


@contextmanager
def registered_batches(
    connection: duckdb.DuckDBPyConnection, view: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Iterator[None]:
    """Lend batches as a view, to be read once, as they are made.

    What stops their making is raised as itself: the engine would hide it in an error of its own.
    """
    stopped: list[BaseException] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except GeneratorExit:
            raise
        except BaseException as failure:
            stopped.append(failure)
            raise

    connection.register(view, pa.RecordBatchReader.from_batches(schema, watched()))
    try:
        yield
    except (duckdb.Error, OSError):
        if stopped:
            raise stopped[0] from None
        raise
    finally:
        connection.unregister(view)


def write_table(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write Arrow batches to a Parquet file in the order they come; returns the rows written.

    Within a run the file is encrypted (see `at_rest`), unless it is part of a release.
    """
    return _write(reader, path, encryption_for(path))


def write_query(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the result of a SELECT to a Parquet file, streaming; returns the rows written.

    Add ORDER BY where a stable digest matters, which is everywhere that is published or resumed.
    """
    return write_table(connection.sql(query).to_arrow_reader(BATCH_ROWS), path)


def write_queries(
    connection: duckdb.DuckDBPyConnection,
    queries: Mapping[Path, str],
    finish: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> dict[Path, int]:
    """Write the results of several SELECTs; a file is encoded beside the query of the next.

    finish: what becomes of each batch before it is written, on the encoding thread.
    Returns the rows of each file. Add ORDER BY as for `write_query`.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="encoding") as threads:
        written = {}
        for path, query in queries.items():
            reader = connection.sql(query).to_arrow_reader(BATCH_ROWS)
            waiting: Queue[pa.RecordBatch | None] = Queue(_AHEAD)
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
        # Whoever fills the queue must not wait for ever on an encoder that has failed.
        for _ in batches:
            pass


def export_plain(path: Path, target: Path) -> int:
    """Copy an intermediate table to a Parquet file in clear, for a transfer package to encrypt.

    target: in the run's private spill folder; the caller removes it. Returns the rows copied.
    """
    with open_table(path) as reader:
        return write_plain(reader, target)


def write_plain(reader: pa.RecordBatchReader, target: Path) -> int:
    """Write batches to a Parquet file in clear, for a package to encrypt; the caller removes it."""
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
    """Yield the batches by row groups: the writer ends one with whatever it is given."""
    gathered: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        gathered.append(batch)
        rows += batch.num_rows
        if rows >= _ROW_GROUP_ROWS:
            yield pa.Table.from_batches(gathered)
            gathered, rows = [], 0
    if rows:
        yield pa.Table.from_batches(gathered)


def _dictionary_columns(schema: pa.Schema) -> list[str]:
    """Return the columns whose values recur: neither whole numbers nor names of records and groups.

    Whole numbers are mostly tokens. A dictionary would hold each value once more, and be given up at last.
    """
    return [
        path
        for path, is_whole in _paths(schema)
        if not is_whole and not path.endswith("_pseudonym") and path not in ("address_group", "unit")
    ]


def _compressions(schema: pa.Schema) -> dict[str, str]:
    """Return how each column is compressed: tokens hardly yield to it, so it shall cost them little."""
    return {path: "lz4" if is_whole else "zstd" for path, is_whole in _paths(schema)}


def _paths(schema: pa.Schema) -> Iterator[tuple[str, bool]]:
    """Yield each column as Parquet names it, and whether it holds whole numbers."""
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
            raise read_errors(error) from None
        if batch is None:
            return
        yield batch.select(schema.names).cast(schema) if batch.schema != schema else batch
