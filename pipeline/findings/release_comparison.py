"""Two releases compared: the change in every rate that both have, and what else changed between them."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from governance.errors import Fault
from pipeline.findings.rates import rates_of
from pipeline.findings.release_figures import PLACE, ReleaseFigures
from pipeline.findings.statistics.change import Change, changes_between, difference_of_proportions, judge

#: File of a release that describes how its figures were made, where it has one.
BASIS = "basis.parquet"


@dataclass(frozen=True)
class Comparison:
    """changes: one row per rate of both releases. statements: what else changed between them."""

    changes: pd.DataFrame
    statements: tuple[Change, ...]


def compare_releases(earlier: ReleaseFigures, later: ReleaseFigures, confidence: float = 0.95) -> Comparison:
    """Return the change in every rate, later minus earlier in percentage points, with its interval.

    The interval is Newcombe's, widened by how far noise and rounding may have moved both rates. It is wider
    than necessary, because both releases count many of the same people. verdict: better, worse or similar
    (higher or lower where a measure has no direction); "not compared" where either rate has no value; "same
    epoch" where the later release repeats the values of the earlier one, so that no change can appear.

    Raises Fault where `later` has the earlier reference date.
    """
    if later.reference_date < earlier.reference_date:
        raise Fault(
            "RELEASES_IN_REVERSE",
            f"The first release is from {earlier.reference_date}, the second from {later.reference_date}.",
            "Name the earlier release first.",
        )
    return Comparison(
        _changes(earlier, later, confidence), changes_between(basis_of(earlier), basis_of(later))
    )


def basis_of(release: ReleaseFigures) -> dict[str, Any]:
    """Return how a release's figures were made: aspect (see ASPECTS) -> value, where it is recorded."""
    areas = release.areas
    basis: dict[str, Any] = {
        "specification_version": release.criteria.get("specification_version"),
        "method": release.criteria.get("name"),
        "area_set": _digest(sorted(areas["lsoa21"])),
        "deprivation": _digest(sorted(zip(areas["lsoa21"], areas["imd_decile"].astype(str), strict=True)))
        if "imd_decile" in areas.columns
        else None,
        "tables": sorted(release.catalogue["table_id"]),
    }
    for aspect, measure in (("households", "households"), ("residents", "residents")):
        total = _total(release, measure)
        if total is not None:
            basis[aspect] = total
    path = release.folder / BASIS
    if path.is_file():
        rows = pq.read_table(path).to_pylist()
        basis |= {row["aspect"]: _typed(row["value"]) for row in rows if not row["name"]}
        basis["measures"] = {row["name"]: row["value"] for row in rows if row["aspect"] == "measures"}
    return basis


def _changes(earlier: ReleaseFigures, later: ReleaseFigures, confidence: float) -> pd.DataFrame:
    kept = [*PLACE, "measure", "numerator", "denominator", "percent", "protection_margin"]
    both = rates_of(earlier, confidence)[kept].merge(
        rates_of(later, confidence), on=[*PLACE, "measure"], suffixes=("_before", "")
    )
    given = (both["percent_before"].notna() & both["percent"].notna()).to_numpy()
    x1, n1, x2, n2 = (
        np.where(given, both[name].to_numpy(np.float64), np.nan)
        for name in ("numerator_before", "denominator_before", "numerator", "denominator")
    )
    difference = difference_of_proportions(x1, n1, x2, n2, confidence)
    value, lower, upper = (100 * np.asarray(side) for side in difference)
    protection = np.hypot(both["protection_margin_before"], both["protection_margin"])
    both["change"] = value
    both["change_lower"] = value - np.hypot(value - lower, protection)
    both["change_upper"] = value + np.hypot(upper - value, protection)
    both["verdict"] = [_verdict(row, earlier.epoch == later.epoch) for row in both.to_dict("records")]
    names = [*PLACE, "measure", "title", "direction", "percent_before", "percent"]
    return both[[*names, "change", "change_lower", "change_upper", "verdict"]]


def _verdict(row: dict[Any, Any], is_same_epoch: bool) -> str:
    if np.isnan(row["change"]):
        return "not compared"
    if is_same_epoch:
        return "same epoch"
    moved = "higher" if row["change_lower"] > 0 else "lower" if row["change_upper"] < 0 else "similar"
    return judge(row["direction"], moved)


def _total(release: ReleaseFigures, measure: str) -> float | None:
    values = release.values
    whole = values[
        (values["measure"] == measure) & (values["area_level"] == "LAD") & (values["dimension_1"] == "")
    ].drop_duplicates("area_code")
    return None if whole.empty or whole["value"].isna().any() else float(whole["value"].sum())


def _typed(value: str) -> str | float:
    try:
        return float(value)
    except ValueError:
        return value


def _digest(parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
