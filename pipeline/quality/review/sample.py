"""Which pairs may come before a reviewer: a sample of comparison vectors, drawn while the run lasts.

Stratified by band of match weight and by the ethnic group of most of the NHS group's members, so that
a review can say whether the links of some are worse. A case bears levels and scores and no
pseudonym of either side; the draw goes by a hash, so that one run gives one sample.
"""

import duckdb

from pipeline.quality.counting import SQL

#: Lower edges of the bands of match weight; the first is open below.
BAND_EDGES = (-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0)
#: Pairs kept of each stratum; a review takes as many of them as it has reviewers' time for.
CASES_PER_STRATUM = 50


def draw_cases(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `review_case` from `decision`, `address_group` and `quality_record`."""
    edges = " ".join(f"WHEN decision.match_weight < {edge} THEN {n}" for n, edge in enumerate(BAND_EDGES))
    query = SQL.filled("review_case", band=f"CASE {edges} ELSE {len(BAND_EDGES)} END")
    connection.execute(f"CREATE TABLE review_case AS {query}", {"cases_per_stratum": CASES_PER_STRATUM})


def band_name(band: int) -> str:
    """Return a band's name, such as "0 to 2"."""
    if band == 0:
        return f"below {BAND_EDGES[0]:g}"
    if band == len(BAND_EDGES):
        return f"{BAND_EDGES[-1]:g} and above"
    return f"{BAND_EDGES[band - 1]:g} to {BAND_EDGES[band]:g}"
