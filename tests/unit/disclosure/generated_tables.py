"""Generated tables of invented households, in the forms that the audit and the reference functions read.

How cells sum to each other is written down here in plain Python, from what the tables count, and not from the
statements that the audit builds its system with.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from zlib import crc32

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from pipeline.disclosure.audit.published_system import PublicRules, PublishedSystem, create_system

AUTHORITY = "E08"
HOUSEHOLDS, IN_NEED, OTHERS = "households", "in_need", "in_need:complement"
#: A measure, an area, and the category of each dimension.
Cell = tuple[str, str, tuple[tuple[str, str], ...]]
#: What is printed of a cell; None for a hidden one.
Printed = Mapping[Cell, float | None]
Relations = list[tuple[object, list[object]]]

#: Design -> LSOAs with their MSOA, and the dimensions of each table.
DESIGNS: dict[str, tuple[dict[str, str], tuple[tuple[str, ...], ...]]] = {
    "linked": (
        {"E01a": "E02a", "E01b": "E02a"},
        ((), ("epc",), ("tenure",)),
    ),
    "hierarchical": (
        {"E01a": "E02a", "E01b": "E02a", "E01c": "E02b", "E01d": "E02b", "E01e": "E02b"},
        ((), ("epc",)),
    ),
    "three-dimensional": (
        {"E01a": "E02a", "E01b": "E02a"},
        ((), ("epc", "tenure")),
    ),
}


@dataclass(frozen=True)
class Tables:
    """Linked tables that count households, and the households in need among them.

    areas: LSOA -> MSOA. categories: dimension -> its categories. breakdowns: the dimensions of each table.
    leaf: (LSOA, one category of each dimension) -> households in need, and the others.
    """

    areas: dict[str, str]
    categories: dict[str, tuple[str, ...]]
    breakdowns: tuple[tuple[str, ...], ...]
    leaf: dict[tuple[str, ...], tuple[int, int]]

    @property
    def children(self) -> dict[str, list[str]]:
        """Area -> the areas that make it up."""
        found: dict[str, list[str]] = {AUTHORITY: sorted(set(self.areas.values()))}
        for lsoa, msoa in self.areas.items():
            found.setdefault(msoa, []).append(lsoa)
        return found

    def level(self, area: str) -> str:
        return "LAD" if area == AUTHORITY else "LSOA21" if area in self.areas else "MSOA21"

    def margins(self) -> list[tuple[str, ...]]:
        """Return the breakdowns of the tables and of everything that can be added up from them."""
        return sorted({m for b in self.breakdowns for n in range(len(b) + 1) for m in combinations(b, n)})

    def cells_of(self, breakdown: tuple[str, ...], *measures: str) -> Iterator[Cell]:
        for measure, area in product(measures, (*self.areas, *self.children)):
            for chosen in product(*(self.categories[name] for name in breakdown)):
                yield measure, area, tuple(zip(breakdown, chosen, strict=True))

    def count(self, cell: Cell) -> int:
        measure, area, categories = cell
        place = {name: number for number, name in enumerate(self.categories)}
        return sum(
            {HOUSEHOLDS: in_need + others, IN_NEED: in_need, OTHERS: others}[measure]
            for (lsoa, *chosen), (in_need, others) in self.leaf.items()
            if area in (lsoa, self.areas[lsoa], AUTHORITY)
            and all(chosen[place[name]] == category for name, category in categories)
        )

    def counts(self) -> dict[Cell, int]:
        """Return every cell that the tables count or that follows from them."""
        return {
            cell: self.count(cell)
            for breakdown in self.margins()
            for cell in self.cells_of(breakdown, HOUSEHOLDS, IN_NEED, OTHERS)
        }

    def printable(self) -> list[Cell]:
        """Return the cells that the tables print: households in need and all households, never the others."""
        return [c for breakdown in self.breakdowns for c in self.cells_of(breakdown, HOUSEHOLDS, IN_NEED)]

    def relations(self) -> Relations:
        """Return every sum: over areas, over the categories of a dimension, and of those in need and not."""
        found: Relations = []
        for breakdown in self.margins():
            for cell in self.cells_of(breakdown, HOUSEHOLDS, IN_NEED, OTHERS):
                measure, area, categories = cell
                if area in self.children:
                    found.append((cell, [(measure, child, categories) for child in self.children[area]]))
                if measure == HOUSEHOLDS:
                    found.append((cell, [(IN_NEED, area, categories), (OTHERS, area, categories)]))
                for finer in self.margins():
                    if len(finer) == len(breakdown) + 1 and set(breakdown) < set(finer):
                        (added,) = set(finer) - set(breakdown)
                        chosen = [{**dict(categories), added: c} for c in self.categories[added]]
                        found.append(
                            (cell, [(measure, area, tuple((n, c[n]) for n in finer)) for c in chosen])
                        )
        return found


@st.composite
def tables_of(draw: st.DrawFn, design: str) -> Tables:
    areas, breakdowns = DESIGNS[design]
    used = sorted({name for breakdown in breakdowns for name in breakdown})
    categories = {name: ("x", "y", "z")[: draw(st.integers(2, 3))] for name in used}
    count = st.one_of(st.integers(0, 3), st.integers(5, 30), st.integers(10, 40))
    leaf = {key: (draw(count), draw(count)) for key in product(areas, *categories.values())}
    return Tables(areas, categories, breakdowns, leaf)


def published_system(
    connection: duckdb.DuckDBPyConnection, tables: Tables, printed: Printed, rules: PublicRules
) -> tuple[PublishedSystem, list[Cell]]:
    """Return the system that the audit builds from what is printed, and the cell of each of its numbers."""
    connection.execute(
        "CREATE OR REPLACE TABLE shown (unit VARCHAR, measure VARCHAR, area_level VARCHAR, "
        "area_code VARCHAR, dimension_1 VARCHAR, category_1 VARCHAR, dimension_2 VARCHAR, "
        "category_2 VARCHAR, value DOUBLE, shorthand VARCHAR)"
    )
    columns: list[list[object]] = [[] for _ in range(10)]
    for (measure, area, categories), value in printed.items():
        first, second = (*categories, (None, None), (None, None))[:2]
        shorthand = "[c]" if value is None else None
        row = ("household", measure, tables.level(area), area, *first, *second, value, shorthand)
        for column, item in zip(columns, row, strict=True):
            column.append(item)
    kinds = [*[pa.string()] * 8, pa.float64(), pa.string()]
    shown = pa.table(
        [pa.array(c, k) for c, k in zip(columns, kinds, strict=True)], names=[str(n) for n in range(10)]
    )
    connection.register("_shown", shown)
    connection.execute("INSERT INTO shown SELECT * FROM _shown")
    connection.execute(
        f"CREATE OR REPLACE TABLE denominator_of AS SELECT '{IN_NEED}' AS measure, 'household' AS unit, "
        f"'{HOUSEHOLDS}' AS denominator_measure"
    )
    system = create_system(connection, rules, area_table(tables))
    cells: list[Cell] = []
    for measure, area, *named in connection.execute(
        "SELECT measure, area_code, dimension_1, category_1, dimension_2, category_2 "
        "FROM system_cell ORDER BY cell"
    ).fetchall():
        pairs = ((named[0], named[1]), (named[2], named[3]))
        cells.append((measure, area, tuple(pair for pair in pairs if pair[0] is not None)))
    return system, cells


def area_table(tables: Tables) -> pa.Table:
    return pa.table(
        {
            "lsoa21": list(tables.areas),
            "msoa21": list(tables.areas.values()),
            "local_authority": [AUTHORITY] * len(tables.areas),
        }
    )


def create_cells(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Create `cell`, as the aggregate stage would: one table of the register for each breakdown."""
    rows = []
    for breakdown in tables.breakdowns:
        for measure in (HOUSEHOLDS, IN_NEED):
            for cell in tables.cells_of(breakdown, measure):
                _, area, categories = cell
                first, second = (*categories, (None, None), (None, None))[:2]
                row: dict[str, object] = {
                    "table_id": "_by_".join(("invented", *breakdown)),
                    "measure": measure,
                    "unit": "household",
                    "population": HOUSEHOLDS,
                    "area_level": tables.level(area),
                    "area_code": area,
                    "dimension_1": first[0],
                    "category_1": first[1],
                    "dimension_2": second[0],
                    "category_2": second[1],
                    "structural_zero": False,
                    "denominator": tables.count((HOUSEHOLDS, area, categories)),
                    "numerator": tables.count(cell) if measure == IN_NEED else None,
                }
                for role, counted in (
                    ("denominator", HOUSEHOLDS),
                    ("numerator", IN_NEED),
                    ("complement", OTHERS),
                ):
                    there = role == "denominator" or measure == IN_NEED
                    number = tables.count((counted, area, categories)) if there else 0
                    row |= {
                        f"{role}_households": number,
                        f"{role}_persons": number,
                        f"{role}_household_key": crc32(repr((counted, area, categories)).encode()) % 4096,
                        f"{role}_person_key": None,
                    }
                rows.append(row)
    text = ("table_id", "measure", "unit", "population", "area_level", "area_code")
    named = (*text, "dimension_1", "category_1", "dimension_2", "category_2")
    kinds = {name: pa.string() for name in named} | {"structural_zero": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.int64())) for name in rows[0]])
    connection.register("_cell", pa.Table.from_pylist(rows, schema=schema))
    connection.execute("CREATE OR REPLACE TABLE cell AS SELECT * FROM _cell")


