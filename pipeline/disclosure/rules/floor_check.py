"""P0 read back: which written values are of areas below their floor.

Floors are worked out again here, from the written cells and the exact ones, without any statement that the
stage used to hide such areas: what hides and what checks share no SQL.
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

    written: the cells as they were read back. Reads the exact counts from `cell`. An area that no exact
    count describes has no households.
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
    """Return the most households, and the most persons, that any measure of any table finds in an area.

    A household is in one category of a table, so categories add up; residents of one household can be in
    several, so the largest category is taken for all of them.
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
