"""The pairs that reviewers may see: a sample of comparison vectors, drawn during the run.

The sample is stratified by band of match weight and by the ethnic group of most members of the NHS group,
so that a review can show whether links are worse for some groups. A case has levels and scores, and
no pseudonym of either side. Cases are drawn by a hash, so that one run always gives the same sample.
"""

import duckdb

from pipeline.quality.counting import SQL

#: Edges between the bands of match weight; the first band has no lower limit and the last no upper limit.
BAND_EDGES = (-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0)
#: Pairs kept of each stratum; a review uses as many of them as reviewers have time for.
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
