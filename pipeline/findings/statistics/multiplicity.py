"""Many comparisons together: p values adjusted so that a stated share of the differences found may be chance.

With 1,000 comparisons of areas that do not differ, 50 are outside their 95% limits. The method of Benjamini
and Hochberg keeps the expected share of false differences among those found (the false discovery rate) at
a stated level.
Source: Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289-300.
"""

import numpy as np
from scipy import special

from pipeline.statistics.interval import Column, Numbers, check_all


def two_sided_p(difference: Column, variance: Column) -> Numbers:
    """Return the p value of each difference, normal with this variance where there is none in truth."""
    moved, spread = np.broadcast_arrays(
        np.asarray(difference, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    )
    check_all(spread > 0, spread, "variances must be above zero")
    return np.asarray(2 * special.ndtr(-np.abs(moved) / np.sqrt(spread)))


def adjusted_p_values(p_values: Column) -> Numbers:
    """Return each p value adjusted for the number of comparisons made (Benjamini-Hochberg).

    Comparisons with an adjusted value of at most 0.05 have a false discovery rate of at most 5%. NaN: no
    comparison was made, and none is counted.
    """
    given = np.asarray(p_values, dtype=np.float64)
    check_all((given >= 0) & (given <= 1), given, "p values must be from 0 to 1")
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    scaled = given[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = np.full(given.shape, np.nan)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted
