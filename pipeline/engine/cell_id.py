"""The id of a cell, so that tables of cells join on one column.

`group_id` names the people that a cell counts: a unit, an area and a category of each dimension, in whatever
order a table has its dimensions. The cells of one group differ by measure: a numerator, its complement and
their denominator have one group.

`cell_id` names a cell within the registered tables: a table, a measure, an area and its categories. It is for
tables of cells without the names of dimensions.

Both are macros of the engine that return text. A part that a cell does not have is an empty text.
"""

import duckdb

#: Separates the parts of an id; no code or name contains it.
_SEPARATOR = "chr(31)"

_MACROS = f"""
CREATE OR REPLACE TEMP MACRO group_id(
    unit, area_code, dimension_1, category_1, dimension_2, category_2
) AS CASE
    WHEN dimension_2 < dimension_1 THEN concat_ws(
        {_SEPARATOR}, unit, area_code, dimension_2, COALESCE(category_2, ''),
        dimension_1, COALESCE(category_1, '')
    )
    ELSE concat_ws(
        {_SEPARATOR}, unit, area_code, COALESCE(dimension_1, ''), COALESCE(category_1, ''),
        COALESCE(dimension_2, ''), COALESCE(category_2, '')
    )
END;
CREATE OR REPLACE TEMP MACRO cell_id(table_id, measure, area_code, category_1, category_2) AS concat_ws(
    {_SEPARATOR}, table_id, measure, area_code, COALESCE(category_1, ''), COALESCE(category_2, '')
);
"""


def define_cell_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Define `group_id` and `cell_id` in a connection."""
    connection.execute(_MACROS)
