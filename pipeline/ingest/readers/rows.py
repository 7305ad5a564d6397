"""What every reader yields: parsed rows as columns of text, and broken rows, which cannot be parsed.

Reason codes of broken rows; they do not depend on the contract:

RAGGED_ROW         more or fewer cells than the header
NUL_BYTE           a cell contains a NUL byte
UNDEFINED_BYTE     a cell contains a byte that has no character in the declared encoding
CONTROL_CHARACTER  a cell contains another control character (tab, CR and LF are allowed)
OVERSIZED_CELL     a cell is longer than MAXIMUM_CELL_CHARACTERS
MALFORMED_QUOTE    a quote is left open, or text follows a closing quote
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAXIMUM_CELL_CHARACTERS = 65_536

#: Quarantine keeps only this much of a cell of a broken row.
QUARANTINED_CELL_CHARACTERS = 1_000

#: In place of a byte that has no character in the declared encoding (the ASCII character SUB).
SUBSTITUTE = "\x1a"

#: Every ASCII control character except tab, LF and CR.
CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127])


@dataclass(frozen=True)
class BrokenRow:
    """A row that goes to quarantine as read. line: where it starts. reason: see above. cells: shortened."""

    line: int
    reason: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A batch of rows of an extract.

    lines: line on which each parsed row starts. columns: the wanted columns of the parsed rows, as text.
    broken: the rows that cannot be parsed.
    """

    lines: npt.NDArray[np.int64]
    columns: tuple[pa.Array, ...]
    broken: tuple[BrokenRow, ...] = ()


class TableReader(Protocol):
    """Reads one extract, once, from its beginning to its end."""

    header: tuple[str, ...]

    def rows(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """Yield all rows, with the columns at the positions `wanted` of the header."""
        ...


def shortened(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the cells as quarantine keeps them: shortened, with visible NUL bytes."""
    return tuple(cell[:QUARANTINED_CELL_CHARACTERS].replace("\0", "\N{SYMBOL FOR NULL}") for cell in cells)


def fault_of(cells: Sequence[str], width: int) -> str | None:
    """Return the reason code if the cells are not a row of a table with `width` columns, otherwise None."""
    if any(len(cell) > MAXIMUM_CELL_CHARACTERS for cell in cells):
        return "OVERSIZED_CELL"
    text = "".join(cells)
    if "\0" in text:
        return "NUL_BYTE"
    if SUBSTITUTE in text:
        return "UNDEFINED_BYTE"
    if len(text.translate(_WITHOUT_CONTROLS)) != len(text):
        return "CONTROL_CHARACTER"
    return None if len(cells) == width else "RAGGED_ROW"


_WITHOUT_CONTROLS = dict.fromkeys(CONTROL_BYTES)
