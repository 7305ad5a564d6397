"""Loads a file into DuckDB as text: one row of the table `record` for each row of the file.

Nothing is judged here; `cast.py` and `table.py` do that from `record`.
"""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from governance.errors import Finding, Refused
from pipeline.engine.tables import registered_batches
from pipeline.ingest.converting.cell_text import CellText
from pipeline.ingest.header import LINE_NUMBER
from pipeline.ingest.inspection import InspectedExtract, open_table
from pipeline.ingest.readers.rows import Rows
from pipeline.ingest.readers.supplied_file import FileRefused, is_parquet

_CELLS = pa.list_(pa.string())


def load_records(
    connection: duckdb.DuckDBPyConnection,
    extract: InspectedExtract,
    columns: Sequence[str],
    text: CellText | None = None,
) -> int:
    """Create the table `record` from a file; returns its number of rows.

    record: line_number, `fault` and `cells` (for a row that could not be parsed: its reason code and its
    cells as read; otherwise NULL), and one text column for each of `columns`, without surrounding blanks and
    NULL if empty. columns: contract columns that the file supplies. text: cleans the cells
    and counts what it did.
    Raises Refused if the file is not the one that was inspected, or cannot be read to its end.
    """
    text = text or CellText(extract.settings.missing_markers)
    is_text = [
        column.logical_type == "string" and column.form is None
        for column in map(extract.contract.column, columns)
    ]
    fields = [
        pa.field(LINE_NUMBER, pa.int64()),
        pa.field("fault", pa.string()),
        pa.field("cells", _CELLS),
        *(pa.field(f"cell {name}", pa.string()) for name in columns),
    ]
    schema = pa.schema(fields)
    cells = ", ".join(f"""nullif("cell {name}", '') AS "{name}\"""" for name in columns)
    try:
        with open_table(extract.settings) as (file, reader):
            positions = [extract.columns.positions[name] for name in columns]
            batches = _batches(reader.rows(positions), schema, text, list(zip(columns, is_text, strict=True)))
            with registered_batches(connection, "supplied", schema, batches):
                connection.execute(
                    f"CREATE TABLE record AS SELECT line_number, fault, cells, {cells} FROM supplied"
                )
            has_changed = file.finish() != extract.sha256
    except FileRefused as refusal:
        if not is_parquet(extract.settings.path):
            # inspection read the same bytes to their end
            raise _changed(extract) from None
        raise Refused(
            "ING-02",
            f"{extract.contract.table}: the file {refusal.what}, so it was not loaded.",
            "Ask the supplier for the file again, then repeat the command.",
            (Finding("ING-02", extract.contract.table, refusal.what),),
        ) from None
    if has_changed:
        raise _changed(extract)
    return int(connection.execute("SELECT COUNT(*) FROM record").fetchall()[0][0])


def _changed(extract: InspectedExtract) -> Refused:
    return Refused(
        "ING-02",
        f"{extract.contract.table}: the file changed while it was read, so it was not loaded.",
        "Wait until the supplier has finished writing the file, then repeat the command.",
        (Finding("ING-02", extract.contract.table, "changed between inspection and loading"),),
    )


def _batches(
    read: Iterator[Rows], schema: pa.Schema, text: CellText, columns: list[tuple[str, bool]]
) -> Iterator[pa.RecordBatch]:
    for rows in read:
        if len(rows.lines):
            yield _parsed(rows, schema, text, columns)
        if rows.broken:
            yield _broken(rows, schema)


def _parsed(rows: Rows, schema: pa.Schema, text: CellText, columns: list[tuple[str, bool]]) -> pa.RecordBatch:
    count = len(rows.lines)
    cells = [
        text.cleaned(name, column, is_text=is_text)
        for (name, is_text), column in zip(columns, rows.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(
        [pa.array(rows.lines), pa.nulls(count, pa.string()), pa.nulls(count, _CELLS), *cells], schema=schema
    )


def _broken(rows: Rows, schema: pa.Schema) -> pa.RecordBatch:
    empty = pa.nulls(len(rows.broken), pa.string())
    return pa.RecordBatch.from_arrays(
        [
            pa.array([row.line for row in rows.broken], pa.int64()),
            pa.array([row.reason for row in rows.broken], pa.string()),
            pa.array([list(row.cells) for row in rows.broken], _CELLS),
            *([empty] * len(rows.columns)),
        ],
        schema=schema,
    )
