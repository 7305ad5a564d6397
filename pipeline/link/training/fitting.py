"""Fitting: the parameters of a scorecard from candidates whose truth is known, and its prior from others.

m and u are counted (Fellegi and Sunter). The counted weight log2(m/u) is right if comparisons are
independent. UPRN, address and names are not independent among the candidates that blocking finds, so the
weights are fitted jointly: a logistic regression on the cells of the comparison vectors, by Newton's
method, with a ridge penalty towards the counted weights, which matters for levels that few candidates reach.
The penalised likelihood has one maximum, so the fit does not depend on where it starts.

Without truth only the prior is fitted, by EM (`adapt_prior`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.link.comparison import Comparison
from pipeline.link.model import Parameters, rounded

#: Added to the true and to the other candidates of each level, so that no weight is infinite.
_SMOOTHING = 0.5
#: Strength of the ridge penalty towards the counted weights (natural logarithms).
_PENALTY = 1.0
_MAXIMUM_STEPS = 100
#: A step changes a weight by at most this much (natural logarithms).
_MAXIMUM_CHANGE = 2


@dataclass(frozen=True)
class Cell:
    """The candidates with one comparison vector: a level per comparison (None: missing), and two counts."""

    levels: tuple[str | None, ...]
    true: int
    other: int


@dataclass(frozen=True)
class Fit:
    """A scorecard's parameters, the steps of the fit and whether it converged, and the cells fitted to."""

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
    """Fit a scorecard to cells of candidates whose truth is known.

    start: comparison -> level -> match weight (log2) at which the fit starts; by default the counted weights.
    Fitting from a second start shows that the result does not depend on it.
    """
    true = sum(cell.true for cell in cells)
    total = true + sum(cell.other for cell in cells)
    prior = rounded((true + _SMOOTHING) / (total + 2 * _SMOOTHING))
    counted = {c.name: _counted(cells, n, c) for n, c in enumerate(comparisons)}
    names = [(c.name, level.id) for c in comparisons for level in c.levels]
    design, true_counts, other_counts = _design(cells, comparisons, names)
    intercept = np.log(prior / (1 - prior))
    anchor = np.array([np.log(counted[c][level][0] / counted[c][level][1]) for c, level in names])
    weights = anchor.copy()
    if start is not None:
        weights = np.array([start[c][level] * np.log(2) for c, level in names])
    steps, converged = 0, False
    while steps < _MAXIMUM_STEPS and not converged:
        steps += 1
        probability = 1 / (1 + np.exp(-(intercept + design @ weights)))
        gradient = design.T @ (true_counts - (true_counts + other_counts) * probability) - _PENALTY * (
            weights - anchor
        )
        curvature = (true_counts + other_counts) * probability * (1 - probability)
        hessian = (design.T * curvature) @ design + _PENALTY * np.eye(len(names))
        step = np.linalg.solve(hessian, gradient)
        weights = weights + np.clip(step, -_MAXIMUM_CHANGE, _MAXIMUM_CHANGE)
        converged = bool(np.abs(step).max() < 1e-10)
    fitted = {c.name: dict[str, Parameters]() for c in comparisons}
    for (name, level), weight in zip(names, weights, strict=True):
        m, u = counted[name][level]
        fitted[name][level] = Parameters(rounded(m), rounded(u), rounded(float(weight / np.log(2))))
    return Fit(prior, fitted, steps, converged, tuple(cells))


def adapt_prior(
    counts: Sequence[tuple[float, int]], start: float, tolerance: float = 1e-9
) -> tuple[float, int, bool]:
    """Return the prior with the greatest likelihood for candidates without truth, the steps, and convergence.

    counts: (match weight without the prior, number of candidates) per cell. start: the prior to start at.
    EM in which only the prior changes: m and u describe how controllers record, which carries over to other
    extracts, while the prior depends on the extract.
    Source: Saerens, Latinne and Decaestecker, Neural Computation 14 (2002) 21-41.
    """
    bayes_factors = np.array([2.0**weight for weight, _ in counts])
    sizes = np.array([size for _, size in counts], dtype=np.float64)
    prior, steps, converged = start, 0, False
    while steps < 10 * _MAXIMUM_STEPS and not converged:
        steps += 1
        posterior = prior * bayes_factors / (prior * bayes_factors + 1 - prior)
        updated = float((sizes * posterior).sum() / sizes.sum())
        converged, prior = abs(updated - prior) < tolerance, updated
    return rounded(prior), steps, converged


def _counted(cells: Sequence[Cell], n: int, comparison: Comparison) -> dict[str, tuple[float, float]]:
    """Return m and u of each level of comparison n, smoothed."""
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
    """Return the design matrix (one row per cell, one 0/1 column per level) and both counts of each cell."""
    column_of = {name: n for n, name in enumerate(names)}
    design = np.zeros((len(cells), len(names)))
    for row, cell in enumerate(cells):
        for comparison, level in zip(comparisons, cell.levels, strict=True):
            if level is not None:
                design[row, column_of[comparison.name, level]] = 1
    true_counts = np.array([cell.true for cell in cells], dtype=np.float64)
    other_counts = np.array([cell.other for cell in cells], dtype=np.float64)
    return design, true_counts, other_counts
