"""Reads a delimited file as blocks of whole lines in UTF-8; checks the declared encoding (rule ING-02)."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.ingest.readers.supplied_file import CHUNK_BYTES, FileRefused, Readable

#: A longer line cannot be a row of a table.
MAXIMUM_LINE_BYTES = 16 << 20

_WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class TextBlocks:
    """Reads a file in blocks that end where a line ends.

    encoding: "utf-8" (with or without a byte order mark) or "cp1252", as declared.
    """

    content: Readable
    encoding: str

    def __iter__(self) -> Iterator[bytes]:
        """Yield UTF-8 blocks of whole lines; raises FileRefused if the encoding is not as declared."""
        carried = b""
        first = True
        line = 1
        seems_utf8 = self.encoding == "cp1252"
        is_beyond_ascii = False
        while True:
            data = self.content.read(CHUNK_BYTES)
            carried += data
            if first and (len(carried) >= 4 or not data):
                carried = self._without_mark(carried)
                first = False
            elif first:
                continue
            cut = len(carried) if not data else _end_of_last_line(carried)
            block, carried = carried[:cut], carried[cut:]
            if len(carried) > MAXIMUM_LINE_BYTES:
                raise FileRefused(
                    "ING-02", f"has a line of more than {MAXIMUM_LINE_BYTES:,} bytes, after line {line:,}"
                )
            if block:
                text = self._decoded(block, line)
                line += block.count(b"\n")
                if self.encoding == "cp1252" and not block.isascii():
                    is_beyond_ascii = True
                    seems_utf8 = seems_utf8 and _is_utf8(block)
                yield block if self.encoding == "utf-8" else text.encode()
            if not data:
                break
        if is_beyond_ascii and seems_utf8:
            raise FileRefused("ING-02", "is declared as cp1252 but is UTF-8")

    def _without_mark(self, start: bytes) -> bytes:
        if start.startswith(_WIDE_MARKS):
            raise FileRefused(
                "ING-02", f"is declared as {self.encoding} but begins with the mark of UTF-16 or UTF-32"
            )
        if not start.startswith(codecs.BOM_UTF8):
            return start
        if self.encoding != "utf-8":
            raise FileRefused("ING-02", f"is declared as {self.encoding} but begins with the mark of UTF-8")
        return start[len(codecs.BOM_UTF8) :]

    def _decoded(self, block: bytes, line: int) -> str:
        try:
            return block.decode(self.encoding)
        except UnicodeDecodeError as error:
            line += block.count(b"\n", 0, error.start)
            raise FileRefused(
                "ING-02", f"is declared as {self.encoding}, but line {line:,} is not {self.encoding}"
            ) from None


def _end_of_last_line(data: bytes) -> int:
    """Return the position after the last whole line; a final CR may be the first half of a CR LF."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
