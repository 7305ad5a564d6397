"""Reads a delimited file as blocks of whole lines in UTF-8; checks the declared encoding (rule ING-02)."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.ingest.readers.file_kind import utf16_without_mark, what_it_is
from pipeline.ingest.readers.rows import SUBSTITUTE
from pipeline.ingest.readers.supplied_file import CHUNK_BYTES, FileRefused, Readable
from pipeline.ingest.readers.transcoded import Transcoded

#: A longer line cannot be a row of a table.
MAXIMUM_LINE_BYTES = 16 << 20

#: Bytes without a character in cp1252, and what each is replaced by.
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
_SUBSTITUTES = bytes.maketrans(_UNDEFINED, SUBSTITUTE.encode() * len(_UNDEFINED))
_WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class TextBlocks:
    """Reads a file in blocks that end where a line ends.

    encoding: "utf-8" (with or without a byte order mark), "cp1252", or "utf-16", "utf-16-le", "utf-16-be", as
    declared. undefined_allowed: how many bytes without a character in cp1252 are tolerated; each becomes a
    substitute character, and its row goes to quarantine.
    """

    content: Readable
    encoding: str
    undefined_allowed: int = 0

    def __post_init__(self) -> None:
        self._undefined = 0
        self._is_transcoded = self.encoding.startswith("utf-16")
        if self._is_transcoded:
            self.content = Transcoded(self.content, self.encoding)
            self.encoding = "utf-8"

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
        if what := what_it_is(start):
            raise FileRefused("ING-02", what)
        if start.startswith(_WIDE_MARKS):
            raise FileRefused(
                "ING-02",
                f"is declared as {self.encoding} but begins with the mark of UTF-16 or UTF-32: for UTF-16, "
                'set encoding = "utf-16"',
            )
        if not self._is_transcoded and (wide := utf16_without_mark(start)):
            raise FileRefused(
                "ING-02", f'is declared as {self.encoding} but looks like UTF-16: set encoding = "{wide}"'
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
            if self.encoding == "cp1252" and self.undefined_allowed:
                return self._with_substitutes(block, line)
            line += block.count(b"\n", 0, error.start)
            raise FileRefused(
                "ING-02", f"is declared as {self.encoding}, but line {line:,} is not {self.encoding}"
            ) from None

    def _with_substitutes(self, block: bytes, line: int) -> str:
        """Return a block of cp1252 with a substitute for each byte that has no character in it."""
        self._undefined += len(block) - len(block.translate(None, _UNDEFINED))
        if self._undefined > self.undefined_allowed:
            raise FileRefused(
                "ING-02",
                f"is declared as cp1252, but more than {self.undefined_allowed:,} bytes are not cp1252; line "
                f"{line:,} or a later one has the last of them",
            )
        return block.translate(_SUBSTITUTES).decode("cp1252")


def _end_of_last_line(data: bytes) -> int:
    """Return the position after the last whole line; a final CR may be the first half of a CR LF."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
