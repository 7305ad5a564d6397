"""A stated budget shared among the areas of a release by population and deprivation, with its weights."""

from dataclasses import dataclass

import pandas as pd

from governance.errors import Fault
from pipeline.findings.release_figures import ReleaseFigures
from pipeline.findings.statistics.allocation import DEFAULT_RATIO, Allocation, Place, allocate, decile_weights

#: Area level -> column of a release's areas that contains its code.
LEVELS = {"LSOA21": "lsoa21", "MSOA21": "msoa21", "LAD": "local_authority"}


@dataclass(frozen=True)
class BudgetShares:
    """shares: one row per area. weights: one row per IMD decile. Publish both together."""

    shares: pd.DataFrame
    weights: pd.DataFrame


def share_budget(
    release: ReleaseFigures,
    budget_pence: int,
    area_level: str = "MSOA21",
    measure: str = "residents",
    ratio: float = DEFAULT_RATIO,
) -> BudgetShares:
    """Share a budget by a published count of each LSOA times the weight of the LSOA's IMD decile.

    measure: any count that the release publishes by LSOA: people, or people in need.
    ratio: weight of the most deprived tenth as a multiple of the weight of the least deprived tenth.
    Raises Fault where the count of an LSOA is not published: its people would receive no money.
    """
    if area_level not in LEVELS:
        raise Fault("NO_SUCH_LEVEL", "There is no such area level.", f"Use one of {', '.join(LEVELS)}.")
    values = release.values
    chosen = values[
        (values["measure"] == measure) & (values["area_level"] == "LSOA21") & (values["dimension_1"] == "")
    ].drop_duplicates("area_code")
    areas = release.areas.merge(
        chosen[["area_code", "value"]], left_on="lsoa21", right_on="area_code", how="left"
    )
    unranked = int(areas["imd_decile"].isna().sum()) if "imd_decile" in areas else len(areas)
    hidden = int(areas["value"].isna().sum())
    if chosen.empty or hidden or unranked:
        raise Fault(
            "ALLOCATION_IMPOSSIBLE",
            f"LSOAs without a published count of this measure: {hidden} of {len(areas)}; "
            f"without an IMD decile: {unranked}.",
            "Choose a count that is published for every LSOA, such as residents or households.",
        )
    places = [
        Place(str(row["lsoa21"]), str(row[LEVELS[area_level]]), int(row["imd_decile"]), float(row["value"]))
        for row in areas.to_dict("records")
    ]
    try:
        weights = decile_weights(ratio)
        shared = allocate(budget_pence, places, weights)
    except ValueError as error:
        raise Fault("ALLOCATION_IMPOSSIBLE", f"{error}.", "Change the budget or the ratio.") from None
    return BudgetShares(
        pd.DataFrame([_row(area_level, measure, area) for area in shared]),
        pd.DataFrame({"imd_decile": list(weights), "weight": list(weights.values())}),
    )


def _row(area_level: str, measure: str, area: Allocation) -> dict[str, object]:
    return {
        "area_level": area_level,
        "area_code": area.area_code,
        "counted": measure,
        "count": area.population,
        "weight": round(area.weight, 6),
        "share": round(area.share, 8),
        "amount": area.amount_pence / 100,
    }
