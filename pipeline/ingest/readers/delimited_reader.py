"""Reading delimited text: RFC 4180 strictly, line numbers exact, memory flat.

Blocks in which every quote stands where the standard wants it are split by
Arrow; all others by Python's own strict reader. The two agree on every regular
block (a test holds them against each other on generated text), so the choice
is one of speed.

A record with broken quoting condemns its own first line and no other: reading
resumes on the line after, so that one stray quote cannot swallow the rows below.
"""

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc

from pipeline.ingest.readers.block_layout import BlockLayout, lay_out
from pipeline.ingest.readers.rows import MAXIMUM_CELL_CHARACTERS, BrokenRow, Rows, fault_of, shortened
from pipeline.ingest.readers.supplied_file import FileRefused
from pipeline.ingest.readers.text_block import MAXIMUM_LINE_BYTES

#: A quoted cell may span lines up to here; one that goes on is a quote left open.
_MAXIMUM_RECORD_CHARACTERS = MAXIMUM_LINE_BYTES


class DelimitedReader:
    """Reads header and rows from blocks of whole lines in UTF-8."""

    def __init__(self, blocks: Iterator[bytes], delimiter: str) -> None:
        csv.field_size_limit(_MAXIMUM_RECORD_CHARACTERS + 1)
        self._blocks = blocks
        self._delimiter = delimiter
        self._line = 1
        self._pending = b""
        self._is_last = False
        self.header = self._read_header()

    def rows(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """Yield the wanted columns of all rows, in order."""
        while True:
            if self._pending:
                rows = self._split_at_once(wanted) or self._split_with_care(wanted)
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
        while True:
            self._read_block()
            lines = _lines(self._pending)
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            try:
                header = next((row for row in reader if row), None)
            except csv.Error:
                header = None
                if self._is_last or len(self._pending) > MAXIMUM_LINE_BYTES:
                    raise FileRefused("ING-02", "has a header with broken quoting") from None
            if header is not None:
                used = len("".join(lines[: reader.line_num]).encode())
                self._pending = self._pending[used:]
                self._line += reader.line_num
                return tuple(header)
            if self._is_last:
                return ()

    def _split_at_once(self, wanted: Sequence[int]) -> Rows | None:
        """Split the pending block by Arrow, or return None where it takes more care."""
        layout = lay_out(self._pending, self._delimiter, self._is_last)
        if layout is None:
            return None
        lines = self._line + layout.line_offsets
        broken: tuple[BrokenRow, ...] = ()
        columns = self._columns(self._pending[: layout.used], layout.has_line_breaks, wanted)
        if columns is None or len(columns[0]) != len(lines):
            is_whole = layout.cell_counts() == len(self.header)
            broken = self._ragged(layout, lines, ~is_whole)
            columns = self._columns(layout.bytes_of(is_whole), layout.has_line_breaks, wanted)
            lines = lines[is_whole]
            if columns is None or len(columns[0]) != len(lines):
                return None
        self._line += layout.line_count
        self._pending = self._pending[layout.used :]
        return Rows(lines, columns, broken)

    def _columns(
        self, block: bytes, has_line_breaks: bool, wanted: Sequence[int]
    ) -> tuple[pa.Array, ...] | None:
        """Return the wanted columns of a regular block, or None where its rows are not alike."""
        names = [str(place) for place in range(len(self.header))]
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
                    include_columns=[names[place] for place in wanted],
                ),
            )
        except pa.ArrowInvalid:
            return None
        return tuple(table.column(place).combine_chunks() for place in range(len(wanted)))

    def _ragged(
        self, layout: BlockLayout, lines: npt.NDArray[np.int64], is_ragged: npt.NDArray[np.bool_]
    ) -> tuple[BrokenRow, ...]:
        """Return the ragged rows of a regular block: few, so they are taken one by one."""
        broken = []
        for place in np.flatnonzero(is_ragged).tolist():
            row = csv.reader(_lines(layout.bytes_of_row(place)), delimiter=self._delimiter, strict=True)
            cells = next(row)
            reason = str(fault_of(cells, len(self.header)))
            broken.append(BrokenRow(int(lines[place]), reason, shortened(cells)))
        return tuple(broken)

    def _split_with_care(self, wanted: Sequence[int]) -> Rows:
        """Split what is pending record by record; an unfinished record stays pending."""
        lines = _lines(self._pending)
        width = len(self.header)
        whole: list[list[str]] = []
        starts: list[int] = []
        broken: list[BrokenRow] = []
        place = 0
        while place < len(lines):
            reader = csv.reader(
                map(lines.__getitem__, range(place, len(lines))), delimiter=self._delimiter, strict=True
            )
            start = place
            try:
                for row in reader:
                    number, start = self._line + start, place + reader.line_num
                    if not row:
                        continue
                    fault = fault_of(row, width)
                    if fault is None:
                        whole.append(row)
                        starts.append(number)
                    else:
                        broken.append(BrokenRow(number, fault, shortened(row)))
                place = len(lines)
            except csv.Error:
                seen = sum(map(len, lines[start : place + reader.line_num]))
                may_go_on = place + reader.line_num == len(lines) and not self._is_last
                if may_go_on and seen <= _MAXIMUM_RECORD_CHARACTERS:
                    place = start
                    break
                broken.append(_condemned(lines[start], self._line + start))
                place = start + 1
        self._line += place
        self._pending = "".join(lines[place:]).encode()
        columns = list(zip(*whole, strict=True)) if whole else [()] * width
        return Rows(
            np.array(starts, dtype=np.int64),
            tuple(pa.array(columns[index], pa.string()) for index in wanted),
            tuple(broken),
        )


def _condemned(line: str, number: int) -> BrokenRow:
    reason = "OVERSIZED_CELL" if len(line) > MAXIMUM_CELL_CHARACTERS else "MALFORMED_QUOTE"
    return BrokenRow(number, reason, shortened([line.rstrip("\r\n")]))


def _lines(block: bytes) -> list[str]:
    return list(io.StringIO(block.decode(), newline=""))
