"""Check of P0: finds values in the written file that are of areas below their floor.

Area sizes are calculated again here, from the written and the exact cells. The check shares no SQL with the
statements that leave such areas out.
"""

import duckdb
import pyarrow as pa

from pipeline.disclosure.profile import Profile

#: Area level and area code.
Area = tuple[str, str]


def count_values_below_floor(
    connection: duckdb.DuckDBPyConnection, written: pa.Table, profile: Profile
) -> int:
    """Return how many written values are of an area with too few households or persons for their table.

    written: the cells as read from the written file. The exact counts are read from `cell`. An area without
    exact counts has no households.
    """
    sizes = _sizes(
        connection.sql(
            "SELECT area_level, area_code, table_id, measure, unit, "
            "denominator_households, denominator_persons FROM cell"
        ).to_arrow_table()
    )
    rows = written.select(["area_level", "area_code", "dimension_2", "value"]).to_pydict()
    small = 0
    for level, code, second, value in zip(*rows.values(), strict=True):
        households, persons = sizes.get((level, code), (0, 0))
        if value is not None and second is None:
            small += households < profile.floor_households or persons < profile.floor_persons
        elif value is not None:
            small += (
                households < profile.floor_households_multiway or persons < profile.floor_persons_multiway
            )
    return small


def _sizes(cell: pa.Table) -> dict[Area, tuple[int, int]]:
    """Return area -> the largest number of households, and of persons, in any table and measure.

    A household is in one category of a table, so categories are added up. Residents of one household can be
    in several categories, so for tables of residents the largest category is taken.
    """
    grouped = cell.group_by(["area_level", "area_code", "table_id", "measure", "unit"]).aggregate(
        [
            (column, function)
            for column in ("denominator_households", "denominator_persons")
            for function in ("sum", "max")
        ]
    )
    sizes: dict[Area, tuple[int, int]] = {}
    for row in grouped.to_pylist():
        taken = "sum" if row["unit"] == "household" else "max"
        area = row["area_level"], row["area_code"]
        households, persons = sizes.get(area, (0, 0))
        sizes[area] = (
            max(households, row[f"denominator_households_{taken}"] or 0),
            max(persons, row[f"denominator_persons_{taken}"] or 0),
        )
    return sizes
