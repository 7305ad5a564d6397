"""What another limit of acceptance would give, and which limit suits which use of the links.

Expected precision is the mean probability of the links; expected recall is their expected number of right
links, of the expected number among all candidates. Both are the model's own, and pairs that were never
compared are not part of them (see `capture`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.link.comparison import TOO_WEAK_TO_LINK
from pipeline.link.model import Scorecard

#: Limits that are tried: match weights (log2).
LIMITS = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True)
class AtLimit:
    """The links with this limit of acceptance. precision, recall: expected; None where nothing is linked."""

    match_weight: float
    links: int
    precision: float | None
    recall: float | None

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        rounded = {
            name: None if (value := getattr(self, name)) is None else round(value, 4)
            for name in ("precision", "recall")
        }
        return {"match_weight": self.match_weight, "links": self.links, **rounded}


@dataclass(frozen=True)
class Use:
    """A use of links, and what it needs. measure: "precision" or "recall"; least: its lowest value."""

    name: str
    measure: str
    least: float


#: Published counts and rates use the model's own limit; these uses need another one.
USES = (
    Use("a cohort whose members must be right", "precision", 0.995),
    Use("a list from which few may be missing", "recall", 0.995),
)


def at_limits(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> tuple[AtLimit, ...]:
    """Return the result at each limit, and at the model's own. Reads `candidate_pair` and `decision`."""
    limits = sorted({*LIMITS, card.upper_match_weight})
    rows = connection.execute(
        f"""
        WITH best AS (
            SELECT
                decision.match_weight,
                candidate_pair.household_probability AS probability
            FROM decision
            INNER JOIN candidate_pair USING (address_group, dwelling_record_pseudonym)
            WHERE COALESCE(decision.margin_match_weight >= $margin, TRUE)
              AND (decision.people IS NULL OR decision.people NOT IN {TOO_WEAK_TO_LINK})
        ),
        every AS (SELECT SUM(household_probability) AS probability FROM candidate_pair)
        SELECT
            edge.match_weight,
            COUNT(best.match_weight),
            AVG(best.probability),
            SUM(best.probability) / ANY_VALUE(every.probability)
        FROM (SELECT UNNEST($limits) AS match_weight) AS edge
        CROSS JOIN every
        LEFT JOIN best ON best.match_weight >= edge.match_weight
        GROUP BY edge.match_weight
        ORDER BY edge.match_weight
        """,
        {"margin": card.margin_match_weight, "limits": limits},
    ).fetchall()
    return tuple(AtLimit(*row) for row in rows)


def limits_for_uses(limits: Sequence[AtLimit]) -> Mapping[str, AtLimit | None]:
    """Return for each use the lowest limit with the precision, or the highest with the recall.

    None where no limit that was tried meets it.
    """
    found: dict[str, AtLimit | None] = {}
    for use in USES:
        enough = [x for x in limits if (value := getattr(x, use.measure)) is not None and value >= use.least]
        ordered = enough if use.measure == "precision" else enough[::-1]
        found[use.name] = next(iter(ordered), None)
    return found
