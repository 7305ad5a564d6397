"""Attack 4, the mover: a neighbour saw a household move in, and infers its attributes from changed values.

The truth of synthetic data lists the households that moved in: `mover.parquet`, one row per household, with
`lsoa21`, `moved_in` and a column for each dimension. For each household that moved in between the dates of
two releases, the attack compares the area's cells in both, and predicts the category that grew most, if that
is a minority category. The share of correct predictions may exceed the category's own share by .05 at most.
Source: disclosure-control.md (measured: .83 to .91 with nightly values, .14 to .23 with quarterly values).
"""

from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells

NUMBER, NAME = 4, "mover"
TRUTH_FILE = "mover.parquet"
LARGEST_MINORITY_SHARE = 0.25
LARGEST_GAIN = 0.05
#: With fewer predictions than this, the result is not significant.
LEAST_PREDICTIONS = 20

_PREDICTED = """
WITH change AS (
    SELECT
        later.area_code AS lsoa21,
        later.dimension_1 AS dimension,
        later.category_1 AS category,
        COALESCE(later.value, 5) - COALESCE(earlier.value, 5) AS grown,
        COALESCE(later.value, 5)
            / SUM(COALESCE(later.value, 5)) OVER (PARTITION BY later.table_id, later.area_code) AS share
    FROM later
    INNER JOIN earlier
        ON earlier.table_id = later.table_id
       AND earlier.measure = later.measure
       AND earlier.group_id = later.group_id
    WHERE later.area_level = 'LSOA21'
      AND later.unit = 'household'
      AND later.kind = 'count'
      AND later.denominator_measure IS NULL
      AND later.dimension_1 IS NOT NULL
      AND later.dimension_2 IS NULL
      AND COALESCE(later.shorthand, '') <> '[x]'
),
predicted AS (
    SELECT lsoa21, dimension, category, share
    FROM change
    WHERE grown > 0
      AND share <= $largest_minority_share
    QUALIFY ROW_NUMBER() OVER (PARTITION BY lsoa21, dimension ORDER BY grown DESC, share, category) = 1
)
SELECT
    COUNT(*) AS predictions,
    COUNT(*) FILTER (mover.category = predicted.category) AS hits,
    COALESCE(SUM(share), 0) AS expected
FROM predicted
INNER JOIN mover USING (lsoa21, dimension)
"""


def attack(
    connection: duckdb.DuckDBPyConnection, releases: list[ReleaseFiles], truth: Path | None
) -> AttackOutcome:
    """Predict the attributes of the households that moved in between two releases.

    releases: in the order of their dates. truth: folder of the synthetic truth, None if there is none.
    """
    if truth is None or not (truth / TRUTH_FILE).is_file():
        return AttackOutcome(NUMBER, NAME, not_run=f"needs --truth with {TRUTH_FILE} (of synthetic data)")
    if len(releases) < 2:
        return AttackOutcome(NUMBER, NAME, not_run="needs two releases or more")
    known = pq.read_table(truth / TRUTH_FILE)
    dimensions = [n for n in known.column_names if n not in ("lsoa21", "moved_in")]
    connection.register("_mover", known)
    movers = predictions = hits = 0
    expected = 0.0
    for earlier, later in pairwise(releases):
        load_cells(connection, earlier, "earlier")
        load_cells(connection, later, "later")
        connection.execute(
            f"""
            CREATE OR REPLACE TABLE mover AS
            UNPIVOT (
                SELECT * EXCLUDE (moved_in)
                FROM _mover
                WHERE CAST(moved_in AS DATE) > DATE '{earlier.reference_date}'
                  AND CAST(moved_in AS DATE) <= DATE '{later.reference_date}'
            )
            ON {", ".join(f'"{name}"' for name in dimensions)}
            INTO NAME dimension VALUE category
            """
        )
        movers += connection.execute("SELECT COUNT(*) FROM mover").fetchall()[0][0] // len(dimensions)
        row = connection.execute(_PREDICTED, {"largest_minority_share": LARGEST_MINORITY_SHARE}).fetchall()[0]
        predictions, hits, expected = predictions + row[0], hits + row[1], expected + float(row[2])
    connection.unregister("_mover")
    precision = hits / predictions if predictions else 0.0
    base_rate = expected / predictions if predictions else 0.0
    is_successful = predictions >= LEAST_PREDICTIONS and precision > base_rate + LARGEST_GAIN
    return AttackOutcome.of(
        NUMBER,
        NAME,
        {"MOVERS_PREDICTED": hits if is_successful else 0},
        {
            "movers": movers,
            "predictions": predictions,
            "precision": round(precision, 3),
            "base_rate": round(base_rate, 3),
        },
    )
