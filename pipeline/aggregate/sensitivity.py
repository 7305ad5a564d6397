"""Every rate, with its band under uncertain links and its value under other caps on household size.

The figures are exact, so they must stay in the secure environment. Rates with fewer than ten households or
residents in numerator or complement are left out nevertheless.
"""

from pathlib import Path

import duckdb
import pandas as pd

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
    same = " AND ".join(f"{{other}}.{key} IS NOT DISTINCT FROM cell.{key}" for key in _KEYS)
    caps = "".join(
        f",\n    ROUND(100.0 * (cell.numerator + COALESCE({name}.added_numerator, 0)) "
        f"/ (cell.denominator + COALESCE({name}.added_denominator, 0)), 1) AS caps_{name}"
        for name in (caps.name for caps in ALTERNATIVE_CAPS)
    )
    joins = "\n".join(
        f"LEFT JOIN cap_sensitivity AS {caps.name}\n    ON {caps.name}.caps = '{caps.name}' AND "
        + same.format(other=caps.name)
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
    ON {same.format(other="linkage_band")}
{joins}
WHERE cell.numerator >= {MINIMUM_COUNT} AND cell.denominator - cell.numerator >= {MINIMUM_COUNT}
ORDER BY ALL
"""
    ).to_df()
    return rates
