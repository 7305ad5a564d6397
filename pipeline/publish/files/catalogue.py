"""The catalogue: one row per published table, so that an analyst can find the right one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pyarrow as pa

from pipeline.publish.files.release_table import write_plain_parquet

CATALOGUE = "catalogue.parquet"


@dataclass(frozen=True)
class CatalogueEntry:
    """One published table.

    dimensions, area_levels: names joined with ", ".
    cells_published, cells_hidden, cells_not_produced: rows with a value, with `[c]`, with `[x]`.
    file: path within the release. sha256: of that file.
    """

    release_id: str
    table_id: str
    title: str
    description: str
    unit: str
    dimensions: str
    area_levels: str
    rows: int
    cells_published: int
    cells_hidden: int
    cells_not_produced: int
    file: str
    sha256: str


def write_catalogue(entries: Sequence[CatalogueEntry], folder: Path) -> None:
    """Write `catalogue.parquet`, ordered by table."""
    types = {str: pa.string(), int: pa.int64()}
    schema = pa.schema([(f.name, types[f.type]) for f in fields(CatalogueEntry)])  # type: ignore[index]
    ordered = sorted(entries, key=lambda entry: entry.table_id)
    columns = {f.name: [getattr(entry, f.name) for entry in ordered] for f in fields(CatalogueEntry)}
    write_plain_parquet(pa.table(columns, schema=schema), folder / CATALOGUE)
