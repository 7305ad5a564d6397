"""The cells of a finished release, read from its Parquet files as any reader would."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

#: Columns of a published table that are not its dimensions.
_NOT_DIMENSIONS = frozenset(
    {"release_id", "epoch", "reference_date", "table_id", "specification_version", "unit", "area_level"}
    | {"area_code", "area_vintage", "measure", "value", "shorthand", "rounding_base", "method"}
    | {"lower", "upper", "linkage_lower", "linkage_upper", "coverage", "effective_n", "protection_margin"}
    | {"reliability"}
)


class Group(NamedTuple):
    """The people whom a cell counts. categories: (dimension, category), in the order of their names."""

    unit: str
    area_level: str
    area_code: str
    categories: tuple[tuple[str, str], ...] = ()


class Cell(NamedTuple):
    """Which cell of a release it is."""

    table_id: str
    measure: str
    group: Group


class Answer(NamedTuple):
    """What is printed in a cell: a value, or a shorthand. epoch, method: of its row."""

    value: float | None
    shorthand: str | None
    epoch: str
    method: str

    @property
    def shown(self) -> tuple[float | None, str | None]:
        """The value and the shorthand."""
        return self.value, self.shorthand


class Measure(NamedTuple):
    """A published measure. denominator: of a count that is a part of another one."""

    kind: str
    numerator: str | None
    denominator: str | None


class Area(NamedTuple):
    """An LSOA, the areas that it is in, and the public facts that tables may group areas by."""

    lsoa: str
    msoa: str
    authority: str
    imd_decile: int | None
    aqma: bool | None


@dataclass(frozen=True)
class PrintedRelease:
    """A finished release. measures: name -> measure; a name is of one unit in the register."""

    cells: dict[Cell, Answer]
    measures: dict[str, Measure]
    areas: tuple[Area, ...]


def read_release(folder: Path) -> PrintedRelease:
    """Read the tables that the catalogue lists, the measures and the areas of a release."""
    cells: dict[Cell, Answer] = {}
    catalogue = pq.read_table(folder / "catalogue.parquet", columns=["table_id", "file"]).to_pydict()
    for table_id, file in zip(catalogue["table_id"], catalogue["file"], strict=True):
        cells.update(_read_table(str(table_id), folder / str(file)))
    measures = {
        row["measure"]: Measure(row["kind"], row["numerator_measure"], row["denominator_measure"])
        for row in pq.read_table(folder / "measure.parquet").to_pylist()
    }
    areas = tuple(
        Area(row["lsoa21"], row["msoa21"], row["local_authority"], row.get("imd_decile"), row.get("aqma"))
        for row in pq.read_table(folder / "area.parquet").to_pylist()
    )
    return PrintedRelease(cells, measures, areas)


def _read_table(table_id: str, path: Path) -> dict[Cell, Answer]:
    table = pq.read_table(path)
    dimensions = sorted(name for name in table.column_names if name not in _NOT_DIMENSIONS)
    columns = table.to_pydict()
    categories = zip(*(columns[name] for name in dimensions), strict=True) if dimensions else None
    cells = {}
    names = ("unit", "area_level", "area_code", "measure", "value", "shorthand", "epoch", "method")
    for unit, level, area, measure, value, shorthand, epoch, method in zip(
        *(columns[name] for name in names), strict=True
    ):
        own = () if categories is None else tuple(zip(dimensions, next(categories), strict=True))
        group = Group(unit, level, area, tuple((d, c) for d, c in own if c is not None))
        cells[Cell(table_id, measure, group)] = Answer(value, shorthand, epoch, method)
    return cells
