"""A release as its recipient reads it: its own files only."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from governance.errors import Fault
from pipeline.disclosure.audit.published_system import PublicRules
from pipeline.engine.cell_id import define_cell_ids
from pipeline.publish.files.release_table import columns_of
from pipeline.publish.files.uncertainty import UNCERTAINTY_COLUMNS

#: Types of the uncertainty columns that are not numbers with decimals.
_KINDS = {"coverage": pa.int64(), "effective_n": pa.int64(), "reliability": pa.string()}
_DIMENSIONLESS = frozenset(columns_of(()))


@dataclass(frozen=True)
class ReleaseFiles:
    """The content of one release.

    cell: the rows of all tables, in one form: one row per table, measure, area and categories, dimensions in
    alphabetical order, uncertainty columns last. measure: one row per measure and unit, with its kind and
    parts. area: one row per LSOA, with its public attributes. criteria: the method's settings, from
    `disclosure_criteria.json`.
    """

    folder: Path
    release_id: str
    epoch: str
    reference_date: str
    criteria: dict[str, Any]
    cell: pa.Table = field(repr=False)
    measure: pa.Table = field(repr=False)
    area: pa.Table = field(repr=False)

    @property
    def rules(self) -> PublicRules:
        """The public settings of the method."""
        return PublicRules.read(self.criteria)


def read_release(folder: Path) -> ReleaseFiles:
    """Read a release folder. Raises Fault if it is not a release or lacks a file that an attack needs."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        criteria = json.loads((folder / "disclosure_criteria.json").read_bytes())
        measure = pq.read_table(folder / "measure.parquet")
        area = pq.read_table(folder / "area.parquet")
        pq.read_table(folder / "catalogue.parquet")
        others = {f"{name}.parquet" for name in ("measure", "area", "basis", "catalogue", "data_dictionary")}
        tables = [pq.read_table(p) for p in sorted(folder.glob("*.parquet")) if p.name not in others]
    except (OSError, ValueError) as error:
        raise Fault(
            "NOT_A_RELEASE",
            f"{folder.name} cannot be read as a release ({type(error).__name__}).",
            "Name the folder of a release: it contains manifest.json and catalogue.parquet.",
        ) from None
    rows = [_in_one_form(table) for table in tables]
    if not rows:
        raise Fault("NOT_A_RELEASE", f"{folder.name} contains no table.", "Name the folder of a release.")
    return ReleaseFiles(
        folder=folder,
        release_id=str(manifest["release_id"]),
        epoch=str(manifest["epoch"]),
        reference_date=str(manifest["reference_date"]),
        criteria=criteria,
        cell=pa.concat_tables(rows),
        measure=measure,
        area=area,
    )


def load_cells(connection: duckdb.DuckDBPyConnection, release: ReleaseFiles, table: str) -> None:
    """Create `table`: the rows of a release's `cell`, each with its group id and the kind of its measure."""
    define_cell_ids(connection)
    connection.register("_cell", release.cell)
    connection.register("_measure", release.measure)
    try:
        connection.execute(
            f"""
            CREATE OR REPLACE TABLE {table} AS
            SELECT
                _cell.*,
                group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id,
                kind,
                numerator_measure,
                denominator_measure
            FROM _cell
            LEFT JOIN _measure USING (measure, unit)
            """
        )
    finally:
        connection.unregister("_cell")
        connection.unregister("_measure")


def create_parts(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `printed_part` from `released`: one row per printed value that is not a count.

    Columns: kind, value, numerator (of a mean, the sum) and denominator. These two are null if they are not
    printed.
    """
    connection.execute(
        """
        CREATE OR REPLACE TABLE printed_part AS
        SELECT
            whole.kind,
            whole.value,
            numerator.value AS numerator,
            denominator.value AS denominator
        FROM released AS whole
        LEFT JOIN released AS numerator
            ON numerator.table_id = whole.table_id
           AND numerator.measure = whole.numerator_measure
           AND numerator.group_id = whole.group_id
        LEFT JOIN released AS denominator
            ON denominator.table_id = whole.table_id
           AND denominator.measure = whole.denominator_measure
           AND denominator.group_id = whole.group_id
        WHERE whole.value IS NOT NULL
          AND whole.kind <> 'count'
        """
    )


def load_system_tables(connection: duckdb.DuckDBPyConnection, cells: str) -> None:
    """Create `shown` (printed counts) and `denominator_of`, from which the attacker's system is built."""
    connection.execute(
        f"CREATE OR REPLACE TABLE shown AS SELECT * FROM {cells} WHERE kind = 'count' OR kind IS NULL"
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE denominator_of AS
        SELECT DISTINCT measure, unit, denominator_measure
        FROM {cells}
        WHERE kind = 'count' AND denominator_measure IS NOT NULL
        """
    )


def _in_one_form(table: pa.Table) -> pa.Table:
    dimensions = sorted(name for name in table.column_names if name not in _DIMENSIONLESS)
    if len(dimensions) > 2:
        raise Fault(
            "TABLE_NOT_UNDERSTOOD",
            f"A table has {len(dimensions)} columns beyond the published ones; at most two are dimensions.",
            "A release has only registered tables; this one has a table that is not registered.",
        )
    rows = table.num_rows
    columns = {
        name: table.column(name)
        for name in ("table_id", "unit", "area_level", "area_code", "measure", "value", "shorthand")
    }
    for number in (1, 2):
        named = dimensions[number - 1] if len(dimensions) >= number else None
        columns[f"dimension_{number}"] = pa.array([named] * rows, pa.string())
        columns[f"category_{number}"] = (
            table.column(named).cast(pa.string()) if named else pa.nulls(rows, pa.string())
        )
    columns["value"] = columns["value"].cast(pa.float64())
    for name in UNCERTAINTY_COLUMNS:
        kind = _KINDS.get(name, pa.float64())
        present = name in table.column_names
        columns[name] = table.column(name).cast(kind) if present else pa.nulls(rows, kind)
    return pa.table(columns)
