"""One release as an analyst's tables: every published value in one frame, with measures and areas."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from governance.errors import Fault
from pipeline.disclosure.noise.p_table import NOISE_VARIANCE
from pipeline.publish.files.manifest import verify_release

#: Columns that identify the cell of a value, in every frame of this package.
PLACE = (
    "table_id",
    "area_level",
    "area_code",
    "dimension_1",
    "category_1",
    "dimension_2",
    "category_2",
)


@dataclass(frozen=True)
class ReleaseFigures:
    """A release, read and verified.

    values: one row per published value: PLACE, unit, measure, value (NaN where hidden), shorthand.
    Dimensions and categories are "" where a table has none.
    measures: one row per measure (measure.parquet), indexed by its name. catalogue: one row per table.
    areas: one row per LSOA with the areas that contain it. criteria: the settings of disclosure control.
    """

    folder: Path
    release_id: str
    epoch: str
    reference_date: str
    values: pd.DataFrame
    measures: pd.DataFrame
    catalogue: pd.DataFrame
    areas: pd.DataFrame
    criteria: dict[str, object]

    @property
    def minimum_count(self) -> float:
        """Smallest numerator, denominator and complement for which a rate has a value."""
        return float(str(self.criteria.get("minimum_cell_count", 10)))

    @property
    def count_variance(self) -> float:
        """Variance that noise and rounding add to one published count."""
        noise = NOISE_VARIANCE if float(str(self.criteria.get("noise_bound", 0))) else 0.0
        base = float(str(self.criteria.get("rounding_base", 1)))
        return noise + (base**2 - 1) / 12


def read_release(folder: Path) -> ReleaseFigures:
    """Return the figures of a release.

    Raises Fault where the folder is not a release, Refused where a file differs from its manifest.
    """
    if not (folder / "manifest.json").is_file():
        raise Fault(
            "NO_RELEASE",
            f"{folder} is not a release: it has no manifest.json.",
            "Name a folder inside releases/; `hearth releases list` shows them.",
        )
    verify_release(folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    catalogue = pq.read_table(folder / "catalogue.parquet").to_pandas()
    return ReleaseFigures(
        folder=folder,
        release_id=str(manifest["release_id"]),
        epoch=str(manifest["epoch"]),
        reference_date=str(manifest["reference_date"]),
        values=_values(folder, catalogue),
        measures=pq.read_table(folder / "measure.parquet").to_pandas().set_index("measure"),
        catalogue=catalogue,
        areas=pq.read_table(folder / "area.parquet").to_pandas(),
        criteria=json.loads((folder / "disclosure_criteria.json").read_bytes()),
    )


def _values(folder: Path, catalogue: pd.DataFrame) -> pd.DataFrame:
    parts = [
        _table_values(pq.read_table(folder / str(entry["file"])), str(entry["dimensions"] or ""))
        for entry in catalogue.to_dict("records")
    ]
    frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    return frame.sort_values([*PLACE, "measure"], kind="stable", ignore_index=True)


def _table_values(table: pa.Table, dimensions: str) -> pa.Table:
    """Return a published table with its dimensions under their common names."""
    named = [*(name for name in dimensions.split(", ") if name), "", ""][:2]
    empty = pa.array([""] * table.num_rows, pa.string())
    columns = {name: table.column(name) for name in ("table_id", "unit", "area_level", "area_code")}
    for position, name in enumerate(named, start=1):
        columns[f"dimension_{position}"] = pa.array([name] * table.num_rows, pa.string())
        columns[f"category_{position}"] = table.column(name).fill_null("") if name else empty
    columns |= {name: table.column(name) for name in ("measure", "value", "shorthand")}
    return pa.table(columns)
