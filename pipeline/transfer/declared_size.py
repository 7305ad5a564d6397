"""Reads a received table within the size that its package declares: its rows, and the bytes of its values.

A small file can be a large table, because Parquet stores a repeated value once. So the size in the file's own
metadata is compared first, then the lengths of its texts without expanding them, and then rows and values are
counted while they are read. Reading stops at the first batch that exceeds what was declared.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from governance.errors import Refused
from pipeline.engine.tables import BATCH_ROWS, open_table, write_plain
from pipeline.transfer.contents import DeclaredTable

_VALUE_BYTES = 8
#: No pseudonym and no code is longer.
_LONGEST_TEXT = 64
#: What Parquet may add for each column of a row group: headers, levels, and a dictionary that it gave up.
_OVERHEAD_BYTES = 2 * 2**20
#: Hearth writes row groups of over 200,000 rows.
_FEWEST_ROWS_OF_A_GROUP = 1_000


def size_of(batch: pa.RecordBatch) -> int:
    """Return 8 bytes for each value (also null, or of a list), and the length of each text."""
    total = 0
    for column in batch.columns:
        values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
        total += _VALUE_BYTES * len(values)
        if pa.types.is_string(values.type):
            total += int(pc.sum(pc.binary_length(values)).as_py() or 0)
    return total


def write_measured(reader: pa.RecordBatchReader, path: Path, name: str) -> DeclaredTable:
    """Write batches to an unencrypted Parquet file, which a package then encrypts; returns its size.

    path: in the run's private spill folder; the caller removes it.
    """
    size = 0

    def measured() -> Iterator[pa.RecordBatch]:
        nonlocal size
        for batch in reader:
            size += size_of(batch)
            yield batch

    rows = write_plain(pa.RecordBatchReader.from_batches(reader.schema, measured()), path)
    return DeclaredTable(name, rows, size)


@contextmanager
def open_declared(
    path: Path,
    declared: DeclaredTable,
    file: str,
    columns: Sequence[str] | None = None,
    is_checked: bool = False,
) -> Iterator[pa.RecordBatchReader]:
    """Open a decrypted table; yields a reader of its batches, like `open_table`.

    file: name of the encrypted table, for messages. is_checked: whether the same file was opened with this
    function before. Raises Refused, also while batches are read, if the table is larger than declared.
    """
    if not is_checked:
        _check_file(path, declared, file)
    with open_table(path, columns) as reader:
        batches = within(reader, declared, file)
        yield pa.RecordBatchReader.from_batches(reader.schema, batches)


def within(batches: Iterable[pa.RecordBatch], declared: DeclaredTable, file: str) -> Iterator[pa.RecordBatch]:
    """Yield the batches; raise Refused at the first that exceeds the declared rows or bytes."""
    rows = size = 0
    for batch in batches:
        rows += batch.num_rows
        size += size_of(batch)
        if rows > declared.rows or size > declared.bytes:
            raise _larger(file)
        yield batch


def _check_file(path: Path, declared: DeclaredTable, file: str) -> None:
    try:
        with pq.ParquetFile(path) as parquet:
            metadata = parquet.metadata
            texts = [field.name for field in parquet.schema_arrow if pa.types.is_string(field.type)]
        if metadata.num_rows != declared.rows:
            if metadata.num_rows > declared.rows:
                raise _larger(file)
            raise _unlike(file, "has fewer rows than its package declares")
        if metadata.num_row_groups > 1 + declared.rows // _FEWEST_ROWS_OF_A_GROUP:
            raise _larger(file)
        most_values = declared.rows + declared.bytes // _VALUE_BYTES
        for place in range(metadata.num_columns):
            parts = [metadata.row_group(n).column(place) for n in range(metadata.num_row_groups)]
            packed = sum(part.total_uncompressed_size for part in parts)
            if sum(
                part.num_values for part in parts
            ) > most_values or packed > 2 * declared.bytes + _OVERHEAD_BYTES * len(parts):
                raise _larger(file)
        _check_texts(path, texts, file)
    except (pa.ArrowException, OSError, ValueError):
        raise _unlike(file, "is not a readable Parquet file") from None


def _check_texts(path: Path, texts: list[str], file: str) -> None:
    """Check the lengths of texts on their dictionaries, where a text that is repeated is stored once."""
    if not texts:
        return
    with pq.ParquetFile(path, read_dictionary=texts) as parquet:
        for batch in parquet.iter_batches(BATCH_ROWS, columns=texts):
            for column in batch.columns:
                longest = pc.max(pc.binary_length(column.dictionary)).as_py()
                if longest is not None and longest > _LONGEST_TEXT:
                    raise _unlike(file, f"contains a text of more than {_LONGEST_TEXT} bytes")


def _larger(file: str) -> Refused:
    return Refused(
        "PACKAGE_LARGER_THAN_DECLARED",
        f"{file} contains more than its package declares, so reading was stopped. The package was not used.",
        "Treat the package as hostile: inform the controller, and keep the package away from other data.",
    )


def _unlike(file: str, why: str) -> Refused:
    return Refused(
        "PACKAGE_ALTERED",
        f"{file} {why}. The package was not used.",
        "Ask the controller to send the package again, and find out where it was changed.",
    )
