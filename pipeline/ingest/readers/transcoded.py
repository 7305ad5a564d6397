"""Reads a file in UTF-16 as UTF-8, so that the readers need only one encoding."""

import codecs

from pipeline.ingest.readers.file_kind import utf16_without_mark
from pipeline.ingest.readers.supplied_file import FileRefused, Readable

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Transcoded:
    """The content of a file in UTF-16, as UTF-8.

    encoding: "utf-16-le", "utf-16-be", or "utf-16", where the mark or else the bytes decide which it is.
    """

    def __init__(self, content: Readable, encoding: str) -> None:
        self._content = content
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._is_begun = False
        self._is_finished = False

    def read(self, size: int, /) -> bytes:
        """Return the next bytes as UTF-8, b"" at the end; raises FileRefused if they are not UTF-16."""
        while not self._is_finished:
            data = self._content.read(size)
            if self._encoding == "utf-16" and not self._is_begun and not data.startswith(_MARKS):
                order = utf16_without_mark(data) or "utf-16-le"
                self._decoder = codecs.getincrementaldecoder(order)()
            self._is_begun = True
            self._is_finished = not data
            try:
                text = self._decoder.decode(data, final=self._is_finished)
                encoded = text.encode()
            except UnicodeError:
                raise FileRefused(
                    "ING-02", f"is declared as {self._encoding}, but is not {self._encoding}"
                ) from None
            if encoded:
                return encoded
        return b""
