"""Writes the extracts as suppliers would: one file for each table, appended block by block."""

import gzip
import hashlib
import io
import json
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from sample_data.population.draws import Texts
from sample_data.settings import Dialect


class ExtractWriter:
    """Writes one extract, block by block, in its supplier's dialect.

    The bytes depend only on the rows: gzip files have no time stamp, and Parquet files no creator except
    pyarrow. Use as a context manager.
    """

    def __init__(self, folder: Path, dialect: Dialect, file_format: str) -> None:
        self.dialect = dialect
        self.path = folder / f"{dialect.name}.{file_format}"
        self._format = file_format
        self._renamed = dict(dialect.columns)
        self._file: BinaryIO | None = None
        self._parquet: Any = None
        self.rows = 0

    def __enter__(self) -> "ExtractWriter":
        if self._format != "parquet":
            raw = self.path.open("wb")
            self._file = (
                gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0, filename="")  # type: ignore[assignment]
                if self._format == "csv.gz"
                else raw
            )
            self._raw = raw
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._parquet is not None:
            self._parquet.close()
        if self._file is not None:
            self._file.close()
            self._raw.close()

    def write(self, columns: dict[str, Texts]) -> None:
        """Append one block of rows; the first call writes the header."""
        table = pa.table(
            {self._renamed.get(name, name): pa.array(values) for name, values in columns.items()}
        )
        first = self.rows == 0
        self.rows += table.num_rows
        if self._format == "parquet":
            if self._parquet is None:
                self._parquet = pq.ParquetWriter(self.path, table.schema, compression="zstd")
            self._parquet.write_table(table)
            return
        sink = io.BytesIO()
        pa_csv.write_csv(
            table,
            sink,
            pa_csv.WriteOptions(
                include_header=first, delimiter=self.dialect.delimiter, quoting_style="needed"
            ),
        )
        content = sink.getvalue()
        if self.dialect.encoding != "utf-8":
            content = content.decode("utf-8").encode(self.dialect.encoding)
        assert self._file is not None  # noqa: S101 - opened by __enter__
        if first and self.dialect.byte_order_mark:
            self._file.write(b"\xef\xbb\xbf")
        self._file.write(content)


def write_manifest(path: Path, rows: int, supplied: date) -> None:
    """Write `<file>.manifest.json`, the supplier's description of a file."""
    content = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": rows,
        "sequence": 1,
        "supplied": supplied.isoformat(),
    }
    path.with_name(path.name + ".manifest.json").write_text(
        json.dumps(content, indent=1) + "\n", encoding="utf-8"
    )


class TruthWriter:
    """Writes one truth table as Parquet, block by block."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.parquet"
        self._writer: Any = None

    def __enter__(self) -> "TruthWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, columns: dict[str, Any]) -> None:
        """Append one block of rows; not-a-number becomes null."""
        table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        self._writer.write_table(table)
