"""From a reader into the engine: one row of `record` for each row of the file, as text."""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from governance.errors import Finding, Refused
from pipeline.ingest.header import LINE_NUMBER
from pipeline.ingest.inspection import InspectedExtract, open_table
from pipeline.ingest.rows import Rows
from pipeline.ingest.supplied_file import FileRefused

_CELLS = pa.list_(pa.string())


def load_records(
    connection: duckdb.DuckDBPyConnection, extract: InspectedExtract, columns: Sequence[str]
) -> int:
    """Create `record`: line_number, and the wanted cells; or `fault` and `cells` of a broken row.

    Cells lose the blanks around them; what is then empty is NULL.

    columns: contract columns that the file supplies. Returns the rows.
    Raises Refused when the file is no longer the one that was inspected.
    """
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
            places = [extract.columns.places[name] for name in columns]
            batches = _Batches(reader.rows(places), schema)
            connection.register("supplied", pa.RecordBatchReader.from_batches(schema, batches))
            try:
                connection.execute(
                    f"CREATE TABLE record AS SELECT line_number, fault, cells, {cells} FROM supplied"
                )
            except duckdb.Error:
                if batches.failure is not None:
                    raise batches.failure from None
                raise
            finally:
                connection.unregister("supplied")
            has_changed = file.finish() != extract.sha256
    except FileRefused:
        has_changed = True
    if has_changed:
        raise Refused(
            "ING-02",
            f"{extract.contract.table}: the file changed while it was read.",
            "Wait until the supplier has finished writing, then run again.",
            (Finding("ING-02", extract.contract.table, "changed between inspection and reading"),),
        )
    return int(connection.execute("SELECT COUNT(*) FROM record").fetchall()[0][0])


class _Batches:
    """Rows as Arrow batches. failure: what stopped the reader; an engine would hide it in its own error."""

    def __init__(self, rows: Iterator[Rows], schema: pa.Schema) -> None:
        self._rows = rows
        self._schema = schema
        self.failure: BaseException | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for rows in self._rows:
                if len(rows.lines):
                    yield self._whole(rows)
                if rows.broken:
                    yield self._broken(rows)
        except BaseException as failure:
            self.failure = failure
            raise

    def _whole(self, rows: Rows) -> pa.RecordBatch:
        count = len(rows.lines)
        cells = [pc.utf8_trim_whitespace(column) for column in rows.columns]
        return pa.RecordBatch.from_arrays(
            [pa.array(rows.lines), pa.nulls(count, pa.string()), pa.nulls(count, _CELLS), *cells],
            schema=self._schema,
        )

    def _broken(self, rows: Rows) -> pa.RecordBatch:
        empty = pa.nulls(len(rows.broken), pa.string())
        return pa.RecordBatch.from_arrays(
            [
                pa.array([row.line for row in rows.broken], pa.int64()),
                pa.array([row.reason for row in rows.broken], pa.string()),
                pa.array([list(row.cells) for row in rows.broken], _CELLS),
                *([empty] * len(rows.columns)),
            ],
            schema=self._schema,
        )
