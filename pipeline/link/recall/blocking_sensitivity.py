"""What each blocking rule contributes: every decision again without the pairs that only that rule finds.

The decisions are made by the statement that the run uses (`best_candidate.sql`), so a group whose best
dwelling is no longer a candidate may be linked to its second best.
"""

from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.group.blocking import RECORDED_RULES
from pipeline.link.comparison import TOO_WEAK_TO_LINK
from pipeline.link.model import Scorecard
from pipeline.link.query import SQL


@dataclass(frozen=True)
class WithoutRule:
    """The result without one rule.

    found: pairs that the rule finds. only: pairs that no other rule finds. lost, gained, changed: groups that
    are no longer linked, newly linked, or linked to another dwelling. lost_probability: sum of the household
    probabilities of lost and changed links, which is the expected number of right links among them.
    """

    rule: str
    found: int
    only: int
    lost: int
    gained: int
    changed: int
    lost_probability: float

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {**vars(self), "lost_probability": round(self.lost_probability, 2)}


def blocking_sensitivity(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> tuple[WithoutRule, ...]:
    """Return the result without each rule. Reads `candidate_pair`; card: the scorecard `recorded`."""
    _decide(connection, card, "with_all", "TRUE")
    results = []
    for n, rule in enumerate(RECORDED_RULES):
        others = sum(1 << m for m in range(len(RECORDED_RULES)) if m != n)
        _decide(connection, card, "without_rule", f"blocking_bits & {others} > 0")
        row = connection.execute(
            f"""
            SELECT
                (SELECT COUNT(*) FROM candidate_pair WHERE blocking_bits & {1 << n} > 0),
                (SELECT COUNT(*) FROM candidate_pair WHERE blocking_bits & {others} = 0),
                COUNT(*) FILTER (other.nhs_id IS NULL),
                COUNT(*) FILTER (base.nhs_id IS NULL),
                COUNT(*) FILTER (base.dwelling_id <> other.dwelling_id),
                COALESCE(
                    SUM(base.household_probability)
                    FILTER (other.nhs_id IS NULL OR base.dwelling_id <> other.dwelling_id),
                    0
                )
            FROM with_all AS base
            FULL JOIN without_rule AS other ON other.nhs_id = base.nhs_id
            """
        ).fetchall()[0]
        results.append(WithoutRule(rule.id, *row))
    return tuple(results)


def _decide(connection: duckdb.DuckDBPyConnection, card: Scorecard, table: str, condition: str) -> None:
    """Create `table`: the links (nhs_id, dwelling_id) that follow from the pairs that meet the condition."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE sensitivity_pair AS
        SELECT * RENAME (address_group AS nhs_id, dwelling_record_pseudonym AS dwelling_id)
        FROM candidate_pair
        WHERE {condition}
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {table} AS
        WITH best AS ({SQL.filled("best_candidate", pairs="sensitivity_pair")})
        SELECT nhs_id, dwelling_id, household_probability
        FROM best
        WHERE reason = 'linked'
          AND (people IS NULL OR people NOT IN {TOO_WEAK_TO_LINK})
        """,
        {
            "upper_match_weight": card.upper_match_weight,
            "lower_match_weight": card.lower_match_weight,
            "margin_match_weight": card.margin_match_weight,
        },
    )
