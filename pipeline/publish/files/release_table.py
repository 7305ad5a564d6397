"""The Parquet file of one published table.

Built value by value into a fresh table, sorted by area, category and measure, one row
group: its footer, statistics and dictionaries contain nothing that was dropped.
Every column carries its title and description, so the file explains itself.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.disclosure.profile import SPECIFICATION_VERSION
from pipeline.engine.cell_id import define_cell_ids
from pipeline.publish.files.uncertainty import UNCERTAINTY_COLUMNS, PrintedFigures
from schemas.contract import load_contract

#: The year of each area level's boundaries.
AREA_VINTAGE = {"LSOA21": "2021", "MSOA21": "2021", "LAD": "2024"}
#: The metadata that a file's schema may contain.
TABLE_METADATA = ("title", "description", "release_id")
COLUMN_METADATA = ("title", "description")
_ARROW_TYPES = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}
_BEFORE = (
    "release_id",
    "epoch",
    "reference_date",
    "table_id",
    "specification_version",
    "unit",
    "area_level",
    "area_code",
    "area_vintage",
)
_AFTER = ("measure", "value", "shorthand", "rounding_base", "method", *UNCERTAINTY_COLUMNS)


@dataclass(frozen=True)
class ReleaseIdentity:
    """The columns that describe the release in each of its rows."""

    release_id: str
    epoch: str
    reference_date: date
    method: str


def columns_of(dimensions: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a published table, in order; it has no other column."""
    return (*_BEFORE, *dimensions, *_AFTER)


def write_release_table(
    connection: duckdb.DuckDBPyConnection,
    table_id: str,
    dimensions: Sequence[str],
    identity: ReleaseIdentity,
    described: Mapping[str, str],
    printed: PrintedFigures,
    path: Path,
) -> int:
    """Write one table of `protected_cell` to `path`; returns its rows.

    described: title and description of the table, for the file's own metadata. Also reads
    `published_measure`.
    """
    categories = "".join(
        f"CASE '{name}' WHEN own.dimension_1 THEN own.category_1 "
        f'WHEN own.dimension_2 THEN own.category_2 END AS "{name}", '
        for name in dimensions
    )
    order = ", ".join(["area_level", "area_code", *(f'"{name}"' for name in dimensions), "measure"])
    vintage = " ".join(f"WHEN '{level}' THEN '{year}'" for level, year in AREA_VINTAGE.items())
    define_cell_ids(connection)
    rows: pa.Table = connection.sql(
        f"""
        WITH own AS (
            SELECT
                *,
                group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id
            FROM protected_cell
            WHERE table_id = $table_id
        ),
        rate AS (
            SELECT measure, unit, numerator_measure, denominator_measure
            FROM published_measure
            WHERE kind = 'percent'
        )
        SELECT
            own.unit,
            own.area_level,
            own.area_code,
            CASE own.area_level {vintage} END AS area_vintage,
            {categories}
            own.measure,
            own.value,
            own.shorthand,
            own.rounding_base,
            own.method,
            CASE WHEN own.value IS NOT NULL THEN rate.numerator_measure END AS numerator_measure,
            numerator.value AS numerator,
            denominator.value AS denominator
        FROM own
        LEFT JOIN rate
            ON rate.measure = own.measure AND rate.unit = own.unit
        LEFT JOIN own AS numerator
            ON numerator.measure = rate.numerator_measure AND numerator.group_id = own.group_id
        LEFT JOIN own AS denominator
            ON denominator.measure = rate.denominator_measure AND denominator.group_id = own.group_id
        ORDER BY {order}
        """,
        params={"table_id": table_id},
    ).to_arrow_table()
    schema = _schema(dimensions, {**described, "release_id": identity.release_id})
    constant = {
        "release_id": identity.release_id,
        "epoch": identity.epoch,
        "reference_date": identity.reference_date,
        "table_id": table_id,
        "specification_version": SPECIFICATION_VERSION,
    }
    counts = [rows.column(name).to_pylist() for name in ("numerator_measure", "numerator", "denominator")]
    uncertain = [printed.columns_of(*row) for row in zip(*counts, strict=True)]
    fresh = {
        field.name: (
            [constant[field.name]] * rows.num_rows
            if field.name in constant
            else [row[field.name] for row in uncertain]
            if field.name in UNCERTAINTY_COLUMNS
            else rows.column(field.name).to_pylist()
        )
        for field in schema
    }
    write_plain_parquet(pa.table(fresh, schema=schema), path)
    return int(rows.num_rows)


def write_plain_parquet(table: pa.Table, path: Path) -> None:
    """Write a published Parquet file: the same rows give the same bytes every time."""
    path.write_bytes(parquet_bytes(table))


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file: one row group, zstd."""
    target = io.BytesIO()
    pq.write_table(table, target, compression="zstd", row_group_size=max(1, table.num_rows), version="2.6")
    return target.getvalue()


def _schema(dimensions: Sequence[str], metadata: Mapping[str, str]) -> pa.Schema:
    contract = load_contract("published", "release_table")
    fields = []
    for name in columns_of(dimensions):
        column = contract.column(name)
        fields.append(
            pa.field(
                name,
                _ARROW_TYPES[column.logical_type],
                metadata={"title": column.title, "description": column.description},
            )
        )
    return pa.schema(fields, metadata={key: metadata[key] for key in TABLE_METADATA})
