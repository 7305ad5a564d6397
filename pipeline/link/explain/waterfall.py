"""A waterfall: how a candidate's match weight adds up, from the prior over each level to the sum.

Every number of a step can be checked by hand: the weight is in the model's file, the sum is that of the step
before plus the weight, odds are 2 to the power of the sum, and probability is odds / (1 + odds).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.link.level import Comparison
from pipeline.link.model import Scorecard


@dataclass(frozen=True)
class Step:
    """One step. comparison: None for the prior. level: id; None where there was nothing to compare.

    match_weight: what the step adds (log2); total: the sum so far.
    """

    comparison: str | None
    meaning: str
    level: str | None
    match_weight: float
    total: float

    @property
    def odds(self) -> float:
        """Odds that the candidate is true, after this step."""
        return float(2**self.total)

    @property
    def probability(self) -> float:
        """Probability that the candidate is true, after this step."""
        return self.odds / (1 + self.odds)

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "comparison": self.comparison,
            "level": self.level,
            "meaning": self.meaning,
            "match_weight": round(self.match_weight, 6),
            "bayes_factor": float(f"{2**self.match_weight:.6g}"),
            "total": round(self.total, 6),
            "odds": float(f"{self.odds:.6g}"),
            "probability": round(self.probability, 6),
        }


def waterfall(
    card: Scorecard, comparisons: Iterable[Comparison], reached: Mapping[str, str | None]
) -> tuple[Step, ...]:
    """Return the steps of a candidate. reached: comparison -> id of the level reached, or None."""
    total = card.prior_match_weight
    steps = [Step(None, f"prior: {card.prior:.6g} of the candidates are true", None, total, total)]
    for comparison in comparisons:
        level = reached[comparison.name]
        weight = 0.0 if level is None else card.levels[comparison.name][level].match_weight
        total += weight
        words = next((x.meaning for x in comparison.levels if x.id == level), "nothing to compare")
        steps.append(Step(comparison.name, words, level, weight, total))
    return tuple(steps)
