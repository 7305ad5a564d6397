"""Which pairs go to review: a sample for an estimate, and further pairs whose verdicts teach most.

The frame is the best candidate of every address group. A cell is one level of `place` with one of `people`,
apart for linked pairs and others. Pairs of one cell have one weight and one display, so a verdict on one is
evidence on all of them.

- The sample has pairs of every cell, more of a cell with more pairs and with less certain ones (Neyman's
  allocation), drawn by a hash. Each sampled pair represents the pairs of its cell.
- The pairs that teach most are of the cells in which one more verdict reduces the uncertainty of the links
  most. They are not part of the estimate, because they are not drawn in proportion to anything.

Source: J. Neyman, J. R. Statist. Soc. 97 (1934) 558-625; B. Settles, Active Learning (2012), 3.
"""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipeline.link.verdicts import DECIDED_APART
from pipeline.quality.review.sample import BAND_EDGES

ESTIMATE, TEACH = "estimate", "teach"
#: Added to p(1 - p), so that a cell of which the model is sure is sampled as well.
_DOUBT = 0.02


@dataclass(frozen=True)
class Cell:
    """A cell of the frame. pairs: of the run; probability: their mean household probability."""

    name: str
    pairs: int
    probability: float

    @property
    def uncertainty(self) -> float:
        """Variance of one verdict, with an allowance for what the model does not know."""
        return self.probability * (1 - self.probability) + _DOUBT


def allocate(cells: Sequence[Cell], cases: int) -> dict[str, int]:
    """Return how many pairs of each cell are sampled: at least one where the cases suffice, at most all.

    Among cells with equal claims, the order of names decides.
    """
    taken = dict.fromkeys((cell.name for cell in cells), 0)

    def claim(cell: Cell) -> float:
        size = cell.pairs * math.sqrt(cell.uncertainty)
        # A first pair of each cell comes before any second one.
        return math.inf if not taken[cell.name] else size / (taken[cell.name] + 0.5)

    return _take(cells, cases, taken, claim)


def teach_most(cells: Sequence[Cell], cases: int, sampled: Mapping[str, int]) -> dict[str, int]:
    """Return how many further pairs of each cell are reviewed. sampled: pairs of the cell in the sample.

    The next pair is of the cell whose uncertainty, summed over its pairs, one more verdict reduces most.
    """
    given = dict.fromkeys((cell.name for cell in cells), 0)

    def gain(cell: Cell) -> float:
        verdicts = sampled.get(cell.name, 0) + given[cell.name]
        return cell.pairs * cell.uncertainty * (1 / (verdicts + 1) - 1 / (verdicts + 2))

    left = [
        Cell(cell.name, cell.pairs - sampled.get(cell.name, 0), cell.probability)
        for cell in cells
        if cell.pairs > sampled.get(cell.name, 0)
    ]
    return _take(left, cases, given, gain)


def _take(
    cells: Sequence[Cell], cases: int, taken: dict[str, int], claim: Callable[[Cell], float]
) -> dict[str, int]:
    """Give out the cases one by one to the cell with the strongest claim; `taken` is filled and returned."""
    waiting = [(-claim(cell), cell.name, cell) for cell in cells]
    heapq.heapify(waiting)
    while cases and waiting:
        _, name, cell = heapq.heappop(waiting)
        taken[name] += 1
        cases -= 1
        if taken[name] < cell.pairs:
            heapq.heappush(waiting, (-claim(cell), name, cell))
    return taken


def select_pairs(connection: duckdb.DuckDBPyConnection, sample: int, teach: int) -> None:
    """Create `review_pair` from `decision`, `candidate_pair` and `address_group`.

    One row is a pair to review: review_case, dwelling_record_pseudonym, address_group, nhs_records, place,
    people, cell, cell_pairs (of the run), band, match_weight, reason, purpose ("estimate" or "teach").
    """
    edges = " ".join(f"WHEN decision.match_weight < {edge} THEN {n}" for n, edge in enumerate(BAND_EDGES))
    connection.execute(
        f"""
        CREATE TEMP TABLE review_frame AS
        SELECT
            substr(sha256(decision.address_group || ' ' || decision.dwelling_record_pseudonym), 1, 16)
                AS review_case,
            decision.dwelling_record_pseudonym,
            decision.address_group,
            address_group.nhs_records,
            decision.place,
            decision.people,
            concat_ws(
                ' | ',
                COALESCE(decision.place, 'none'),
                COALESCE(decision.people, 'none'),
                CASE WHEN decision.reason = 'linked' THEN 'linked' ELSE 'not linked' END
            ) AS cell,
            CASE {edges} ELSE {len(BAND_EDGES)} END AS band,
            decision.match_weight,
            decision.reason,
            candidate_pair.household_probability
        FROM decision
        INNER JOIN address_group USING (address_group)
        INNER JOIN candidate_pair USING (address_group, dwelling_record_pseudonym)
        WHERE decision.reason <> '{DECIDED_APART}'
        """
    )
    cells = [
        Cell(*row)
        for row in connection.execute(
            "SELECT cell, COUNT(*), AVG(household_probability) FROM review_frame GROUP BY cell ORDER BY cell"
        ).fetchall()
    ]
    sampled = allocate(cells, sample)
    further = teach_most(cells, teach, sampled)
    quota = pa.table(
        {
            "cell": pa.array([cell.name for cell in cells], pa.string()),
            "cell_pairs": pa.array([cell.pairs for cell in cells], pa.int64()),
            "sampled": pa.array([sampled[cell.name] for cell in cells], pa.int64()),
            "further": pa.array([further.get(cell.name, 0) for cell in cells], pa.int64()),
        }
    )
    connection.register("review_quota", quota)
    connection.execute(
        f"""
        CREATE TABLE review_pair AS
        SELECT
            frame.* EXCLUDE (household_probability),
            quota.cell_pairs,
            CASE WHEN drawn_as <= quota.sampled THEN '{ESTIMATE}' ELSE '{TEACH}' END AS purpose
        FROM (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY cell ORDER BY review_case) AS drawn_as
            FROM review_frame
        ) AS frame
        INNER JOIN review_quota AS quota USING (cell)
        WHERE drawn_as <= quota.sampled + quota.further
        """
    )
    connection.execute("ALTER TABLE review_pair DROP COLUMN drawn_as")
    connection.unregister("review_quota")
