"""A model adapted to verdicts: the weights of the scorecard `recorded` move to what people decided.

The verdicts are few, and the base model was learned from many candidates. So each level's weight moves from
the base only as far as the verdicts support it: the posterior mode of a logistic regression on the verdicts,
with the base weights as its prior (standard deviation 1 bit for a level, 2 bits for the prior of the
candidates).

Each verdict represents the pairs of its cell, divided by the verdicts in it. These weights are scaled to
Kish's effective number of verdicts. A level with more evidence still never weighs less than one with less.

Source: L. Kish, Survey Sampling (1965), 11.7; A. Gelman and others, Ann. Appl. Stat. 2 (2008) 1360-1383.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.link.comparison import SCORECARDS
from pipeline.link.model import Model, Scorecard, rounded

_Array = npt.NDArray[np.float64]
_CARD = "recorded"
_LEVEL_SD, _PRIOR_SD = math.log(2), 2 * math.log(2)
_STEPS, _TOLERANCE = 100, 1e-9


@dataclass(frozen=True)
class Label:
    """A verdict as a label: the levels of its pair, the answer, and the pairs of its cell."""

    place: str | None
    people: str | None
    is_same: bool
    cell_pairs: int


@dataclass(frozen=True)
class Refit:
    """The adapted model. effective: Kish's number of verdicts."""

    model: Model
    verdicts: int
    effective: float


def refit(base: Model, labels: Sequence[Label]) -> Refit:
    """Return `base` with the scorecard `recorded` adapted to the labels; at least one label is needed."""
    card = base.scorecards[_CARD]
    names = [(c.name, level.id) for c in SCORECARDS[_CARD] for level in c.levels]
    place = {name: n + 1 for n, name in enumerate(names)}
    design = np.zeros((len(labels), len(names) + 1))
    design[:, 0] = 1
    for row, label in enumerate(labels):
        for comparison, level in (("place", label.place), ("people", label.people)):
            if level is not None:
                design[row, place[comparison, level]] = 1
    answers = np.array([label.is_same for label in labels], dtype=np.float64)
    weights = _weights(labels)
    begin = math.log(2) * np.array(
        [card.prior_match_weight, *(card.levels[c][level].match_weight for c, level in names)]
    )
    precision = np.array([_PRIOR_SD**-2, *([_LEVEL_SD**-2] * len(names))])
    found = _mode(design, answers, weights, begin, precision) / math.log(2)
    adapted = {name: float(value) for name, value in zip(names, found[1:], strict=True)}
    model = Model(
        {**base.scorecards, _CARD: _adapted_card(card, float(found[0]), adapted)},
        {
            "method": "weights of the base model adapted to verdicts of reviewers",
            "base_model": base.digest,
            "verdicts": len(labels),
            "effective_verdicts": rounded(float(weights.sum())),
        },
    )
    return Refit(model, len(labels), float(weights.sum()))


def refit_card(base: Model, adapted: Refit) -> str:
    """Return a card in Markdown: what the verdicts changed, for the people who approve the model."""
    lines = [
        "# Linkage model adapted to verdicts of reviewers",
        "",
        f"Digest: `{adapted.model.digest}`. Base model: `{base.digest}`.",
        "",
        f"Verdicts: {adapted.verdicts:,} (effective number {adapted.effective:.0f}). Only the scorecard"
        f" `{_CARD}` differs, and its limits are those of the base. m and u are still the counted shares of"
        " the base.",
        "",
        "| Comparison | Level | Base | Adapted |",
        "|---|---|---:|---:|",
    ]
    before, after = base.scorecards[_CARD], adapted.model.scorecards[_CARD]
    lines.append(f"| prior | | {before.prior_match_weight:+.4f} | {after.prior_match_weight:+.4f} |")
    lines += [
        f"| `{comparison}` | `{level}` | {p.match_weight:+.4f} |"
        f" {after.levels[comparison][level].match_weight:+.4f} |"
        for comparison, levels in before.levels.items()
        for level, p in levels.items()
    ]
    return "\n".join([*lines, ""])


def _weights(labels: Sequence[Label]) -> _Array:
    """Return each verdict's weight; they add up to Kish's effective number of verdicts."""
    cells = [(label.place, label.people, label.cell_pairs) for label in labels]
    taken = Counter(cells)
    weights = np.array([cell[2] / taken[cell] for cell in cells], dtype=np.float64)
    effective = weights.sum() ** 2 / (weights**2).sum()
    scaled: _Array = weights * effective / weights.sum()
    return scaled


def _mode(design: _Array, answers: _Array, weights: _Array, begin: _Array, precision: _Array) -> _Array:
    """Return the posterior mode by Newton's method; the penalised likelihood has one maximum."""
    values = begin.copy()
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(design @ values, -500, 500)))
        gradient = design.T @ (weights * (answers - probability)) - precision * (values - begin)
        spread = weights * probability * (1 - probability)
        step = np.linalg.solve(design.T @ (design * spread[:, None]) + np.diag(precision), gradient)
        # A longer step than a few bits can overshoot where a cell's answers contradict the base.
        values = values + step / max(1.0, float(np.abs(step).max()) / 2)
        if float(np.abs(step).max()) < _TOLERANCE:
            break
    return values


def _adapted_card(card: Scorecard, prior: float, weights: dict[tuple[str, str], float]) -> Scorecard:
    for comparison in SCORECARDS[_CARD]:
        _make_monotone(
            comparison.at_least, {level.id for level in comparison.levels}, comparison.name, weights
        )
    odds = 2**prior
    return replace(
        card,
        prior=rounded(odds / (1 + odds)),
        levels={
            comparison: {
                level: replace(p, match_weight=rounded(weights[comparison, level]))
                for level, p in levels.items()
            }
            for comparison, levels in card.levels.items()
        },
    )


def _make_monotone(
    order: Sequence[tuple[str, str]], levels: set[str], comparison: str, weights: dict[tuple[str, str], float]
) -> None:
    """Give levels in the wrong order their mean, together with all levels that they are tied to."""
    block = {level: {level} for level in levels}
    while True:
        wrong = next(
            (
                (more, less)
                for more, less in order
                if block[more] is not block[less]
                and weights[comparison, more] < weights[comparison, less] - 1e-12
            ),
            None,
        )
        if wrong is None:
            return
        joined = block[wrong[0]] | block[wrong[1]]
        mean = math.fsum(weights[comparison, level] for level in joined) / len(joined)
        for level in joined:
            block[level] = joined
            weights[comparison, level] = mean


def labels_of(rows: Sequence[dict[str, Any]]) -> tuple[Label, ...]:
    """Return one label for each verdict. rows: of the table of verdicts, one a verdict and NHS record."""
    by_verdict = {row["verdict_id"]: row for row in rows}
    return tuple(
        Label(row["place"], row["people"], row["is_same"], row["cell_pairs"])
        for _, row in sorted(by_verdict.items())
    )
