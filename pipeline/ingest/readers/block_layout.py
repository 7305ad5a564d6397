"""Finds where rows and cells end in a block of delimited text, for the whole block in one pass.

This works only for a regular block: one in which every quote opens a cell, closes one, or is half of a
doubled pair. In such a block a byte is outside quotes if an even number of quotes precede it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.ingest.readers.rows import CONTROL_BYTES, MAXIMUM_CELL_CHARACTERS

_QUOTE, _LF, _CR = ord('"'), ord("\n"), ord("\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class BlockLayout:
    """The rows of a block.

    content: the block's bytes. quotes: positions of its quotes. row_ends: position of the last byte of each
    row. used: number of bytes of all complete rows. line_offsets: for each row, number of lines of the block
    before the line on which the row starts. line_count: lines of all complete rows. has_line_breaks: whether
    any cell spans lines.
    """

    content: npt.NDArray[np.uint8]
    quotes: npt.NDArray[np.int64]
    delimiter: int
    row_ends: npt.NDArray[np.int64]
    line_offsets: npt.NDArray[np.int64]
    line_count: int

    @property
    def used(self) -> int:
        return int(self.row_ends[-1]) + 1

    @property
    def has_line_breaks(self) -> bool:
        return self.line_count != len(self.row_ends)

    def cell_counts(self) -> npt.NDArray[np.int64]:
        """Return the number of cells of each row."""
        delimiters = np.flatnonzero(self.content == self.delimiter)
        delimiters = delimiters[np.searchsorted(self.quotes, delimiters) % 2 == 0]
        return np.diff(np.searchsorted(delimiters, self.row_ends), prepend=0) + 1

    def bytes_of(self, is_wanted: npt.NDArray[np.bool_]) -> bytes:
        """Return the bytes of the rows for which `is_wanted` is true."""
        lengths = np.diff(self.row_ends, prepend=-1)
        return self.content[: self.used][np.repeat(is_wanted, lengths)].tobytes()

    def bytes_of_row(self, row: int) -> bytes:
        """Return the bytes of one row, counted from 0."""
        start = int(self.row_ends[row - 1]) + 1 if row else 0
        return self.content[start : int(self.row_ends[row]) + 1].tobytes()


def find_layout(block: bytes, delimiter: str, is_last: bool) -> BlockLayout | None:
    """Return the layout of a block's complete rows; None if it must be read record by record.

    is_last: nothing follows the block, so its last row may have no line end.
    """
    has_controls = len(block.translate(None, CONTROL_BYTES)) != len(block)
    has_lone_returns = block.count(b"\r") != block.count(b"\r\n")
    if has_controls or has_lone_returns or block.startswith(_BYTE_ORDER_MARK):
        return None
    content = np.frombuffer(block, dtype=np.uint8)
    quotes = np.flatnonzero(content == _QUOTE)
    if not _are_regular(quotes, content, ord(delimiter)):
        return None
    line_ends = np.flatnonzero(content == _LF)
    if is_last and content[-1] != _LF:
        line_ends = np.append(line_ends, len(content) - 1)
    ends_row = np.searchsorted(quotes, line_ends, side="right") % 2 == 0
    row_ends = line_ends[ends_row]
    if not len(row_ends) or (is_last and row_ends[-1] != len(content) - 1):
        return None
    lengths = np.diff(row_ends, prepend=-1)
    has_blank_lines = np.isin(content[row_ends - lengths + 1], [_CR, _LF]).any()
    if has_blank_lines or lengths.max() > MAXIMUM_CELL_CHARACTERS:
        return None
    last_lines = np.flatnonzero(ends_row)
    return BlockLayout(
        content,
        quotes,
        ord(delimiter),
        row_ends,
        line_offsets=np.concatenate(([0], last_lines[:-1] + 1)),
        line_count=int(last_lines[-1]) + 1,
    )


def _are_regular(quotes: npt.NDArray[np.int64], content: npt.NDArray[np.uint8], delimiter: int) -> bool:
    """Answer whether every quote opens a cell, closes one, or is one of a doubled pair.

    Quotes alternate between opening and closing; the first of a doubled pair counts as closing, the second
    as opening. So each opening quote must follow a separator or the closing quote before it, and each
    closing quote must precede a separator or the opening quote after it.
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
    is_separator[_CR] = True
    after = np.where(closing < len(content) - 1, content[np.minimum(closing + 1, len(content) - 1)], _LF)
    precedes_quote = np.zeros(len(closing), dtype=bool)
    precedes_quote[: len(opening) - 1] = opening[1:] == closing[: len(opening) - 1] + 1
    return bool(np.all(is_separator[after] | precedes_quote))