def with_bounds(
    counts: Mapping[Cell, int], relations: Relations, printed: Printed, rules: PublicRules, least: int = 0
) -> tuple[dict[object, float | None], Relations]:
    """Return cells and sums in which a noisy value bounds its count, for `feasible_intervals`.

    A value r means [max(minimum, r - 2 - noise), r + 2 + noise]. Hidden means at most minimum - 1 + noise
    where only small counts are hidden: not with exact counts, nor of a larger count that covers another.
    A bound is a sum: of the count and what it falls short, or of the bound and what the count has beyond it.

    least: what an attacker takes every hidden count to be at least.
    """
    cells: dict[object, float | None] = dict.fromkeys(counts)
    bound: Relations = list(relations)
    half, noise, minimum = rules.rounding_base // 2, rules.noise_bound, rules.minimum_cell_count
    for cell, value in printed.items():
        high: float | None = minimum - 1 + noise
        if value is not None:
            low = max(minimum, value - half - noise)
            high = value + (rules.rounding_base - 1 - half) + noise
        else:
            low = float(least)
            if rules.is_exact or counts[cell] > minimum - 1 + noise:
                high = None
        if high is not None:
            cells |= {("at most", cell): high, ("short of", cell): None}
            bound.append((("at most", cell), [cell, ("short of", cell)]))
        cells |= {("at least", cell): low, ("beyond", cell): None}
        bound.append((cell, [("at least", cell), ("beyond", cell)]))
    return cells, bound


def numbered(cells: list[Cell], counts: Mapping[Cell, int]) -> np.ndarray:
    """Return the true counts in the order of a system's cells."""
    return np.array([float(counts[cell]) for cell in cells])
