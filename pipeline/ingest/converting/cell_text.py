"""Repairs the text of cells before they are judged: markers of missing values, and wrongly decoded letters.

MISSING_MARKER  a text that hearth.toml lists under `missing_markers`; the cell is empty
WRONG_ENCODING  UTF-8 that was read as cp1252, such as two signs in place of one letter. It is repaired where
                the whole cell is such text, and left as it is otherwise
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: The characters that bytes 0x80 to 0xBF become in cp1252; undefined bytes stay control characters.
_FOLLOWING = "".join(
    bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(0x80, 0xC0)
)
_SUSPECT = "[\u00c2-\u00f4][" + re.escape(_FOLLOWING) + "]"
_SEQUENCE = re.compile(_SUSPECT)


@dataclass
class CellText:
    """Cleans columns of text and counts what it did.

    markers: texts that mean "missing". repaired: (column, repair) -> cells. replaced: column -> cells with a
    replacement character, whose letter is lost.
    """

    markers: Sequence[str] = ()
    repaired: Counter[tuple[str, str]] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)

    def cleaned(self, name: str, cells: pa.Array, *, is_text: bool) -> pa.Array:
        """Return the cells of a column without blanks around them, markers and mojibake; counts both.

        is_text: whether letters outside ASCII can be in the column.
        """
        cells = pc.utf8_trim_whitespace(cells)
        if self.markers:
            is_marker = pc.is_in(cells, value_set=pa.array(self.markers, pa.string()))
            self._count(name, "MISSING_MARKER", pc.sum(is_marker).as_py() or 0)
            cells = pc.if_else(is_marker, pa.scalar("", pa.string()), cells)
        if not is_text:
            return cells
        if lost := pc.sum(pc.match_substring(cells, _REPLACEMENT)).as_py():
            self.replaced[name] += lost
        suspect = pc.fill_null(pc.match_substring_regex(cells, _SUSPECT), False)
        if not pc.any(suspect).as_py():
            return cells
        texts = cells.to_pylist()
        for row, is_suspect in enumerate(suspect.to_pylist()):
            if is_suspect and (repaired := repaired_mojibake(texts[row])) is not None:
                texts[row] = repaired
                self._count(name, "WRONG_ENCODING", 1)
        return pa.array(texts, pa.string())

    def _count(self, name: str, repair: str, cells: int) -> None:
        if cells:
            self.repaired[name, repair] += cells


def repaired_mojibake(text: str) -> str | None:
    """Return the text that was read in the wrong encoding; None if that is not certain."""
    if not _SEQUENCE.search(text):
        return None
    read = bytearray()
    for character in text:
        try:
            read += character.encode("cp1252")
        except UnicodeEncodeError:
            if not "\x80" <= character <= "\x9f":
                return None
            read.append(ord(character))
    try:
        return read.decode("utf-8")
    except UnicodeDecodeError:
        return None
