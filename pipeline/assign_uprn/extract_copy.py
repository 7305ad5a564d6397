"""Writes a copy of the extract with the assigned UPRNs. Every other byte stays as it was.

Rows that cannot be parsed are copied too, so that ingest counts them as it would have counted them before. In
Parquet the UPRN column becomes text, and every other column keeps its type.
"""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from governance.errors import Fault
from pipeline.engine.tables import BATCH_ROWS
from pipeline.ingest.readers.supplied_file import FileRefused, is_parquet, open_supplied
from pipeline.ingest.readers.text_block import TextBlocks
from pipeline.printable import shown_file
from pipeline.project import ExtractSettings

_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_NEW_COLUMN = "uprn"
_CRLF = "\r\n"


@dataclass(frozen=True)
class UprnChange:
    """The changes to make in the copy.

    position: of the UPRN column in the header, None to add a column. assigned: line of a row -> its new UPRN.
    supplied: line of a row -> its UPRN as supplied, for all rows, if the whole column is written again (an
    added column, or Parquet); otherwise empty. name: of an added column.
    """

    position: int | None
    assigned: Mapping[int, str]
    supplied: Mapping[int, str | None]
    name: str = _NEW_COLUMN


def write_copy(settings: ExtractSettings, change: UprnChange, target: Path) -> str:
    """Write the changed extract to `target`, in the extract's format; returns the SHA-256 of the original."""
    try:
        if is_parquet(settings.path):
            return _write_parquet(settings, change, target)
        return _write_delimited(settings, change, target)
    except FileRefused as refusal:
        raise Fault(
            "ASSIGN_FILE_UNREADABLE",
            f"{shown_file(settings.path)} {refusal.what}. It was readable before, so it may have changed. No "
            "UPRNs were assigned.",
            "Wait until the supplier has finished writing the file, then repeat `hearth assign-uprn`.",
        ) from None


def _write_parquet(settings: ExtractSettings, change: UprnChange, target: Path) -> str:
    with open_supplied(settings.path) as (file, _), file.again() as source:
        parquet = pq.ParquetFile(source)
        schema = parquet.schema_arrow
        if change.position is None:
            schema = schema.append(pa.field(change.name, pa.string()))
        else:
            schema = schema.set(change.position, pa.field(schema.names[change.position], pa.string()))
        line = 1
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in parquet.iter_batches(BATCH_ROWS):
                lines = range(line, line + batch.num_rows)
                line += batch.num_rows
                uprns = [change.assigned.get(n) or change.supplied.get(n) for n in lines]
                columns = list(batch.columns)
                if change.position is None:
                    columns.append(pa.array(uprns, pa.string()))
                else:
                    columns[change.position] = pa.array(uprns, pa.string())
                writer.write_batch(pa.record_batch(columns, schema=schema))
        return file.finish()


def _write_delimited(settings: ExtractSettings, change: UprnChange, target: Path) -> str:
    with (
        open_supplied(settings.path) as (file, content),
        _open_target(target) as out,
    ):
        mark = _begins_with_mark(settings.path)
        if mark:
            out.write(_BYTE_ORDER_MARK.encode())
        lines = enumerate(_lines(TextBlocks(content, settings.encoding)), start=1)
        copy = _Copy(lines, settings.delimiter, change, settings.header)
        for text in copy.texts():
            out.write(text.encode(settings.encoding))
        return file.finish()


@dataclass
class _Copy:
    """Copies a delimited file row by row.

    lines: number and text of each line, including its line end. has_header: whether the first row has the
    names of the columns.
    """

    lines: Iterator[tuple[int, str]]
    delimiter: str
    change: UprnChange
    has_header: bool = True

    def texts(self) -> Iterator[str]:
        """Yield the text of the copy."""
        is_header = self.has_header
        for number, line in self.lines:
            if is_header and line.strip("\r\n"):
                is_header = False
                yield self._header(line)
            elif number in self.change.assigned:
                yield self._assigned(number, line)
            elif self.change.position is None and number in self.change.supplied:
                yield self._appended("".join(self._row(line)[1]), "")
            else:
                yield line

    def _header(self, line: str) -> str:
        if self.change.position is not None:
            return line
        return self._appended("".join(self._row(line)[1]), self.change.name)

    def _assigned(self, number: int, line: str) -> str:
        cells, texts = self._row(line)
        uprn = self.change.assigned[number]
        if self.change.position is None:
            return self._appended("".join(texts), uprn)
        cells[self.change.position] = uprn
        row = io.StringIO()
        # The writer quotes a cell if it contains a character of the writer's line end, so use both CR and LF.
        csv.writer(row, delimiter=self.delimiter, lineterminator=_CRLF).writerow(cells)
        return row.getvalue().removesuffix(_CRLF) + _line_end(texts[-1])

    def _appended(self, text: str, cell: str) -> str:
        end = _line_end(text)
        return f"{text[: len(text) - len(end)]}{self.delimiter}{cell}{end}"

    def _row(self, first: str) -> tuple[list[str], list[str]]:
        """Return the cells and the lines of the row that starts with line `first`; the row must be valid."""
        taken = [first]

        def feed() -> Iterator[str]:
            yield first
            for _, line in self.lines:
                taken.append(line)
                yield line

        return next(csv.reader(feed(), delimiter=self.delimiter, strict=True)), taken


def _lines(blocks: TextBlocks) -> Iterator[str]:
    for block in blocks:
        yield from io.StringIO(block.decode(), newline="")


def _line_end(text: str) -> str:
    return text[len(text.rstrip("\r\n")) :]


def _begins_with_mark(path: Path) -> bool:
    with open_supplied(path) as (_, content):
        return content.read(3) == _BYTE_ORDER_MARK.encode()


@contextmanager
def _open_target(target: Path) -> Iterator[BinaryIO]:
    with target.open("wb") as raw:
        if target.suffix.lower() != ".gz":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
            yield packed  # type: ignore[misc] # a GzipFile can be written to like any binary file
