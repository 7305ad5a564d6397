"""What every reader yields: whole rows as columns of text, and the rows that are no rows.

Reason codes of rows that break before any contract is asked:

RAGGED_ROW         more or fewer cells than the header
NUL_BYTE           a cell holds a NUL byte
CONTROL_CHARACTER  a cell holds another control character (tab, CR and LF are none)
OVERSIZED_CELL     a cell is longer than MAXIMUM_CELL_CHARACTERS
MALFORMED_QUOTE    a quote is left open, or something follows a closing quote
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAXIMUM_CELL_CHARACTERS = 65_536

#: Of a broken row's cell no more is kept in quarantine.
QUARANTINED_CELL_CHARACTERS = 1_000

#: Every ASCII control character except tab, LF and CR.
CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127])


@dataclass(frozen=True)
class BrokenRow:
    """A row that goes to quarantine as read. line: where it starts; cells: shortened texts."""

    line: int
    reason: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """Some rows of an extract.

    lines: line on which each whole row starts. columns: the wanted columns, as text, in order.
    broken: rows that could not be read as such.
    """

    lines: npt.NDArray[np.int64]
    columns: tuple[pa.Array, ...]
    broken: tuple[BrokenRow, ...] = ()


class TableReader(Protocol):
    """Reads one extract forwards, once."""

    header: tuple[str, ...]

    def rows(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """Yield the columns at the given places of the header."""
        ...


def shortened(cells: Sequence[str]) -> tuple[str, ...]:
    """Return cells cut to what quarantine keeps, NUL bytes made visible."""
    return tuple(cell[:QUARANTINED_CELL_CHARACTERS].replace("\0", "\N{SYMBOL FOR NULL}") for cell in cells)


def fault_of(cells: Sequence[str], width: int) -> str | None:
    """Return the reason for which a row of cells is no row of a table of `width` columns, if any."""
    if any(len(cell) > MAXIMUM_CELL_CHARACTERS for cell in cells):
        return "OVERSIZED_CELL"
    text = "".join(cells)
    if "\0" in text:
        return "NUL_BYTE"
    if len(text.translate(_WITHOUT_CONTROLS)) != len(text):
        return "CONTROL_CHARACTER"
    return None if len(cells) == width else "RAGGED_ROW"


_WITHOUT_CONTROLS = dict.fromkeys(CONTROL_BYTES)
