"""Overdispersion of funnel plots: areas differ by more than chance, whatever they do.

Control limits that allow only for chance put many areas outside, because of differences that no measure is
adjusted for. The spread between areas is estimated without the most extreme ones (Winsorised) and added to
the variance of each area (additive random effects).
Source: Spiegelhalter 2005, Quality and Safety in Health Care 14:347-351; Spiegelhalter and others 2012,
Journal of the Royal Statistical Society A 175:1-47; DerSimonian and Laird 1986 for the variance.
"""

from typing import NamedTuple

import numpy as np

from pipeline.statistics.interval import Column, Numbers, as_columns, check_all

#: Share of the areas at each end whose distance is set to that of the next ones.
WINSORISED_SHARE = 0.1


class Overdispersion(NamedTuple):
    """factor: observed over expected variance, 1 where areas differ by chance only.

    between: standard deviation of the areas' own rates, in the unit of the values; 0 where none is shown.
    """

    factor: float
    between: float


def overdispersion(
    values: Column, errors: Column, average: float, share: float = WINSORISED_SHARE
) -> Overdispersion:
    """Return by how much the values of areas spread more around their average than their errors explain.

    errors: standard error of each value where its true value is the average.
    """
    value, error = as_columns(values, errors)
    check_all(error > 0, error, "standard errors must be above zero")
    if value.ndim != 1 or len(value) < 2 or np.isnan(value).any() or np.isnan(error).any():
        raise ValueError("at least two areas are needed, each with its value and its error")
    z = winsorised((value - average) / error, share)
    factor = float((z**2).mean())
    weight = 1 / error**2
    excess = len(z) * factor - (len(z) - 1)
    divisor = weight.sum() - (weight**2).sum() / weight.sum()
    return Overdispersion(factor, float(np.sqrt(max(excess, 0.0) / divisor)))


def winsorised(values: Numbers, share: float = WINSORISED_SHARE) -> Numbers:
    """Return the values, with those beyond the quantiles `share` and 1 - `share` set to these quantiles."""
    if not 0 <= share < 0.5:
        raise ValueError("the share at each end must be at least 0 and below 0.5")
    low, high = np.quantile(values, [share, 1 - share])
    return np.clip(values, low, high)
