"""From a CSV or Parquet file into the engine: its rows as text, opened as distrustfully as any extract."""

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
from pipeline.project import ExtractSettings

#: How many line numbers an error shows.
SHOWN_LINES = 5


@dataclass(frozen=True)
class LoadedFile:
    """What was read. rows: whole rows; broken: those that are none, as read; sha256: the file's."""

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
    """Create `table`: line_number, record_id, uprn, postcode, address (all text but the first).

    Cells lose the blanks around them; what is then empty is NULL. The lines of an address are joined
    by commas. option, needs_uprn: see `find_columns`. Raises Fault where the file cannot be read.
    """
    where = settings.path.name
    broken: list[BrokenRow] = []
    connection.execute(
        f'CREATE TABLE "{table}" '
        "(line_number BIGINT, record_id VARCHAR, uprn VARCHAR, postcode VARCHAR, address VARCHAR)"
    )
    try:
        check_path(settings.path, settings.path.parent)
        with open_table(settings) as (file, reader):
            columns = find_columns(reader.header, named, where, option, needs_uprn)
            for rows in reader.rows(columns.places):
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
            f"{where} {refusal.what}.",
            "Name a CSV (UTF-8 or cp1252, also .gz) or Parquet file; declare encoding and delimiter.",
        ) from None
    count = int(connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchall()[0][0])
    if count == 0:
        raise Fault("ASSIGN_FILE_EMPTY", f"{where} has no row of data.", "Export it again, with its rows.")
    return LoadedFile(settings, reader.header, columns, count, tuple(broken), sha256)


def shown_lines(lines: Sequence[int]) -> str:
    """Return the first line numbers of a list, as an error tells them."""
    shown = ", ".join(f"{line:,}" for line in sorted(lines)[:SHOWN_LINES])
    return f"lines {shown}{' and others' if len(lines) > SHOWN_LINES else ''}"


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
    """A column's cells on one line each, trimmed; NULL where nothing is left."""
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(column), r"\s+", " ")
    return pc.if_else(pc.equal(text, ""), None, text)
