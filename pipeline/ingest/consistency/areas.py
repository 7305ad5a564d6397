"""Do the council's properties and its areas fit each other? Every count is of kept rows, without a cell.

An LSOA that is not in the lookup is told apart by its vintage:

ended      a code of 2011 that ended in 2021, when the LSOA was divided or joined
elsewhere  a code that is in use, of an area that the lookup does not list
unknown    a code that was never given to an area of England
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from pipeline.engine.tables import load_table

#: LSOA codes of England are numbered: to 33768 by 2011, then to this by 2021.
_LAST_OF_2021 = "E01035762"


@cache
def ended_lsoas() -> tuple[str, ...]:
    """Return the LSOA codes of 2011 that ended in 2021."""
    text = (files("schemas") / "codes" / "lsoa_ended_2021.csv").read_text("utf-8")
    return tuple(text.split()[1:])


def area_facts(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Return the counts of one council's ingested tables; {} unless properties with LSOAs and a lookup exist.

    properties, stated (with an LSOA), listed (in the lookup); ended, elsewhere, unknown: properties with such
    a code, and with `_areas` the number of the codes; largest_elsewhere: properties of the commonest code
    elsewhere; lookup_areas, empty_areas (without a property); split_msoas: MSOAs in several authorities.
    """
    property_file, lookup_file = folder / "council_property.parquet", folder / "area_lookup.parquet"
    if not property_file.exists() or not lookup_file.exists():
        return {}
    load_table(connection, property_file, "located", ("lsoa21", "line_number"))
    load_table(connection, lookup_file, "listed_area", ("lsoa21", "msoa21", "local_authority"))
    found = connection.execute(
        f"""
        WITH counted AS (
            SELECT
                located.lsoa21 AS code,
                COUNT(*) AS properties
            FROM located
            WHERE line_number IS NOT NULL
            GROUP BY code
        ),
        told AS (
            SELECT
                code,
                properties,
                CASE
                    WHEN code IN (SELECT lsoa21 FROM listed_area) THEN 'listed'
                    WHEN list_contains($ended, code) THEN 'ended'
                    WHEN code > '{_LAST_OF_2021}' OR code = 'E01000000' THEN 'unknown'
                    ELSE 'elsewhere'
                END AS vintage
            FROM counted
            WHERE code IS NOT NULL
        )
        SELECT
            (SELECT coalesce(SUM(properties), 0) FROM counted) AS properties,
            coalesce(SUM(properties), 0) AS stated,
            coalesce(SUM(properties) FILTER (vintage = 'listed'), 0) AS listed,
            coalesce(SUM(properties) FILTER (vintage = 'ended'), 0) AS ended,
            COUNT(*) FILTER (vintage = 'ended') AS ended_areas,
            coalesce(SUM(properties) FILTER (vintage = 'elsewhere'), 0) AS elsewhere,
            COUNT(*) FILTER (vintage = 'elsewhere') AS elsewhere_areas,
            coalesce(MAX(properties) FILTER (vintage = 'elsewhere'), 0) AS largest_elsewhere,
            coalesce(SUM(properties) FILTER (vintage = 'unknown'), 0) AS unknown,
            COUNT(*) FILTER (vintage = 'unknown') AS unknown_areas,
            (SELECT COUNT(*) FROM listed_area) AS lookup_areas,
            (SELECT COUNT(*) FROM listed_area WHERE lsoa21 NOT IN (SELECT code FROM told)) AS empty_areas,
            (
                SELECT COUNT(*) FROM (
                    SELECT msoa21 FROM listed_area
                    GROUP BY msoa21 HAVING COUNT(DISTINCT local_authority) > 1
                )
            ) AS split_msoas
        FROM told
        """,
        {"ended": list(ended_lsoas())},
    )
    names = [column[0] for column in found.description or ()]
    return {name: int(value) for name, value in zip(names, found.fetchall()[0], strict=True)}
