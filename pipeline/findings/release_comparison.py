"""Two releases compared: the change in every rate that both have, and what else changed between them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from governance.errors import Fault
from pipeline.findings.overlap import BASIS, Overlap, people_in_words, recorded_overlap
from pipeline.findings.rates import protection_error, rates_of
from pipeline.findings.release_figures import PLACE, ReleaseFigures
from pipeline.findings.statistics.change import (
    Change,
    changes_between,
    correlation_of_overlap,
    difference_of_proportions,
)
from pipeline.findings.statistics.multiplicity import adjusted_p_values, two_sided_p
from pipeline.findings.verdicts import judged
from pipeline.statistics.interval import Numbers


@dataclass(frozen=True)
class Comparison:
    """changes: one row per rate of both releases. statements: what else changed between them.

    people: what the intervals suppose about people who are in both releases, in words.
    """

    changes: pd.DataFrame
    statements: tuple[Change, ...]
    people: str


def compare_releases(
    earlier: ReleaseFigures,
    later: ReleaseFigures,
    confidence: float = 0.95,
    overlap: Overlap | None = None,
) -> Comparison:
    """Return the change in every rate, later minus earlier in percentage points, with its interval.

    The interval is Newcombe's, widened by how far noise and rounding may have moved both rates. Two releases
    count many of the same people: with `overlap`, or where the later release records it (`recorded_overlap`),
    the interval has their covariance; otherwise it is wider than necessary. verdict: better, worse or similar
    (higher or lower where a measure has no direction), with a false discovery rate over every change; "not
    compared" where either rate has no value; "same epoch" where the later release repeats the values of the
    earlier one, so that no change can appear.

    Raises Fault where `later` has the earlier reference date.
    """
    if later.reference_date < earlier.reference_date:
        raise Fault(
            "RELEASES_IN_REVERSE",
            f"The first release is from {earlier.reference_date}, the second from {later.reference_date}.",
            "Name the earlier release first.",
        )
    people = overlap or recorded_overlap(earlier, later)
    return Comparison(
        _changes(earlier, later, confidence, people),
        changes_between(basis_of(earlier), basis_of(later)),
        people_in_words(people),
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


def _changes(
    earlier: ReleaseFigures, later: ReleaseFigures, confidence: float, overlap: Overlap | None
) -> pd.DataFrame:
    kept = [*PLACE, "measure", "numerator", "denominator", "percent", "protection_margin"]
    both = rates_of(earlier, confidence)[kept].merge(
        rates_of(later, confidence), on=[*PLACE, "measure"], suffixes=("_before", "")
    )
    given = (both["percent_before"].notna() & both["percent"].notna()).to_numpy()
    counts = [
        np.where(given, both[name].to_numpy(np.float64), np.nan)
        for name in ("numerator_before", "denominator_before", "numerator", "denominator")
    ]
    together: Numbers = np.zeros(len(both))
    if overlap is not None:
        together = correlation_of_overlap(counts, *overlap.of(both["measure"]))
    x1, n1, x2, n2 = counts
    difference = difference_of_proportions(x1, n1, x2, n2, confidence, together)
    value, lower, upper = (100 * np.asarray(side) for side in difference)
    protection = np.hypot(both["protection_margin_before"], both["protection_margin"])
    both["change"] = value
    both["change_lower"] = value - np.hypot(value - lower, protection)
    both["change_upper"] = value + np.hypot(upper - value, protection)
    p = two_sided_p(value, _variance(both, counts, together, confidence))
    both["p_value"], both["adjusted_p_value"] = p, adjusted_p_values(p)
    verdicts = judged(value, both["adjusted_p_value"].to_numpy(np.float64), both["direction"], confidence)
    same_epoch = earlier.epoch == later.epoch
    both["verdict"] = ["same epoch" if same_epoch and v != "not compared" else v for v in verdicts]
    names = [*PLACE, "measure", "title", "direction", "percent_before", "percent"]
    names += ["change", "change_lower", "change_upper", "p_value", "adjusted_p_value", "verdict"]
    return both[names]


def _variance(both: pd.DataFrame, counts: Sequence[Numbers], together: Numbers, confidence: float) -> Numbers:
    """Variance of a change in percentage points where none happened: chance, and noise and rounding."""
    x1, n1, x2, n2 = counts
    mean = (x1 + x2) / (n1 + n2)
    chance = mean * (1 - mean) * (1 / n1 + 1 / n2 - 2 * together / np.sqrt(n1 * n2))
    moved = protection_error(both, confidence) ** 2
    before = protection_error(
        both[["protection_margin_before"]].set_axis(["protection_margin"], axis=1), confidence
    )
    return np.asarray(1e4 * (np.maximum(chance, 0) + moved + before**2))


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
