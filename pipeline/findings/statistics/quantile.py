"""Quantiles of areas by a value, as public health in England assigns them.

Source: PHE technical guide, "Assigning deprivation categories"; `phe_quantile` of the R
package PHEindicatormethods.
"""

import numpy as np
from scipy import stats

from pipeline.statistics.interval import Column, Numbers


def quantile_assignment(
    values: Column, nquantiles: int = 10, invert: bool = True, groups: Column | None = None
) -> Numbers:
    """Return the quantile, 1 to `nquantiles`, of each area by its value.

    invert: quantile 1 has the highest values (so that 1 is the most deprived by an IMD score);
    otherwise the lowest. Ties share the better rank. groups: quantiles are assigned within each group.
    NaN where the value is unknown, or where a group has fewer known values than quantiles.
    """
    if nquantiles < 2:
        raise ValueError("at least two quantiles")
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError("values must be one column")
    if groups is None:
        return _assign(column, nquantiles, invert)
    names = np.asarray(groups).astype(str)
    if names.shape != column.shape:
        raise ValueError("every value needs its group")
    labels = np.unique(names, return_inverse=True)[1]
    assigned = np.full(column.shape, np.nan)
    for label in range(labels.max(initial=-1) + 1):
        chosen = labels == label
        assigned[chosen] = _assign(column[chosen], nquantiles, invert)
    return assigned


def _assign(column: Numbers, nquantiles: int, invert: bool) -> Numbers:
    known = ~np.isnan(column)
    areas = int(known.sum())
    assigned = np.full(column.shape, np.nan)
    if areas < nquantiles:
        return assigned
    rank = stats.rankdata(-column[known] if invert else column[known], method="min")
    quantile = np.floor(nquantiles + 1 - np.ceil((areas + 1 - rank) / (areas / nquantiles)))
    assigned[known] = np.maximum(quantile, 1)
    return assigned
