"""Reads a Parquet extract as text, so that the same contract applies to it as to any other file.

Numbers become their digits. Columns of type date become ISO dates, whatever format was declared. A UPRN that
was stored as a floating-point number keeps its fraction (`.0`), so it is counted as repaired.
"""

import io
import os
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from governance.counted import counted
from pipeline.engine.tables import BATCH_ROWS
from pipeline.ingest.readers.rows import (
    CONTROL_BYTES,
    MAXIMUM_CELL_CHARACTERS,
    BrokenRow,
    Rows,
    fault_of,
    shortened,
)
from pipeline.ingest.readers.supplied_file import MAXIMUM_UNPACKED_BYTES, MAXIMUM_UNPACKED_RATIO, FileRefused
from pipeline.printable import shown_in_quotes

_SUSPECT = "[" + "".join(f"\\x{byte:02x}" for byte in CONTROL_BYTES) + "]"
TYPED_DATE_FORMAT = "%Y-%m-%d"

#: Parquet compresses repeated values very well, so smaller files may have any ratio.
_UNPACKED_BYTES_WITHOUT_RATIO = 256 << 20
#: Record ids that differ take at least one bit each; only rows of repeated values take less.
_MAXIMUM_ROWS_PER_BYTE = 8
#: The largest whole number up to which single precision has every whole number.
_LARGEST_EXACT = 2**24


class ParquetReader:
    """Reads the columns and rows of a Parquet file. The line of a row is its number, from 1.

    time_zone: in which the days of timestamps with a time zone are read.
    """

    def __init__(self, source: io.FileIO, time_zone: str = "Europe/London") -> None:
        self._time_zone = time_zone
        try:
            self._file = pq.ParquetFile(source)
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError):
            raise FileRefused("ING-02", "is not a readable Parquet file") from None
        self._check_size(os.fstat(source.fileno()).st_size)
        nested = [field.name for field in schema if pa.types.is_nested(field.type)]
        if nested:
            columns = counted(len(nested), "column of lists or structures", "columns of lists or structures")
            raise FileRefused("ING-03", f"has {columns}, where single values are expected")
        self.header = tuple(schema.names)
        self._check_types(schema)

    def _check_types(self, schema: pa.Schema) -> None:
        """Raise FileRefused if a column's type has lost digits or letters of its values."""
        for number, field in enumerate(schema, start=1):
            is_single = pa.types.is_float16(field.type) or pa.types.is_float32(field.type)
            is_binary = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
            what = ""
            if is_single and any(_is_lossy(batch.column(0)) for batch in self._column(field.name)):
                what = f"as {field.type}, which keeps seven digits, so long numbers are wrong: ask for text"
            if is_binary and any(not _is_utf8(batch.column(0)) for batch in self._column(field.name)):
                what = "as bytes that are not UTF-8 text: ask for a column of type string"
            if what:
                raise FileRefused("ING-03", f"has column {number} {shown_in_quotes(field.name)} {what}")

    def _column(self, name: str) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._file.iter_batches(BATCH_ROWS, columns=[name])
        except (pa.ArrowException, OSError):
            raise FileRefused("ING-02", "is a Parquet file that is damaged") from None

    def _check_size(self, packed: int) -> None:
        metadata = self._file.metadata
        unpacked = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
        if metadata.num_rows > packed * _MAXIMUM_ROWS_PER_BYTE:
            raise FileRefused(
                "ING-02", "has more rows than can fit into its size; it may be a decompression bomb"
            )
        allowed = max(_UNPACKED_BYTES_WITHOUT_RATIO, packed * MAXIMUM_UNPACKED_RATIO)
        if unpacked > min(allowed, MAXIMUM_UNPACKED_BYTES):
            raise FileRefused(
                "ING-02",
                f"unpacks to over {MAXIMUM_UNPACKED_RATIO} times its size; it may be a decompression bomb",
            )

    @property
    def row_count(self) -> int:
        """Number of rows according to the file's metadata."""
        return int(self._file.metadata.num_rows)

    def rows(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """Yield all rows, with the columns at the positions `wanted` of the header, as text.

        Raises FileRefused if the file is damaged.
        """
        names = [self.header[position] for position in wanted]
        line = 1
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=names):
                columns = [self._text(batch.column(name)) for name in names]
                lines = np.arange(line, line + batch.num_rows, dtype=np.int64)
                line += batch.num_rows
                yield _without_broken_rows(lines, columns)
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            raise FileRefused("ING-02", f"is a Parquet file that is damaged after row {line - 1:,}") from None

    def _text(self, column: pa.Array) -> pa.Array:
        kind = column.type
        if pa.types.is_dictionary(kind):
            return self._text(column.dictionary_decode())
        if pa.types.is_date(kind):
            return pc.strftime(column, format=TYPED_DATE_FORMAT)
        if pa.types.is_timestamp(kind):
            return self._timestamps(column)
        if pa.types.is_floating(kind):
            return pa.array(
                [None if value is None else repr(value) for value in column.to_pylist()], pa.string()
            )
        text = pc.cast(column, pa.string())
        text.validate(full=True)
        return text

    def _timestamps(self, column: pa.Array) -> pa.Array:
        """Return days in the time zone; with the time of day, which is refused, if it is not midnight."""
        if column.type.tz is not None:
            zoned = column.cast(pa.timestamp(column.type.unit, tz=self._time_zone))
            column = pc.local_timestamp(zoned)
        is_midnight = pc.equal(column, pc.floor_temporal(column, unit="day"))
        days = pc.strftime(column, format=TYPED_DATE_FORMAT)
        return pc.if_else(
            pc.fill_null(is_midnight, True), days, pc.strftime(column, format=f"{TYPED_DATE_FORMAT} %H:%M:%S")
        )


def _is_lossy(column: pa.Array) -> bool:
    """Answer whether a column of single precision has numbers beyond those that it has exactly."""
    is_beyond = pc.greater(pc.abs(column.cast(pa.float64())), float(_LARGEST_EXACT))
    return bool(pc.any(is_beyond).as_py())


def _is_utf8(column: pa.Array) -> bool:
    try:
        pc.cast(column, pa.string()).validate(full=True)
    except pa.ArrowException:
        return False
    return True


def _without_broken_rows(lines: np.ndarray[tuple[int], np.dtype[np.int64]], columns: list[pa.Array]) -> Rows:
    """Separate the rows in which a cell is too long or contains a control character."""
    suspect = np.zeros(len(lines), dtype=bool)
    for column in columns:
        doubtful = pc.or_(
            pc.greater(pc.utf8_length(column), MAXIMUM_CELL_CHARACTERS),
            pc.match_substring_regex(column, _SUSPECT),
        )
        suspect |= doubtful.fill_null(False).to_numpy(zero_copy_only=False)
    if not suspect.any():
        return Rows(lines, tuple(columns))
    broken = []
    for row in np.flatnonzero(suspect):
        cells = [column[row.item()].as_py() or "" for column in columns]
        reason = fault_of(cells, len(cells))
        broken.append(BrokenRow(int(lines[row]), str(reason), shortened(cells)))
    kept = pa.array(~suspect)
    return Rows(lines[~suspect], tuple(column.filter(kept) for column in columns), tuple(broken))
