"""Small releases made by hand, in the form of real ones."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.canonical import canonical_json
from pipeline.publish.files.manifest import write_manifest
from schemas.measure import measures
from schemas.table import tables

AREA = "E08000009"
LSOAS = (("E01000001", "E02000001", 1), ("E01000002", "E02000001", 3), ("E01000003", "E02000002", 10))
CRITERIA = {"minimum_cell_count": 10, "noise_bound": 3, "rounding_base": 5, "name": "cell-key"}
Cell = dict[str, Any]
MakeRelease = Callable[..., Path]


def cell(measure: str, value: float | None, level: str = "LAD", area: str = AREA, **columns: str) -> Cell:
    """Return one published value; None is hidden."""
    return {"area_level": level, "area_code": area, "measure": measure, "value": value, **columns}


def rate_cells(measure: str, count: float | None, population: float, **columns: str) -> list[Cell]:
    """Return a count and its denominator."""
    return [cell(measure, count, **columns), cell(denominator_of(measure), population, **columns)]


def denominator_of(measure: str) -> str:
    return f"{measure}_population"


@pytest.fixture
def make_release(tmp_path: Path) -> MakeRelease:
    """Return a function (table id -> its cells, ...) -> folder of a whole release."""
    numbers = itertools.count(1)

    def make(
        listed: dict[str, list[Cell]],
        reference_date: str = "2026-03-31",
        epoch: str = "2026-Q1",
        lsoas: tuple[tuple[str, str, int], ...] = LSOAS,
        basis: list[dict[str, str]] | None = None,
        criteria: dict[str, Any] | None = None,
    ) -> Path:
        folder = tmp_path / "releases" / f"{reference_date}-{next(numbers)}"
        folder.mkdir(parents=True)
        counted = sorted({c["measure"] for cells in listed.values() for c in cells} & set(measures()))
        described = [
            {
                "measure": name,
                "title": measures()[name].title,
                "unit": measures()[name].unit,
                "kind": "count",
                "denominator_measure": None if measures()[name].count is None else denominator_of(name),
            }
            for name in counted
        ]
        pq.write_table(pa.Table.from_pylist(described), folder / "measure.parquet")
        for table_id, cells in listed.items():
            _write(folder, table_id, cells)
        catalogue = [
            {"table_id": t, "dimensions": ", ".join(tables()[t].dimensions), "file": f"{t}.parquet"}
            for t in listed
        ]
        pq.write_table(pa.Table.from_pylist(catalogue), folder / "catalogue.parquet")
        names = ("lsoa21", "msoa21", "imd_decile")
        areas = [dict(zip(names, row, strict=True)) | {"local_authority": AREA} for row in lsoas]
        pq.write_table(pa.Table.from_pylist(areas), folder / "area.parquet")
        (folder / "disclosure_criteria.json").write_bytes(canonical_json(CRITERIA | (criteria or {})))
        if basis is not None:
            pq.write_table(pa.Table.from_pylist(basis), folder / "basis.parquet")
        write_manifest(folder, folder.name, epoch, reference_date, "cell-key 1.0")
        return folder

    return make


def _write(folder: Path, table_id: str, cells: list[Cell]) -> None:
    dimensions = tables()[table_id].dimensions
    rows = [
        {"table_id": table_id, "unit": tables()[table_id].unit, **dict.fromkeys(dimensions), **c}
        | {"shorthand": "[c]" if c["value"] is None else None}
        for c in cells
    ]
    typed = pa.Table.from_pylist(rows)
    for name, kind in (("value", pa.float64()), ("shorthand", pa.string())):
        at = typed.schema.get_field_index(name)
        typed = typed.set_column(at, name, typed.column(name).cast(kind))
    pq.write_table(typed, folder / f"{table_id}.parquet")
