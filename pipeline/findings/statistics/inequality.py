"""Slope and relative index of inequality: how far a measure differs from the most to the least deprived.

The values of the quantiles are regressed on the mid-point of each quantile in the
cumulative population (ridit), weighted by population. The limits are simulated: values
are drawn around the given values, on the scale on which their error is symmetric.
Source: Low and Low 2004, Journal of Public Health 26:388-395; PHE technical guide,
as in `phe_sii` of the R package PHEindicatormethods.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from pipeline.statistics.interval import Column, Interval, Numbers, confidence_level

#: "normal": any measure with symmetric error; "rate" is drawn on the log, "proportion" on the logit scale.
VALUE_TYPES = ("normal", "rate", "proportion")
MINIMUM_QUANTILES = 5
MINIMUM_REPETITIONS = 1000


@dataclass(frozen=True)
class QuantileValues:
    """The values of one measure by quantile, with their errors.

    quantile: label of each quantile, 1 the most deprived; population, value: of each quantile.
    value_type: "normal", "rate", "proportion" (or 0, 1, 2). x: count, in place of value, for a proportion.
    Either se, or 95% limits lower_cl and upper_cl. se is on the scale of the draws (log for a rate, logit
    for a proportion); limits are on the scale of the value.
    """

    quantile: Column
    population: Column
    value: Column | None = None
    value_type: str | int = "normal"
    x: Column | None = None
    lower_cl: Column | None = None
    upper_cl: Column | None = None
    se: Column | None = None


@dataclass(frozen=True)
class InequalityIndices:
    """Both indices and the intercept (the fitted value of the most deprived end)."""

    slope: Interval
    relative: Interval
    intercept: float


def slope_index_of_inequality(
    values: QuantileValues,
    multiplier: float = 1.0,
    transform: bool = False,
    confidence: float = 0.95,
    repetitions: int = 100_000,
    seed: int = 20_260_331,
) -> Interval:
    """Return the fitted value at the least deprived end (rank 1) minus that at the most deprived (rank 0).

    multiplier: of value and limits; a negative one reverses the sign.
    transform: fit on the log (rate) or logit (proportion) scale and return the result on the value's scale.
    repetitions, seed: of the simulation; the same seed gives the same limits.
    """
    return inequality_indices(values, multiplier, transform, confidence, repetitions, seed).slope


def relative_index_of_inequality(
    values: QuantileValues,
    multiplier: float = 1.0,
    transform: bool = False,
    confidence: float = 0.95,
    repetitions: int = 100_000,
    seed: int = 20_260_331,
) -> Interval:
    """Return the fitted value at the least deprived end (rank 1) divided by that at the most deprived end.

    Arguments as for `slope_index_of_inequality`; a negative multiplier gives the inverse ratio.
    """
    return inequality_indices(values, multiplier, transform, confidence, repetitions, seed).relative


def inequality_indices(
    values: QuantileValues,
    multiplier: float = 1.0,
    transform: bool = False,
    confidence: float = 0.95,
    repetitions: int = 100_000,
    seed: int = 20_260_331,
) -> InequalityIndices:
    """Return slope and relative index from one simulation; arguments as for `slope_index_of_inequality`."""
    kind = _value_type(values.value_type)
    if transform and (kind == "normal" or values.se is not None):
        raise ValueError("transform needs a rate or a proportion, with limits rather than se")
    if repetitions < MINIMUM_REPETITIONS:
        raise ValueError(f"at least {MINIMUM_REPETITIONS} repetitions are needed")
    ranks = _ranks(values.quantile)
    order = np.argsort(ranks, kind="stable")
    people = _known(values.population, order, "population")
    if values.value is not None:
        given = _known(values.value, order, "value")
    elif values.x is not None and kind == "proportion":
        given = _known(values.x, order, "x") / people
    else:
        raise ValueError("give the value of each quantile, or x for a proportion")
    error = _error(kind, order, values)
    _check_quantiles(ranks, people)
    centre = _to_scale(kind, given)
    draws = np.random.default_rng(seed).normal(centre[:, None], error[:, None], (len(centre), repetitions))
    fitted = centre if transform else given
    drawn = draws if transform else _from_scale(kind, draws)
    coefficients = _regression(people)
    at_zero, slope = coefficients @ fitted
    zeros, slopes = coefficients @ drawn
    level = confidence_level(confidence)
    if transform:
        return _back_transformed(kind, at_zero, slope, slopes, multiplier, level)
    low, high = _limits(slopes * multiplier, level)
    ratios = (zeros + slopes) / zeros
    ratio = (at_zero + slope) / at_zero
    if multiplier < 0:
        ratios, ratio = 1 / ratios, 1 / ratio
    return InequalityIndices(
        Interval(float(slope * multiplier), low, high),
        Interval(float(ratio), *_limits(ratios, level)),
        float(at_zero * (abs(multiplier))),
    )


def ridit_scores(population: Column) -> Numbers:
    """Return the mid-point of each quantile in the cumulative population, 0 to 1, in the order given."""
    people = np.asarray(population, dtype=np.float64)
    share = people / people.sum()
    return np.asarray(np.cumsum(share) - share / 2)


def _value_type(value_type: str | int) -> str:
    kind = {str(number): name for number, name in enumerate(VALUE_TYPES)}.get(
        str(value_type), str(value_type)
    )
    if kind not in VALUE_TYPES:
        raise ValueError(f"value_type must be one of {', '.join(VALUE_TYPES)}, or 0, 1, 2")
    return kind


def _ranks(quantile: Column) -> Numbers:
    """Return the quantiles as numbers: sorted as text, 10 would be before 2."""
    try:
        return np.asarray(quantile, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("quantiles are numbers, 1 the most deprived") from None


def _known(column: Column | None, order: npt.NDArray[np.intp], name: str) -> Numbers:
    values = np.asarray(column, dtype=np.float64)
    if values.shape != order.shape or np.isnan(values).any():
        raise ValueError(f"{name} must be known for every quantile")
    return values[order]


def _error(kind: str, order: npt.NDArray[np.intp], values: QuantileValues) -> Numbers:
    if values.se is not None:
        error = _known(values.se, order, "se")
        if (error < 0).any():
            raise ValueError("standard errors must not be negative")
        return error
    if values.lower_cl is None or values.upper_cl is None:
        raise ValueError("give se, or both lower_cl and upper_cl")
    lower = _to_scale(kind, _known(values.lower_cl, order, "lower_cl"))
    upper = _to_scale(kind, _known(values.upper_cl, order, "upper_cl"))
    return (upper - lower) / 2 / float(stats.norm.ppf(0.975))


def _check_quantiles(quantile: Numbers, people: Numbers) -> None:
    if len(np.unique(quantile)) != len(quantile) or len(quantile) < MINIMUM_QUANTILES:
        raise ValueError(f"at least {MINIMUM_QUANTILES} quantiles are needed, each once")
    if (people <= 0).any():
        raise ValueError("every quantile needs a population above zero")


def _regression(people: Numbers) -> Numbers:
    """Return the matrix (2 x quantiles) that maps values to intercept and slope, weighted by population."""
    design = np.column_stack([np.ones_like(people), ridit_scores(people)])
    weighted = design * (people / people.sum())[:, None]
    return np.asarray(np.linalg.solve(weighted.T @ design, weighted.T))


def _to_scale(kind: str, values: Numbers) -> Numbers:
    if kind == "rate":
        if (values <= 0).any():
            raise ValueError("rates and their limits must be above zero")
        return np.log(values)
    if kind == "proportion":
        if (values <= 0).any() or (values >= 1).any():
            raise ValueError("proportions and their limits must be between 0 and 1")
        return np.asarray(special.logit(values))
    return values


def _from_scale(kind: str, values: Numbers) -> Numbers:
    if kind == "rate":
        return np.exp(values)
    return np.asarray(special.expit(values)) if kind == "proportion" else values


def _limits(simulated: Numbers, level: float) -> tuple[float, float]:
    ordered = np.sort(simulated)
    upper_share = (1 + level) / 2
    positions = [round(len(ordered) * (1 - upper_share)), round(len(ordered) * upper_share)]
    low, high = (float(ordered[min(max(p, 1), len(ordered)) - 1]) for p in positions)
    return low, high


def _back_transformed(
    kind: str, at_zero: float, slope: float, slopes: Numbers, multiplier: float, level: float
) -> InequalityIndices:
    """Convert a line fitted on the log or logit scale, with its limits, to the scale of the value."""
    middle = at_zero + slope / 2

    def ends(gradient: float, centre: float) -> tuple[float, float]:
        low, high = _from_scale(kind, np.array([centre - gradient / 2, centre + gradient / 2]))
        return float(low), float(high)

    limits = [ends(gradient, middle) for gradient in _limits(slopes, level)]
    pairs = [ends(slope, middle), *(reversed(limits) if multiplier < 0 else limits)]
    differences = [(high - low) * multiplier for low, high in pairs]
    ratios = [low / high if multiplier < 0 else high / low for low, high in pairs]
    return InequalityIndices(Interval(*differences), Interval(*ratios), pairs[0][0] * abs(multiplier))
