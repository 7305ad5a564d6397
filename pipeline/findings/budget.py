"""A stated budget shared among the areas of a release by population and deprivation, with its weights.

Published counts of LSOAs do not add up to those of their MSOA or authority, because each count has noise and
rounding of its own. The count of a larger area is relatively more exact, so the LSOAs are scaled to it. The
limits of an amount show how far noise and rounding may have moved it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from governance.errors import Fault
from pipeline.findings.release_figures import ReleaseFigures
from pipeline.findings.statistics.allocation import DEFAULT_RATIO, Allocation, Place, allocate, decile_weights
from pipeline.statistics.interval import Numbers, confidence_level

#: Area level -> column of a release's areas that contains its code.
LEVELS = {"LSOA21": "lsoa21", "MSOA21": "msoa21", "LAD": "local_authority"}
#: Repetitions and seed of the simulated limits: the same on every machine.
_DRAWS = 4000
_SEED = 20_260_331


@dataclass(frozen=True)
class BudgetShares:
    """shares: one row per area. weights: one row per IMD decile. Publish both together."""

    shares: pd.DataFrame
    weights: pd.DataFrame


@dataclass(frozen=True)
class _Counts:
    """Published counts of the LSOAs, and of the areas that contain them, NaN where one is not published.

    msoa, lad: one number per LSOA: the count of its MSOA, and of its authority. msoa_of, lad_of: one label
    each. Rows of a two-dimensional array are draws.
    """

    lsoa: Numbers
    msoa: Numbers
    lad: Numbers
    msoa_of: Sequence[int]
    lad_of: Sequence[int]

    def scaled(self) -> Numbers:
        """Return counts of the LSOAs that add up to those of their MSOA, and these to their authority's."""
        within = _scaled(self.lsoa, self.msoa, self.msoa_of)
        return _scaled(within, self.lad, self.lad_of)

    def moved(self, count_variance: float) -> "_Counts":
        """Return draws of what the counts may have been before noise and rounding."""
        rng = np.random.default_rng(_SEED)
        spread = float(np.sqrt(count_variance))

        def drawn(counts: Numbers, labels: Sequence[int]) -> Numbers:
            error = rng.normal(0, spread, (_DRAWS, max(labels) + 1))
            return np.asarray(np.maximum(counts + error[:, list(labels)], 0))

        each = range(len(self.lsoa))
        lsoa, msoa = drawn(self.lsoa, each), drawn(self.msoa, self.msoa_of)
        return _Counts(lsoa, msoa, drawn(self.lad, self.lad_of), self.msoa_of, self.lad_of)


def share_budget(
    release: ReleaseFigures,
    budget_pence: int,
    area_level: str = "MSOA21",
    measure: str = "residents",
    ratio: float = DEFAULT_RATIO,
    confidence: float = 0.95,
) -> BudgetShares:
    """Share a budget by a published count of each LSOA times the weight of the LSOA's IMD decile.

    measure: any count that the release publishes by LSOA: people, or people in need.
    ratio: weight of the most deprived tenth as a multiple of the weight of the least deprived tenth.
    Raises Fault where the count of an LSOA is not published: its people would receive no money.
    """
    if area_level not in LEVELS:
        raise Fault("NO_SUCH_LEVEL", "There is no such area level.", f"Use one of {', '.join(LEVELS)}.")
    areas = release.areas.assign(
        **{
            level: release.areas[column].map(_counts_of(release, measure, level))
            for level, column in LEVELS.items()
        }
    )
    unranked = int(areas["imd_decile"].isna().sum()) if "imd_decile" in areas else len(areas)
    hidden = int(areas["LSOA21"].isna().sum())
    if hidden or unranked or areas.empty:
        raise Fault(
            "ALLOCATION_IMPOSSIBLE",
            f"LSOAs without a published count of this measure: {hidden} of {len(areas)}; "
            f"without an IMD decile: {unranked}.",
            "Choose a count that is published for every LSOA, such as residents or households.",
        )
    lsoa, msoa, lad = (areas[level].to_numpy(np.float64) for level in LEVELS)
    msoa_of, lad_of = (pd.factorize(areas[LEVELS[level]])[0].tolist() for level in ("MSOA21", "LAD"))
    counts = _Counts(lsoa, msoa, lad, msoa_of, lad_of)
    deciles = areas["imd_decile"].astype(int).tolist()
    receivers = areas[LEVELS[area_level]].astype(str)
    try:
        weights = decile_weights(ratio)
        places = [
            Place(str(lsoa), area, decile, float(count))
            for lsoa, area, decile, count in zip(
                areas["lsoa21"], receivers, deciles, counts.scaled(), strict=True
            )
        ]
        shared = allocate(budget_pence, places, weights)
    except ValueError as error:
        raise Fault("ALLOCATION_IMPOSSIBLE", f"{error}.", "Change the budget or the ratio.") from None
    need = counts.moved(release.count_variance).scaled() * np.array([weights[d] for d in deciles])
    margins = _margins(need, receivers, confidence)
    published = areas.drop_duplicates(LEVELS[area_level]).set_index(LEVELS[area_level])[area_level]
    rows = [
        _row(area_level, measure, area, budget_pence, margins[area.area_code])
        | {"published_count": float(published[area.area_code])}
        for area in shared
    ]
    return BudgetShares(
        pd.DataFrame(rows)[list(_COLUMNS)],
        pd.DataFrame({"imd_decile": list(weights), "weight": list(weights.values())}),
    )


