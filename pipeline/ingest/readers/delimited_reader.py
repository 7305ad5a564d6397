"""Reads delimited text: strictly by RFC 4180, with exact line numbers and constant memory.

Arrow splits the blocks in which every quote is where the standard allows it; Python's own strict reader
splits all others. The two give the same rows for every such block (a test compares them on generated text),
so the choice only affects speed.

A record with broken quoting makes only its own first line unreadable: reading continues on the next line, so
one stray quote cannot swallow the rows below it.
"""

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc

from pipeline.ingest.readers.block_layout import BlockLayout, find_layout
from pipeline.ingest.readers.rows import MAXIMUM_CELL_CHARACTERS, BrokenRow, Rows, fault_of, shortened
from pipeline.ingest.readers.supplied_file import FileRefused
from pipeline.ingest.readers.text_block import MAXIMUM_LINE_BYTES

#: Longest record, over all its lines; in a longer one a quote was left open.
_MAXIMUM_RECORD_CHARACTERS = MAXIMUM_LINE_BYTES


class DelimitedReader:
    """Reads header and rows from blocks of whole lines in UTF-8.

    columns: names of the columns in their order, if the file has no header line; None if it has one.
    """

    def __init__(self, blocks: Iterator[bytes], delimiter: str, columns: Sequence[str] | None = None) -> None:
        csv.field_size_limit(_MAXIMUM_RECORD_CHARACTERS + 1)
        self._blocks = blocks
        self._delimiter = delimiter
        self._line = 1
        self._pending = b""
        self._is_last = False
        self.header = self._read_header() if columns is None else self._check_first_row(tuple(columns))

    def rows(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """Yield all rows in order, with the columns at the positions `wanted` of the header."""
        while True:
            if self._pending:
                rows = self._split_block(wanted) or self._split_records(wanted)
                if len(rows.lines) or rows.broken:
                    yield rows
            if self._is_last:
                return
            self._read_block()

    def _read_block(self) -> None:
        block = next(self._blocks, None)
        self._is_last = block is None
        self._pending += block or b""

    def _read_header(self) -> tuple[str, ...]:
        header, lines, count = self._first_row("a header")
        if count:
            self._pending = self._pending[len("".join(lines[:count]).encode()) :]
            self._line += count
        return header

    def _check_first_row(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns; raise FileRefused if the first row cannot be a row of them."""
        first, _, _ = self._first_row("a first line")
        if not first:
            return ()
        if len(first) != len(columns):
            raise FileRefused(
                "ING-03",
                f"has {len(first):,} cells in its first line, but hearth.toml lists {len(columns):,} columns",
            )
        names = {name.casefold() for name in columns}
        if 2 * sum(cell.strip().casefold() in names for cell in first) > len(columns):
            raise FileRefused(
                "ING-03",
                "has a first line that looks like a header, but hearth.toml has `header = false`. Set "
                "`header = true`",
            )
        return columns

    def _first_row(self, what: str) -> tuple[tuple[str, ...], list[str], int]:
        """Read as far as the end of the first row; return its cells, the lines read and how many it takes.

        The cells are () if the file has none. what: the row, for an error.
        """
        while True:
            self._read_block()
            lines = _lines(self._pending)
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            try:
                first = next((row for row in reader if row), None)
            except csv.Error:
                first = None
                if self._is_last or len(self._pending) > MAXIMUM_LINE_BYTES:
                    raise FileRefused(
                        "ING-02", f"has {what} with a quote that is left open or in the wrong place"
                    ) from None
            if first is not None:
                return tuple(first), lines, reader.line_num
            if self._is_last:
                return (), lines, 0

    def _split_block(self, wanted: Sequence[int]) -> Rows | None:
        """Split the pending block with Arrow; return None if it must be split record by record."""
        if not self._delimiter.isascii():
            return None
        layout = find_layout(self._pending, self._delimiter, self._is_last)
        if layout is None:
            return None
        lines = self._line + layout.line_offsets
        broken: tuple[BrokenRow, ...] = ()
        columns = self._columns(self._pending[: layout.used], layout.has_line_breaks, wanted)
        if columns is None or len(columns[0]) != len(lines):
            has_every_cell = layout.cell_counts() == len(self.header)
            broken = self._ragged(layout, lines, ~has_every_cell)
            columns = self._columns(layout.bytes_of(has_every_cell), layout.has_line_breaks, wanted)
            lines = lines[has_every_cell]
            if columns is None or len(columns[0]) != len(lines):
                return None
        self._line += layout.line_count
        self._pending = self._pending[layout.used :]
        return Rows(lines, columns, broken)

    def _columns(
        self, block: bytes, has_line_breaks: bool, wanted: Sequence[int]
    ) -> tuple[pa.Array, ...] | None:
        """Return the wanted columns of a regular block; None if its rows differ in their number of cells."""
        names = [str(position) for position in range(len(self.header))]
        if not block:
            return tuple(pa.array([], pa.string()) for _ in wanted)
        try:
            table = pc.read_csv(
                pa.BufferReader(block),
                pc.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
                pc.ParseOptions(
                    delimiter=self._delimiter, newlines_in_values=has_line_breaks, ignore_empty_lines=False
                ),
                pc.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=[names[position] for position in wanted],
                ),
            )
        except pa.ArrowInvalid:
            return None
        return tuple(table.column(index).combine_chunks() for index in range(len(wanted)))

    def _ragged(
        self, layout: BlockLayout, lines: npt.NDArray[np.int64], is_ragged: npt.NDArray[np.bool_]
    ) -> tuple[BrokenRow, ...]:
        """Return the ragged rows of a regular block; there are few, so they are read one by one."""
        broken = []
        for row in np.flatnonzero(is_ragged).tolist():
            reader = csv.reader(_lines(layout.bytes_of_row(row)), delimiter=self._delimiter, strict=True)
            cells = next(reader)
            reason = str(fault_of(cells, len(self.header)))
            broken.append(BrokenRow(int(lines[row]), reason, shortened(cells)))
        return tuple(broken)

    def _split_records(self, wanted: Sequence[int]) -> Rows:
        """Split the pending block record by record; an incomplete record stays pending."""
        lines = _lines(self._pending)
        width = len(self.header)
        parsed: list[list[str]] = []
        starts: list[int] = []
        broken: list[BrokenRow] = []
        next_line = 0
        while next_line < len(lines):
            reader = csv.reader(
                map(lines.__getitem__, range(next_line, len(lines))), delimiter=self._delimiter, strict=True
            )
            start = next_line
            try:
                for row in reader:
                    number, start = self._line + start, next_line + reader.line_num
                    if not row:
                        continue
                    fault = fault_of(row, width)
                    if fault is None:
                        parsed.append(row)
                        starts.append(number)
                    else:
                        broken.append(BrokenRow(number, fault, shortened(row)))
                next_line = len(lines)
            except csv.Error:
                length = sum(map(len, lines[start : next_line + reader.line_num]))
                may_continue = next_line + reader.line_num == len(lines) and not self._is_last
                if may_continue and length <= _MAXIMUM_RECORD_CHARACTERS:
                    next_line = start
                    break
                broken.append(_unreadable_line(lines[start], self._line + start))
                next_line = start + 1
        self._line += next_line
        self._pending = "".join(lines[next_line:]).encode()
        columns = list(zip(*parsed, strict=True)) if parsed else [()] * width
        return Rows(
            np.array(starts, dtype=np.int64),
            tuple(pa.array(columns[index], pa.string()) for index in wanted),
            tuple(broken),
        )


def _unreadable_line(line: str, number: int) -> BrokenRow:
    reason = "OVERSIZED_CELL" if len(line) > MAXIMUM_CELL_CHARACTERS else "MALFORMED_QUOTE"
    return BrokenRow(number, reason, shortened([line.rstrip("\r\n")]))


def _lines(block: bytes) -> list[str]:
    return list(io.StringIO(block.decode(), newline=""))
