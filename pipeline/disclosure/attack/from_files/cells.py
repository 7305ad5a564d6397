"""The cells of a release, read from its Parquet files, and the possible exact counts behind each."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

#: Categories of a count: (dimension, category) pairs in order of the dimensions.
Categories = tuple[tuple[str, str], ...]
#: What is counted, without the area: unit, measure, categories.
Series = tuple[str, str, Categories]
#: One cell: what is counted, and the code of the area.
Key = tuple[Series, str]

_DESCRIBING = {"measure", "area", "basis", "catalogue", "data_dictionary"}
_COLUMNS = {
    "release_id", "epoch", "reference_date", "table_id", "specification_version", "unit", "area_level",
    "area_code", "area_vintage", "measure", "value", "shorthand", "rounding_base", "method",
}  # fmt: skip


@dataclass(frozen=True)
class Method:
    """The settings that the release prints: smallest count, base of rounding, largest noise."""

    minimum: int
    base: int
    noise: int

    def bounds(self, value: float | None, shorthand: str | None) -> tuple[float, float]:
        """Return the least and greatest exact count behind what is printed in a cell."""
        if value is not None:
            below, above = self.base // 2, self.base - 1 - self.base // 2
            return max(self.minimum, value - below - self.noise), value + above + self.noise
        if shorthand == "[z]":
            return 0.0, 0.0
        if shorthand == "[c]" and self.noise:
            return 0.0, self.minimum - 1 + self.noise
        return 0.0, math.inf


@dataclass(frozen=True)
class Printed:
    """A release as numbers.

    cells: each count -> (value, shorthand). parts_of: area code -> codes of the areas that it is made of.
    of_attribute: (area code, dimension, category) -> LSOAs within the area that have this public attribute.
    level: area code -> level. whole_of: (unit, numerator) -> its denominator.
    """

    method: Method
    cells: dict[Key, tuple[float | None, str | None]]
    parts_of: dict[str, tuple[str, ...]]
    of_attribute: dict[tuple[str, str, str], tuple[str, ...]]
    level: dict[str, str]
    whole_of: dict[tuple[str, str], str]
    dimensions: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_printed(folder: Path) -> Printed:
    """Read the files of a release."""
    criteria = json.loads((folder / "disclosure_criteria.json").read_bytes())
    method = Method(*(int(criteria[name]) for name in ("minimum_cell_count", "rounding_base", "noise_bound")))
    measures = pq.read_table(folder / "measure.parquet").to_pylist()
    counted = {(row["unit"], row["measure"]) for row in measures if row["kind"] == "count"}
    whole_of = {
        (row["unit"], row["measure"]): row["denominator_measure"]
        for row in measures
        if row["kind"] == "count" and row["denominator_measure"]
    }
    cells: dict[Key, tuple[float | None, str | None]] = {}
    level: dict[str, str] = {}
    categories: dict[str, dict[str, None]] = {}
    for path in sorted(folder.glob("*.parquet")):
        if path.stem in _DESCRIBING:
            continue
        for row in pq.read_table(path).to_pylist():
            if (row["unit"], row["measure"]) not in counted:
                continue
            named = tuple((name, str(row[name])) for name in sorted(row) if name not in _COLUMNS)
            for dimension, category in named:
                categories.setdefault(dimension, {})[category] = None
            key = (row["unit"], row["measure"], named), row["area_code"]
            known = cells.get(key, (None, None))
            if known[0] is None and known[1] != "[c]":
                cells[key] = row["value"], row["shorthand"]
            level[row["area_code"]] = row["area_level"]
    parts_of, of_attribute = _areas(folder, level)
    return Printed(
        method, cells, parts_of, of_attribute, level, whole_of, {d: tuple(c) for d, c in categories.items()}
    )


def _areas(
    folder: Path, level: dict[str, str]
) -> tuple[dict[str, tuple[str, ...]], dict[tuple[str, str, str], tuple[str, ...]]]:
    """Return the parts of each area, and the LSOAs of each area by public attribute."""
    parts: dict[str, dict[str, None]] = {}
    attribute: dict[tuple[str, str, str], list[str]] = {}
    for row in pq.read_table(folder / "area.parquet").to_pylist():
        small, middle, large = row["lsoa21"], row["msoa21"], row["local_authority"]
        level |= {small: "LSOA21", middle: "MSOA21", large: "LAD"}
        parts.setdefault(middle, {})[small] = None
        parts.setdefault(large, {})[middle] = None
        public = {}
        if row.get("imd_decile") is not None:
            decile = int(row["imd_decile"])
            public = {
                "imd_decile": str(decile),
                "imd_quintile": str((decile + 1) // 2),
                "area_deprivation": "most_deprived_30_percent" if decile <= 3 else "less_deprived",
            }
        if row.get("aqma") is not None:
            public["aqma"] = "inside" if row["aqma"] else "outside"
        for dimension, category in public.items():
            for area in (small, middle, large):
                attribute.setdefault((area, dimension, category), []).append(small)
    return {area: tuple(p) for area, p in parts.items()}, {k: tuple(v) for k, v in attribute.items()}
