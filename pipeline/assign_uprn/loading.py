"""Loads a CSV or Parquet file into DuckDB as text, with the same checks as for an extract (rule ING-02)."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from governance.errors import Fault
from pipeline.assign_uprn.columns import AddressColumns, NamedColumns, find_columns
from pipeline.ingest.inspection import open_table
from pipeline.ingest.readers.rows import BrokenRow, Rows
from pipeline.ingest.readers.supplied_file import FileRefused, check_path
from pipeline.printable import shown_file
from pipeline.project import ExtractSettings

#: Number of line numbers that an error shows.
SHOWN_LINES = 5


@dataclass(frozen=True)
class LoadedFile:
    """A loaded file. rows: number of parsed rows. broken: the rows that could not be parsed."""

    settings: ExtractSettings
    header: tuple[str, ...]
    columns: AddressColumns
    rows: int
    broken: tuple[BrokenRow, ...]
    sha256: str


def load_addresses(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    settings: ExtractSettings,
    named: NamedColumns,
    option: str,
    needs_uprn: bool = False,
) -> LoadedFile:
    """Create `table`: line_number (whole number), and record_id, uprn, postcode, address (text).

    Surrounding blanks are removed from cells, and empty cells are NULL. The lines of an address are joined
    with commas. option, needs_uprn: see `find_columns`. Raises Fault if the file cannot be read.
    """
    where = shown_file(settings.path)
    broken: list[BrokenRow] = []
    connection.execute(
        f'CREATE TABLE "{table}" '
        "(line_number BIGINT, record_id VARCHAR, uprn VARCHAR, postcode VARCHAR, address VARCHAR)"
    )
    try:
        check_path(settings.path, settings.path.parent)
        with open_table(settings) as (file, reader):
            columns = find_columns(reader.header, named, where, option, needs_uprn)
            for rows in reader.rows(columns.positions):
                broken += rows.broken
                connection.register("supplied", _texts(rows, columns))
                connection.execute(
                    f"""
                    INSERT INTO "{table}"
                    SELECT
                        line_number,
                        record_id,
                        uprn,
                        postcode,
                        nullif(concat_ws(', ', {", ".join(_line_names(columns))}), '')
                    FROM supplied
                    """
                )
                connection.unregister("supplied")
            sha256 = file.finish()
    except FileRefused as refusal:
        raise Fault(
            "ASSIGN_FILE_UNREADABLE",
            f"{where} {refusal.what}. No UPRNs were assigned.",
            "Give a CSV file (also .gz) or a Parquet file. For CSV, give the encoding (utf-8 or cp1252) with "
            f"{option}encoding and the delimiter with {option}delimiter.",
        ) from None
    count = int(connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchall()[0][0])
    if count == 0:
        raise Fault(
            "ASSIGN_FILE_EMPTY",
            f"{where} has no rows of data, so no UPRNs were assigned.",
            "Export the file again with its rows, then repeat `hearth assign-uprn`.",
        )
    return LoadedFile(settings, reader.header, columns, count, tuple(broken), sha256)


def shown_lines(lines: Sequence[int]) -> str:
    """Return line numbers for an error: at most SHOWN_LINES of them, the lowest first."""
    shown = ", ".join(f"{line:,}" for line in sorted(lines)[:SHOWN_LINES])
    more = " and others" if len(lines) > SHOWN_LINES else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}"


def _texts(rows: Rows, columns: AddressColumns) -> pa.Table:
    cells = iter(_cell(column) for column in rows.columns)
    nothing = pa.nulls(len(rows.lines), pa.string())
    return pa.table(
        {
            "line_number": pa.array(rows.lines),
            "record_id": nothing if columns.record_id is None else next(cells),
            "uprn": nothing if columns.uprn is None else next(cells),
            "postcode": next(cells),
            **dict(zip(_line_names(columns), cells, strict=True)),
        }
    )


def _line_names(columns: AddressColumns) -> list[str]:
    return [f"line_{n}" for n in range(len(columns.address))]


def _cell(column: pa.Array) -> pa.Array:
    """Return a column's cells trimmed and without line breaks; NULL where nothing is left."""
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(column), r"\s+", " ")
    return pc.if_else(pc.equal(text, ""), None, text)
