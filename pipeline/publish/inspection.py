"""The facts of PUB-02 to PUB-04, read again from the bytes of a finished release.

Nothing here comes from memory: only the folder is read, as by a person who receives it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.publish.files.catalogue import CATALOGUE
from pipeline.publish.files.dictionary import DICTIONARY_MARKDOWN, DICTIONARY_PARQUET
from pipeline.publish.files.manifest import MANIFEST
from pipeline.publish.files.note import NOTE
from pipeline.publish.files.release_table import COLUMN_METADATA, TABLE_METADATA, columns_of
from pipeline.publish.files.views import VIEWS
from pipeline.quality.writing import FILES as QUALITY_FILES
from schemas.contract import load_contract
from schemas.table import tables as registered_tables

#: Files of a release that are not its tables.
OTHER_FILES = (
    CATALOGUE,
    "measure.parquet",
    "area.parquet",
    "basis.parquet",
    DICTIONARY_PARQUET,
    DICTIONARY_MARKDOWN,
    NOTE,
    VIEWS,
    "disclosure_criteria.json",
    *QUALITY_FILES,
    MANIFEST,
)
#: What the Arrow writer itself puts into a footer.
_WRITER_KEYS = frozenset({"ARROW:schema", "PARQUET:field_id"})


def inspect_release(folder: Path, outputs: Sequence[str]) -> dict[str, Any]:
    """Return the facts of a release's files; outputs: the tables the agreement names."""
    catalogue = pq.read_table(folder / CATALOGUE)
    files = dict(
        zip(catalogue.column("file").to_pylist(), catalogue.column("table_id").to_pylist(), strict=True)
    )
    present = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    allowed = set(load_contract("published", "release_table").names)
    undeclared_columns, missing_columns, undeclared_keys = [], [], set()
    beyond = 0
    cells = published = hidden = not_produced = 0
    epochs: set[str] = set()
    for name in present:
        if not name.endswith(".parquet"):
            continue
        with pq.ParquetFile(folder / name) as file:
            undeclared_keys |= _undeclared_keys(file, is_table=name in files)
            table = file.read()
            beyond += _statistics_beyond(file, table)
        if name not in files:
            continue
        table_id = files[name]
        register = registered_tables().get(table_id)
        expected = columns_of(register.dimensions if register else ())
        undeclared_columns += [
            f"{table_id}.{c}" for c in table.column_names if c not in expected or c not in allowed
        ]
        missing_columns += [f"{table_id}.{c}" for c in expected if c not in table.column_names]
        cells += table.num_rows
        if {"value", "shorthand", "epoch"} <= set(table.column_names):
            published += table.num_rows - table.column("value").null_count
            hidden += pc.sum(pc.equal(table.column("shorthand"), "[c]")).as_py() or 0
            not_produced += pc.sum(pc.equal(table.column("shorthand"), "[x]")).as_py() or 0
            epochs |= set(pc.unique(table.column("epoch")).to_pylist())
    listed = sorted(files.values())
    return {
        "parquet_files": sum(name.endswith(".parquet") for name in present),
        "undeclared_metadata_keys": sorted(undeclared_keys),
        "undeclared_files": [n for n in present if n not in files and n not in OTHER_FILES],
        "statistics_beyond_data": beyond,
        "undeclared_columns": undeclared_columns,
        "missing_columns": missing_columns,
        "tables": listed,
        "unregistered_tables": [t for t in listed if t not in registered_tables()],
        "tables_outside_agreement": [t for t in listed if t not in outputs],
        "tables_without_catalogue_entry": [
            n for n in present if n.endswith(".parquet") and n not in files and n not in OTHER_FILES
        ],
        "disclosure_criteria": _criteria(folder),
        "epoch": ", ".join(sorted(epochs)),
        "cells": cells,
        "cells_published": published,
        "cells_hidden": hidden,
        "cells_not_produced": not_produced,
    }


def _criteria(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / "disclosure_criteria.json").read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _undeclared_keys(file: pq.ParquetFile, is_table: bool) -> set[str]:
    found = {key.decode() for key in (file.metadata.metadata or {})} - _WRITER_KEYS
    declared = set(TABLE_METADATA) if is_table else set()
    keys = found - declared
    for field in file.schema_arrow:
        keys |= {k.decode() for k in (field.metadata or {})} - set(COLUMN_METADATA) - _WRITER_KEYS
    return keys


def _statistics_beyond(file: pq.ParquetFile, table: pa.Table) -> int:
    """Count columns whose footer minimum or maximum is not that of the rows in the file."""
    beyond = 0
    for group in range(file.metadata.num_row_groups):
        for number in range(file.metadata.num_columns):
            column = file.metadata.row_group(group).column(number)
            statistics = column.statistics
            if statistics is None or not statistics.has_min_max:
                continue
            bounds = pc.min_max(table.column(column.path_in_schema)).as_py()
            beyond += statistics.min != bounds["min"] or statistics.max != bounds["max"]
    return beyond
