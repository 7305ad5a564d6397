"""Who lives here: the share of households and residents in each category, from published counts.

A share is of those whose category is known. It needs the count of every category, so an authority with a
hidden category has no shares by that dimension.
"""

import numpy as np
import pandas as pd
from scipy import special

from pipeline.findings.release_figures import PLACE, ReleaseFigures
from pipeline.statistics.interval import confidence_level, wilson_interval
from schemas.condition import Every
from schemas.dimension import UNKNOWN, dimensions
from schemas.measure import measures


def profile_of(release: ReleaseFigures, confidence: float = 0.95) -> pd.DataFrame:
    """Return one row per authority, measure of everyone, dimension and category; columns as in `rates_of`.

    percent has lower and upper for chance (Wilson), and protection_margin for noise and rounding.
    """
    values = release.values
    everyone = [name for name in values["measure"].unique() if name in measures() and _is_of_everyone(name)]
    chosen = values[
        values["measure"].isin(everyone)
        & (values["area_level"] == "LAD")
        & (values["dimension_1"] != "")
        & (values["dimension_2"] == "")
        & (values["category_1"] != UNKNOWN)
    ].drop_duplicates(["area_code", "measure", "dimension_1", "category_1"])
    frame = chosen.rename(columns={"value": "numerator"})
    order = {(d.name, c): at for d in dimensions().values() for at, c in enumerate(d.categories)}
    # A release may have a category that is no longer registered: it comes last.
    place = [
        order.get(pair, len(order)) for pair in zip(frame["dimension_1"], frame["category_1"], strict=True)
    ]
    frame = frame.assign(place=place).sort_values(
        ["area_code", "measure", "dimension_1", "place"], ignore_index=True
    )
    groups = frame.groupby(["area_code", "measure", "dimension_1"])["numerator"]
    frame["denominator"] = groups.transform(lambda counts: counts.sum(skipna=False))
    frame["categories"] = groups.transform("size")
    frame["title"] = [measures()[str(name)].title for name in frame["measure"]]
    frame["direction"] = "neutral"
    x, n = (frame[name].to_numpy(np.float64) for name in ("numerator", "denominator"))
    least = release.minimum_count
    given = (x >= least) & (n - x >= least)
    x, n = np.where(given, x, np.nan), np.where(given, n, np.nan)
    frame["percent"], frame["lower"], frame["upper"] = wilson_interval(x, n, confidence, 100)
    share = x / n
    moved = (1 - share) ** 2 + share**2 * (frame["categories"].to_numpy(np.float64) - 1)
    z = float(special.ndtri((1 + confidence_level(confidence)) / 2))
    frame["protection_margin"] = 100 * z * np.sqrt(release.count_variance * moved) / n
    columns = [*PLACE, "unit", "measure", "title", "direction", "numerator", "denominator"]
    return frame[[*columns, "percent", "lower", "upper", "protection_margin"]]


def _is_of_everyone(name: str) -> bool:
    return measures()[name].count is None and measures()[name].include == Every()
