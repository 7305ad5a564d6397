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

from pipeline.ingest.rows import CONTROL_BYTES, MAXIMUM_CELL_CHARACTERS, BrokenRow, Rows, fault_of, shortened
from pipeline.ingest.supplied_file import FileRefused
from pipeline.ingest.text_block import MAXIMUM_LINE_BYTES

#: A quoted cell may span lines up to here; one that goes on is a quote left open.
_MAXIMUM_RECORD_CHARACTERS = MAXIMUM_LINE_BYTES

_QUOTE, _LF = ord('"'), ord("\n")


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
        block = self._pending
        if block.startswith(b"\xef\xbb\xbf") or len(block.translate(None, CONTROL_BYTES)) != len(block):
            return None
        if block.count(b"\r") != block.count(b"\r\n"):
            return None
        content = np.frombuffer(block, dtype=np.uint8)
        line_ends = np.flatnonzero(content == _LF)
        quotes = np.flatnonzero(content == _QUOTE)
        if not _quotes_are_regular(content, quotes, ord(self._delimiter)):
            return None
        is_row_end = np.searchsorted(quotes, line_ends) % 2 == 0
        row_ends = line_ends[is_row_end]
        if self._is_last and len(quotes) % 2 == 0 and (not len(row_ends) or row_ends[-1] != len(block) - 1):
            row_ends = np.append(row_ends, len(block) - 1)
            is_row_end = np.append(is_row_end, True)
        if not len(row_ends) or (self._is_last and row_ends[-1] != len(block) - 1):
            return None
        lengths = np.diff(row_ends, prepend=-1)
        if lengths.max() > MAXIMUM_CELL_CHARACTERS or lengths.min() <= 2:
            return None
        used = int(row_ends[-1]) + 1
        lines_before = np.flatnonzero(is_row_end)
        lines = self._line + np.concatenate(([0], lines_before[:-1] + 1))
        rows = self._split_regular(block[:used], lines, len(lines_before) != lines_before[-1] + 1, wanted)
        if rows is not None:
            self._line += int(lines_before[-1]) + 1
            self._pending = block[used:]
        return rows

    def _split_regular(
        self, block: bytes, lines: npt.NDArray[np.int64], has_line_breaks: bool, wanted: Sequence[int]
    ) -> Rows | None:
        names = [str(place) for place in range(len(self.header))]
        ragged: list[pc.InvalidRow] = []

        def keep_aside(row: pc.InvalidRow) -> str:
            ragged.append(row)
            return "skip"

        try:
            table = pc.read_csv(
                pa.BufferReader(block),
                pc.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
                pc.ParseOptions(
                    delimiter=self._delimiter,
                    newlines_in_values=has_line_breaks,
                    ignore_empty_lines=False,
                    invalid_row_handler=keep_aside,
                ),
                pc.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=[names[place] for place in wanted],
                ),
            )
        except pa.ArrowInvalid:
            return None
        if ragged or table.num_rows != len(lines):
            return None
        return Rows(lines, tuple(table.column(place).combine_chunks() for place in range(len(wanted))))

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


def _quotes_are_regular(
    content: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64], delimiter: int
) -> bool:
    """Answer whether every quote opens a cell, closes one, or is one of a doubled pair.

    Quotes alternate between opening and closing; a doubled quote inside a cell closes and opens
    at once. So each opening one must follow a separator or the quote before it, and each closing
    one must precede a separator or the quote after it.
    """
    if not len(quotes):
        return True
    is_separator = np.zeros(256, dtype=bool)
    is_separator[[delimiter, _LF]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening > 0, content[opening - 1], _LF)
    follows_quote = np.zeros(len(opening), dtype=bool)
    follows_quote[1:] = closing[: len(opening) - 1] == opening[1:] - 1
    if not np.all(is_separator[before] | follows_quote):
        return False
    is_separator[ord("\r")] = True
    after = np.where(closing < len(content) - 1, content[np.minimum(closing + 1, len(content) - 1)], _LF)
    precedes_quote = np.zeros(len(closing), dtype=bool)
    precedes_quote[: len(opening) - 1] = opening[1:] == closing[: len(opening) - 1] + 1
    return bool(np.all(is_separator[after] | precedes_quote))
