"""Fitting: the parameters of a scorecard from candidates whose truth is known, and its prior from others.

m and u are counted (Fellegi and Sunter). The counted weight log2(m/u) is right if comparisons are
independent. UPRN, address and names are not independent among the candidates that blocking finds, so the
weights are fitted jointly: a logistic regression on the cells of the comparison vectors, by Newton's
method, with a ridge penalty towards the counted weights, which matters for levels that few candidates reach.
The penalised likelihood has one maximum, so the fit does not depend on where it starts. The weights of a
comparison that an extract may lack (`is_optional`) are fitted afterwards, with the others fixed. A level with
more evidence never has a lower weight than one with less (`Comparison.at_least`).

Without truth only the priors are fitted, by EM (`adapt_prior`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.link.comparison import Comparison
from pipeline.link.model import Parameters, rounded

_Array = npt.NDArray[np.float64]

#: Added to the true and to the other candidates of each level, so that no weight is infinite.
_SMOOTHING = 0.5
#: Strength of the ridge penalty towards the counted weights (natural logarithms).
_PENALTY = 1.0
_MAXIMUM_STEPS = 100
#: The fit has converged when no weight would change by more than this (natural logarithms).
_TOLERANCE = 1e-9
#: Least share of a step that is tried.
_SHORTEST = 1e-6


@dataclass(frozen=True)
class Cell:
    """The candidates with one comparison vector: a level per comparison (None: missing), and two counts."""

    levels: tuple[str | None, ...]
    true: int
    other: int


@dataclass(frozen=True)
class Fit:
    """A scorecard's parameters, the steps of the fit and whether it converged, and the cells fitted to.

    standard_errors: of each level's match weight (log2), given the penalty; comparison -> level.
    """

    prior: float
    levels: dict[str, dict[str, Parameters]]
    steps: int
    converged: bool
    cells: tuple[Cell, ...]
    standard_errors: dict[str, dict[str, float]]


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
    is_optional = np.array([c.is_optional for c in comparisons for _ in c.levels])
    anchor = np.array([np.log(counted[c][level][0] / counted[c][level][1]) for c, level in names])
    # Without them the other weights must be right, so these correct what the others leave.
    anchor[is_optional] = 0
    begin = anchor if start is None else np.array([start[c][level] * np.log(2) for c, level in names])
    order = _order(comparisons, names)
    weights, errors = np.zeros(len(names)), np.zeros(len(names))
    offset = np.full(len(cells), np.log(prior / (1 - prior)))
    steps, converged = 0, True
    for part in (~is_optional, is_optional):
        if part.any():
            fitted = _monotone(
                _Problem(design[:, part], true_counts, other_counts, offset, anchor[part]),
                begin[part],
                _restricted(order, part),
            )
            weights[part], errors[part] = fitted.weights, fitted.errors
            steps, converged = steps + fitted.steps, converged and fitted.converged
            offset = offset + design[:, part] @ fitted.weights
    levels = {c.name: dict[str, Parameters]() for c in comparisons}
    standard_errors = {c.name: dict[str, float]() for c in comparisons}
    for (name, level), weight, error in zip(names, weights, errors, strict=True):
        m, u = counted[name][level]
        levels[name][level] = Parameters(rounded(m), rounded(u), rounded(float(weight / np.log(2))))
        standard_errors[name][level] = float(error / np.log(2))
    return Fit(prior, levels, steps, converged, tuple(cells), standard_errors)


@dataclass(frozen=True)
class _Problem:
    """A penalised logistic regression: the weights of the columns of `design`, given an offset per cell."""

    design: _Array
    true: _Array
    other: _Array
    offset: _Array
    anchor: _Array


@dataclass(frozen=True)
class _Solution:
    weights: _Array
    errors: _Array
    steps: int
    converged: bool


def _monotone(problem: _Problem, begin: _Array, order: list[tuple[int, int]]) -> _Solution:
    """Return the fit in which no weight is lower than that of a level with less evidence.

    order: pairs of columns (more evidence, less). Two levels that violate their order get one weight in
    common, and everything is fitted again, until none does.
    """
    group = np.arange(len(begin))
    while True:
        ties = np.zeros((len(begin), int(group.max(initial=-1)) + 1))
        ties[np.arange(len(begin)), group] = 1
        solution = _solve(problem, begin, ties)
        wrong = [
            (more, less)
            for more, less in order
            if group[more] != group[less] and solution.weights[more] < solution.weights[less]
        ]
        if not wrong:
            return solution
        begin = solution.weights
        # One pair at a time, the worst first: a later fit may leave the others in order.
        more, less = max(wrong, key=lambda pair: solution.weights[pair[1]] - solution.weights[pair[0]])
        group[group == group[more]] = group[less]
        group = np.unique(group, return_inverse=True)[1]


def _solve(problem: _Problem, begin: _Array, ties: _Array) -> _Solution:
    """Fit by Newton's method; columns of `ties` are the levels that have one weight in common."""
    design, penalty = problem.design @ ties, _PENALTY * ties.T @ ties
    weights = np.linalg.solve(ties.T @ ties, ties.T @ begin)
    pulled = _PENALTY * ties.T @ problem.anchor
    total = problem.true + problem.other

    def loss(weights: npt.NDArray[np.floating[Any]]) -> float:
        log_odds = problem.offset + design @ weights
        misfit = total * np.logaddexp(0, log_odds) - problem.true * log_odds
        return float(misfit.sum() + weights @ penalty @ weights / 2 - weights @ pulled)

    steps, converged = 0, False
    hessian = penalty
    while steps < _MAXIMUM_STEPS and not converged:
        steps += 1
        probability = 1 / (1 + np.exp(-(problem.offset + design @ weights)))
        gradient = design.T @ (problem.true - total * probability) - penalty @ weights + pulled
        hessian = (design.T * (total * probability * (1 - probability))) @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        converged = bool(np.abs(step).max() < _TOLERANCE)
        # A whole step can lead away from the maximum; a short enough one never does.
        length, before = 1.0, loss(weights)
        while length > _SHORTEST and loss(weights + length * step) > before:
            length /= 2
        weights = weights + length * step
    errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
    return _Solution(ties @ weights, ties @ errors, steps, converged)


def _order(comparisons: tuple[Comparison, ...], names: list[tuple[str, str]]) -> list[tuple[int, int]]:
    column = {name: n for n, name in enumerate(names)}
    return [(column[c.name, more], column[c.name, less]) for c in comparisons for more, less in c.at_least]


def _restricted(order: list[tuple[int, int]], part: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the pairs of columns that are both in this part, numbered within it."""
    number = np.cumsum(part) - 1
    return [(int(number[more]), int(number[less])) for more, less in order if part[more] and part[less]]


def pooled(populations: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Return one cell per comparison vector, with the counts of all populations, in a fixed order."""
    true: Counter[tuple[str | None, ...]] = Counter()
    other: Counter[tuple[str | None, ...]] = Counter()
    for cells in populations:
        for cell in cells:
            true[cell.levels] += cell.true
            other[cell.levels] += cell.other
    ordered = sorted(true, key=lambda levels: [(level is not None, level or "") for level in levels])
    return [Cell(levels, true[levels], other[levels]) for levels in ordered]


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
