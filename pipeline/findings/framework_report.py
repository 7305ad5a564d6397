"""An outcomes framework filled in from a release: indicators under their goals, with direction and change."""

from typing import Any

import pandas as pd

from schemas.framework import Framework
from schemas.measure import measures

COLUMNS = (
    "goal",
    "goal_title",
    "measure",
    "title",
    "direction",
    "area_code",
    "percent",
    "lower",
    "upper",
    "benchmark_percent",
    "benchmark_area",
    "benchmark_is_comparable",
    "against_benchmark",
    "change",
    "change_lower",
    "change_upper",
    "verdict",
    "note",
)


def fill_framework(
    framework: Framework, rates: pd.DataFrame, changes: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per indicator and local authority, in the framework's order.

    rates: of the release, compared with a benchmark. changes: of `compare_releases` with an earlier one.
    verdict: better, worse or similar since the earlier release; "not compared" without one. An indicator
    that the release does not publish keeps its row, with the reason in `note`.
    """
    whole = rates[(rates["area_level"] == "LAD") & (rates["dimension_1"] == "")]
    found: list[dict[str, Any]] = []
    for goal in framework.goals:
        for indicator in goal.indicators:
            labels = {"goal": goal.name, "goal_title": goal.title, "measure": indicator.measure}
            labels["title"] = measures()[indicator.measure].title
            chosen = whole[
                (whole["measure"] == indicator.measure) & (whole["table_id"] == indicator.table_id)
            ]
            if chosen.empty:
                found.append(labels | {"verdict": "not compared", "note": "not in this release"})
            for rate in chosen.to_dict("records"):
                found.append(labels | _indicator(rate, changes))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _indicator(rate: dict[Any, Any], changes: pd.DataFrame | None) -> dict[str, Any]:
    row = {name: rate.get(name) for name in COLUMNS if name in rate}
    row |= {
        "verdict": "not compared",
        "note": "" if pd.isna(rate["shorthand"]) else f"hidden {rate['shorthand']}",
    }
    if changes is None:
        return row
    since = changes[
        (changes["table_id"] == rate["table_id"])
        & (changes["measure"] == rate["measure"])
        & (changes["area_code"] == rate["area_code"])
        & (changes["dimension_1"] == "")
    ]
    if since.empty:
        return row | {"note": "not in the earlier release"}
    change = since.iloc[0]
    return row | {name: change[name] for name in ("change", "change_lower", "change_upper", "verdict")}
