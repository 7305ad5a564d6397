"""The facts by which rules ING-12 and ING-14 judge whether a controller's tables fit each other."""

from datetime import date
from pathlib import Path

import duckdb

from pipeline.ingest.consistency.areas import area_facts
from pipeline.ingest.consistency.homes import home_facts, property_facts


def consistency_facts(
    connection: duckdb.DuckDBPyConnection, folder: Path, reference_date: date
) -> dict[str, dict[str, int]]:
    """Return areas, properties and homes, each {} where the controller did not supply its tables.

    folder: contains the ingested tables of one controller.
    """
    return {
        "areas": area_facts(connection, folder),
        "properties": property_facts(connection, folder),
        "homes": home_facts(connection, folder, reference_date.isoformat()),
    }
