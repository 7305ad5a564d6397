"""From counts of levels among true and other candidates to a scorecard's weights.

m and u come from counting. Weights start at log2(m/u) and are then fitted jointly over the
comparisons (penalised logistic regression on the cells of the comparison vectors), because UPRN,
address and names are not independent among the candidates that blocking brings; the
penalty pulls a level that few candidates reach towards its counted weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.link.comparison import Comparison
from pipeline.link.model import Parameters, rounded

#: Candidates added to each level on both sides, so that no weight is infinite.
_SMOOTHING = 0.5
#: Strength of the pull towards the counted weight, in pseudo-candidates.
_PENALTY = 1.0
_MAXIMUM_STEPS = 100


@dataclass(frozen=True)
class Cell:
    """Candidates that share a comparison vector: one level per comparison (None: missing), and counts."""

    levels: tuple[str | None, ...]
    true: int
    other: int


@dataclass(frozen=True)
class Fit:
    """A scorecard's parameters, how the fit came to rest, and the cells that it was fitted to."""

    prior: float
    levels: dict[str, dict[str, Parameters]]
    steps: int
    converged: bool
    cells: tuple[Cell, ...]


def fit(
    cells: Sequence[Cell],
    comparisons: tuple[Comparison, ...],
    start: dict[str, dict[str, float]] | None = None,
) -> Fit:
    """Fit a scorecard to labelled cells.

    start: comparison -> level -> match weight from which the search sets out; the counted
    weights when None. The fitted weights do not depend on it, which is what two starts show.
    """
    true = sum(cell.true for cell in cells)
    total = true + sum(cell.other for cell in cells)
    prior = rounded((true + _SMOOTHING) / (total + 2 * _SMOOTHING))
    counted = {c.name: _counted(cells, n, c) for n, c in enumerate(comparisons)}
    names = [(c.name, level.id) for c in comparisons for level in c.levels]
    design, wins, losses = _design(cells, comparisons, names)
    intercept = np.log(prior / (1 - prior))
    anchor = np.array([np.log(counted[c][level][0] / counted[c][level][1]) for c, level in names])
    weights = anchor.copy()
    if start is not None:
        weights = np.array([start[c][level] * np.log(2) for c, level in names])
    steps, converged = 0, False
    while steps < _MAXIMUM_STEPS and not converged:
        steps += 1
        probability = 1 / (1 + np.exp(-(intercept + design @ weights)))
        gradient = design.T @ (wins - (wins + losses) * probability) - _PENALTY * (weights - anchor)
        curvature = (wins + losses) * probability * (1 - probability)
        hessian = (design.T * curvature) @ design + _PENALTY * np.eye(len(names))
        step = np.linalg.solve(hessian, gradient)
        weights = weights + np.clip(step, -2, 2)
        converged = bool(np.abs(step).max() < 1e-10)
    fitted = {c.name: dict[str, Parameters]() for c in comparisons}
    for (name, level), weight in zip(names, weights, strict=True):
        m, u = counted[name][level]
        fitted[name][level] = Parameters(rounded(m), rounded(u), rounded(float(weight / np.log(2))))
    return Fit(prior, fitted, steps, converged, tuple(cells))


def adapt_prior(
    counts: Sequence[tuple[float, int]], start: float, tolerance: float = 1e-9
) -> tuple[float, int, bool]:
    """Return the prior that maximises the likelihood of unlabelled candidates, steps, and convergence.

    counts: (match weight without the prior, candidates) per cell. start: prior to begin at.
    EM with the weights held: m and u are habits of recording, the prior is the extract's own.
    Source: Saerens, Latinne and Decaestecker, Neural Computation 14 (2002) 21-41.
    """
    odds = np.array([2.0**weight for weight, _ in counts])
    sizes = np.array([size for _, size in counts], dtype=np.float64)
    prior, steps, converged = start, 0, False
    while steps < 10 * _MAXIMUM_STEPS and not converged:
        steps += 1
        posterior = prior * odds / (prior * odds + 1 - prior)
        better = float((sizes * posterior).sum() / sizes.sum())
        converged, prior = abs(better - prior) < tolerance, better
    return rounded(prior), steps, converged


def _counted(cells: Sequence[Cell], n: int, comparison: Comparison) -> dict[str, tuple[float, float]]:
    """Return m and u of each level, smoothed."""
    true = {level.id: _SMOOTHING for level in comparison.levels}
    other = dict(true)
    for cell in cells:
        level = cell.levels[n]
        if level is not None:
            true[level] += cell.true
            other[level] += cell.other
    all_true, all_other = sum(true.values()), sum(other.values())
    return {level: (true[level] / all_true, other[level] / all_other) for level in true}


_Array = npt.NDArray[np.float64]


def _design(
    cells: Sequence[Cell], comparisons: tuple[Comparison, ...], names: list[tuple[str, str]]
) -> tuple[_Array, _Array, _Array]:
    place = {name: n for n, name in enumerate(names)}
    design = np.zeros((len(cells), len(names)))
    for row, cell in enumerate(cells):
        for comparison, level in zip(comparisons, cell.levels, strict=True):
            if level is not None:
                design[row, place[comparison.name, level]] = 1
    wins = np.array([cell.true for cell in cells], dtype=np.float64)
    losses = np.array([cell.other for cell in cells], dtype=np.float64)
    return design, wins, losses