_COLUMNS = (
    "area_level",
    "area_code",
    "counted",
    "count",
    "published_count",
    "weight",
    "share",
    "share_lower",
    "share_upper",
    "amount",
    "amount_lower",
    "amount_upper",
)


def _counts_of(release: ReleaseFigures, measure: str, level: str) -> pd.Series:
    """Return area code -> published count of everyone, NaN where it is hidden."""
    values = release.values
    chosen = values[
        (values["measure"] == measure) & (values["area_level"] == level) & (values["dimension_1"] == "")
    ]
    return chosen.drop_duplicates("area_code").set_index("area_code")["value"].astype(np.float64)


def _scaled(counts: Numbers, totals: Numbers, labels: Sequence[int]) -> Numbers:
    """Return the counts scaled within each label to its total; unchanged where there is no such total."""
    summed = _summed(counts, labels)[..., list(labels)]
    is_usable = ~np.isnan(totals) & (totals > 0) & (summed > 0)
    return np.where(is_usable, counts * totals / np.where(is_usable, summed, 1), counts)


def _summed(counts: Numbers, labels: Sequence[int]) -> Numbers:
    """Return the sum of the counts of each label, 0, 1, 2 ... along the last axis."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(np.asarray(labels)[order], prepend=-1))
    return np.asarray(np.add.reduceat(counts[..., order], starts, axis=-1))


def _margins(need: Numbers, receivers: pd.Series, confidence: float) -> dict[str, float]:
    """Return area -> by how much noise and rounding may have moved its share of the need."""
    labels, names = pd.factorize(receivers)
    sums = _summed(need, labels.tolist())
    spread = (sums / sums.sum(axis=1, keepdims=True)).std(axis=0)
    z = float(special.ndtri((1 + confidence_level(confidence)) / 2))
    return {str(name): z * float(value) for name, value in zip(names, spread, strict=True)}


def _row(
    area_level: str, measure: str, area: Allocation, budget_pence: int, margin: float
) -> dict[str, object]:
    lower, upper = max(area.share - margin, 0.0), min(area.share + margin, 1.0)
    return {
        "area_level": area_level,
        "area_code": area.area_code,
        "counted": measure,
        "count": round(area.population, 2),
        "weight": round(area.weight, 6),
        "share": round(area.share, 8),
        "share_lower": round(lower, 8),
        "share_upper": round(upper, 8),
        "amount": area.amount_pence / 100,
        "amount_lower": min(round(lower * budget_pence), area.amount_pence) / 100,
        "amount_upper": max(round(upper * budget_pence), area.amount_pence) / 100,
    }
