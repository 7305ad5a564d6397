"""Every rate, with its band under uncertain links and its value under other caps on household size.

The figures are exact, so they must stay in the secure environment. Rates with fewer than ten households or
residents in numerator or complement are left out nevertheless.
"""

from pathlib import Path

import duckdb
import pandas as pd

from pipeline.engine.cell_id import define_cell_ids
from pipeline.engine.tables import load_table
from pipeline.household.definition import ALTERNATIVE_CAPS

MINIMUM_COUNT = 10
_KEYS = ("table_id", "measure", "area_level", "area_code", "category_1", "category_2")


def read_sensitivity(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row per rate of an aggregate artefact, in percent with one decimal.

    Columns: the cell (table_id, measure, area and categories), percent, linkage_lower, linkage_upper, and for
    each alternative caps the percent under them (`caps_<name>`; equal to percent if they change nothing).
    """
    for table in ("cell", "linkage_band", "cap_sensitivity"):
        load_table(connection, folder / f"{table}.parquet", table)
    define_cell_ids(connection)
    caps = "".join(
        f",\n    ROUND(100.0 * (cell.numerator + COALESCE({name}.added_numerator, 0)) "
        f"/ (cell.denominator + COALESCE({name}.added_denominator, 0)), 1) AS caps_{name}"
        for name in (caps.name for caps in ALTERNATIVE_CAPS)
    )
    joins = "\n".join(
        f"LEFT JOIN cap_sensitivity AS {caps.name}\n    ON {caps.name}.caps = '{caps.name}'\n"
        f"    AND {_id_in(caps.name)} = {_id_in('cell')}"
        for caps in ALTERNATIVE_CAPS
    )
    rates: pd.DataFrame = connection.sql(
        f"""
SELECT
    {", ".join(f"cell.{key}" for key in _KEYS)},
    ROUND(100.0 * cell.numerator / cell.denominator, 1) AS percent,
    FLOOR(1000 * linkage_band.lower) / 10 AS linkage_lower,
    CEIL(1000 * linkage_band.upper) / 10 AS linkage_upper{caps}
FROM cell
JOIN linkage_band
    ON {_id_in("linkage_band")} = {_id_in("cell")}
{joins}
WHERE cell.numerator >= {MINIMUM_COUNT} AND cell.denominator - cell.numerator >= {MINIMUM_COUNT}
ORDER BY ALL
"""
    ).to_df()
    return rates


def _id_in(table: str) -> str:
    """SQL: the id of a row's cell."""
    return f"cell_id({', '.join(f'{table}.{key}' for key in _KEYS if key != 'area_level')})"
