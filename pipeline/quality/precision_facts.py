"""How often links are correct, as measured and as estimated: the evidence that rule LNK-08 judges."""

from typing import Any

import duckdb

from pipeline.quality.precision_interval import interval

#: Unit of the facts -> unit of table `quality_count`.
_UNITS = {"records": "nhs_record", "households": "household"}


def precision_facts(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the facts that `pipeline/quality/stage.py` documents, from table `quality_count`."""
    whole = {
        unit: (int(links), int(correct), int(true_pairs))
        for unit, links, correct, true_pairs in connection.execute(
            "SELECT unit, links, right_links, true_pairs FROM quality_count WHERE attribute = 'all'"
        ).fetchall()
    }
    compared = connection.execute(
        "SELECT SUM(linked) FROM quality_count WHERE attribute = 'compared' AND category = 'people'"
    ).fetchall()[0][0]
    links, probability = connection.execute(
        """
        SELECT SUM(links), SUM(probability)::DOUBLE
        FROM quality_count
        WHERE attribute = 'current' AND category = 'residence'
        """
    ).fetchall()[0]
    value = low = None
    if links and probability is not None:
        value = round(probability / links, 6)
        low = round(interval(probability / links, "residence")[0], 6)
    return {
        "measured": [
            {"unit": name, "right": whole[unit][1], "links": whole[unit][0]}
            for name, unit in _UNITS.items()
            if unit in whole and whole[unit][2]
        ],
        "people_compared": int(compared or 0),
        "estimated_precision": value,
        "estimated_precision_low": low,
    }
