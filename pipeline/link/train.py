"""Training: from candidate pairs to m, u, prior and thresholds.

Learning from truth (synthetic households, or pairs that clerical reviewers decided) counts
levels among true and other candidate pairs. See docs/decisions for why candidates and not
random pairs.
"""

import duckdb

from pipeline.link.comparison import COMPARISONS
from pipeline.link.model import Model, Parameters, rounded

#: Pairs added to every level, so that a level no pair reached keeps a finite weight.
_SMOOTHING = 0.5


def untrained_model() -> Model:
    """Return a model that knows nothing: every level equally likely on both sides."""
    return Model(
        prior=0.5,
        levels={
            c.name: {level.id: Parameters(1 / len(c.levels), 1 / len(c.levels)) for level in c.levels}
            for c in COMPARISONS
        },
        upper_match_weight=0.0,
        lower_match_weight=0.0,
        margin_match_weight=0.0,
        trained_on={},
    )


def learn_from_truth(connection: duckdb.DuckDBPyConnection, pairs: str, truth: str) -> Model:
    """Return the model that the labelled candidate pairs give.

    pairs: table of `scoring.score_pairs`. truth: table of true pairs (dwelling_id, nhs_id).
    """
    total, true = connection.execute(
        f"""
        SELECT
            COUNT(*),
            COUNT(truth.nhs_id)
        FROM {pairs} AS pair
        LEFT JOIN {truth} AS truth USING (dwelling_id, nhs_id)
        """
    ).fetchall()[0]
    levels = {}
    for comparison in COMPARISONS:
        counted = {
            level: (matches, others)
            for level, matches, others in connection.execute(
                f"""
                SELECT
                    pair.{comparison.name} AS level,
                    COUNT(truth.nhs_id) AS matches,
                    COUNT(*) - COUNT(truth.nhs_id) AS others
                FROM {pairs} AS pair
                LEFT JOIN {truth} AS truth USING (dwelling_id, nhs_id)
                WHERE pair.{comparison.name} IS NOT NULL
                GROUP BY pair.{comparison.name}
                """
            ).fetchall()
        }
        all_m = sum(m for m, _ in counted.values()) + _SMOOTHING * len(comparison.levels)
        all_u = sum(u for _, u in counted.values()) + _SMOOTHING * len(comparison.levels)
        levels[comparison.name] = {
            level.id: Parameters(
                rounded((counted.get(level.id, (0, 0))[0] + _SMOOTHING) / all_m),
                rounded((counted.get(level.id, (0, 0))[1] + _SMOOTHING) / all_u),
            )
            for level in comparison.levels
        }
    return Model(
        prior=rounded(true / total),
        levels=levels,
        upper_match_weight=2.0,
        lower_match_weight=-2.0,
        margin_match_weight=1.0,
        trained_on={"method": "truth", "candidate_pairs": total, "true_pairs": true},
    )
