"""How sure a trained model is: bootstrap intervals of its weights, and links against each limit.

The standard errors of a fit assume that candidates are independent. Those of one household, of one street and
of one population are not. So whole populations are drawn with replacement, and everything is fitted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from pipeline.link.comparison import SCORECARDS
from pipeline.link.model import Scorecard
from pipeline.link.query import SQL
from pipeline.link.token_overlap import Flags
from pipeline.link.training.fitting import Cell, Fit, fit, pooled

#: Draws of populations; the 95% interval lies between the second and the second last of forty.
_DRAWS = 40
_SEED = 20260331
#: Values of each limit that the card shows, as differences from the model's own.
_STEPS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
_MARGINS = (0.0, 1.0, 2.0, 3.0, 4.0)

Intervals = Mapping[str, Mapping[str, tuple[float, float]]]


@dataclass(frozen=True)
class Sensitivity:
    """Links of the training populations at one value of one limit. right: of them, those of true pairs."""

    scorecard: str
    limit: str
    value: float
    is_chosen: bool
    links: int
    right: int


def bootstrap_intervals(name: str, cells: Sequence[Sequence[Cell]]) -> Intervals | None:
    """Return the 95% interval of each match weight of a scorecard; None with fewer than three populations.

    cells: those of each population.
    """
    if len(cells) < 3:
        return None
    random = np.random.default_rng(_SEED)
    drawn = [random.integers(0, len(cells), len(cells)) for _ in range(_DRAWS)]
    together = fit(pooled(cells), SCORECARDS[name])
    start = {
        c: {level: p.match_weight for level, p in levels.items()} for c, levels in together.levels.items()
    }
    fits = [fit(pooled([cells[n] for n in draw]), SCORECARDS[name], start) for draw in drawn]
    return {
        comparison.name: {
            level.id: _interval([f.levels[comparison.name][level.id].match_weight for f in fits])
            for level in comparison.levels
        }
        for comparison in SCORECARDS[name]
    }


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def sensitivity(
    connections: Sequence[duckdb.DuckDBPyConnection], cards: Mapping[str, Scorecard]
) -> list[Sensitivity]:
    """Return the links of `recorded` and `moved` against their upper limit and their margin."""
    found = []
    for name in ("recorded", "moved"):
        card = cards[name]
        best = SQL.filled("best_candidate", pairs=f"{name}_pair")
        limits = {
            "lower_match_weight": card.lower_match_weight,
            "upper_match_weight": card.upper_match_weight,
            "margin_match_weight": card.margin_match_weight,
        }
        query = f"""
            SELECT
                best.match_weight,
                COALESCE(best.margin_match_weight, 'infinity'::DOUBLE),
                true_unit.nhs_id IS NOT NULL
            FROM ({best}) AS best
            LEFT JOIN true_unit
                ON true_unit.dwelling_id = best.dwelling_id AND true_unit.nhs_id = best.nhs_id
        """
        rows = [row for connection in connections for row in connection.execute(query, limits).fetchall()]
        weight, margin, right = (np.array(column) for column in zip(*rows, strict=True))
        for value in (card.upper_match_weight + step for step in _STEPS):
            is_linked = (weight >= value) & (margin >= card.margin_match_weight)
            found.append(_count(name, "upper", value, card.upper_match_weight, is_linked, right))
        for value in _MARGINS:
            is_linked = (weight >= card.upper_match_weight) & (margin >= value)
            found.append(_count(name, "margin", value, card.margin_match_weight, is_linked, right))
    return found


def residence_sensitivity(fitted: Fit, card: Scorecard) -> list[Sensitivity]:
    """Return the members who stay against the limit of the scorecard `residence`."""
    weights = np.array([card.weight_of(cell.levels) for cell in fitted.cells])
    true = np.array([cell.true for cell in fitted.cells])
    total = true + np.array([cell.other for cell in fitted.cells])
    values = [card.upper_match_weight + step / 2 for step in _STEPS]
    return [
        Sensitivity(
            "residence",
            "upper",
            value,
            value == card.upper_match_weight,
            int(total[weights >= value].sum()),
            int(true[weights >= value].sum()),
        )
        for value in values
    ]


def _count(name: str, limit: str, value: float, chosen: float, is_linked: Flags, right: Flags) -> Sensitivity:
    return Sensitivity(
        name, limit, value, value == chosen, int(is_linked.sum()), int((is_linked & right).sum())
    )
