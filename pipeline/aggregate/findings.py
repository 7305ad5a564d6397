"""What a release says: rates with intervals, indices of inequality, change, and an outcomes framework.

Everything is worked out from published values alone, so it discloses nothing that they do not. A hidden
value ([c]) gives an unknown finding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipeline.aggregate.change import difference_of_proportions, judge
from pipeline.aggregate.inequality import InequalityIndices, inequality_indices
from pipeline.aggregate.interval import Interval, wilson_interval
from schemas.framework import Framework
from schemas.measure import measures
from schemas.table import tables

#: Dimension whose categories are ranked for the indices of inequality.
RANKED_DIMENSION = "imd_decile"


@dataclass(frozen=True)
class Rate:
    """A published count over its published denominator, with Wilson's interval; NaN where hidden."""

    table_id: str
    measure: str
    area_level: str
    area_code: str
    categories: tuple[str, ...]
    count: float
    population: float
    interval: Interval


@dataclass(frozen=True)
class Finding:
    """One indicator of a framework in one area, and its change since an earlier release.

    change: later less earlier, None where there is no earlier one; verdict: "better", "worse", "similar",
    or for a measure without direction "higher" or "lower"; "not compared" where a value is hidden.
    """

    goal: str
    rate: Rate
    direction: str
    change: Interval | None
    verdict: str


def read_rates(release: Path, table_id: str) -> tuple[Rate, ...]:
    """Return every rate of a published table; raises FileNotFoundError for one the release has not."""
    described = pq.read_table(release / "measure.parquet").to_pylist()
    denominator_of = {
        row["measure"]: row["denominator_measure"] for row in described if row["kind"] == "count"
    }
    dimensions = tables()[table_id].dimensions
    values: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in pq.read_table(release / f"{table_id}.parquet").to_pylist():
        place = (row["area_level"], row["area_code"], *(row[d] for d in dimensions))
        values.setdefault(place, {})[row["measure"]] = np.nan if row["value"] is None else row["value"]
    return tuple(_rates(table_id, values, denominator_of))


def inequality_of(release: Path, table_id: str, measure: str, area_code: str) -> InequalityIndices | None:
    """Return slope and relative index of a measure over IMD deciles in an area.

    None where a decile is hidden or fewer than five have anybody: an index over some of the deciles
    would not be one.
    """
    chosen = [r for r in read_rates(release, table_id) if (r.measure, r.area_code) == (measure, area_code)]
    ranked = sorted((int(r.categories[0]), r) for r in chosen if r.categories[0].isdigit())
    lived_in = [(decile, rate) for decile, rate in ranked if rate.population != 0]
    if any(np.isnan(rate.count) or np.isnan(rate.population) for _, rate in lived_in) or len(lived_in) < 5:
        return None
    counts = np.array([rate.count for _, rate in lived_in])
    people = np.array([rate.population for _, rate in lived_in])
    if (counts >= people).any() or (counts <= 0).any():
        return None
    limits = wilson_interval(counts, people)
    return inequality_indices(
        [decile for decile, _ in lived_in],
        people,
        value_type="proportion",
        x=counts,
        lower_cl=limits.lower,
        upper_cl=limits.upper,
    )


def report_framework(
    release: Path, framework: Framework, earlier: Path | None = None, area_level: str = "LAD"
) -> tuple[Finding, ...]:
    """Return the framework's indicators at an area level, with their change since an earlier release.

    Indicators that the release does not publish are left out.
    """
    findings: list[Finding] = []
    for goal in framework.goals:
        for indicator in goal.indicators:
            if not (release / f"{indicator.table_id}.parquet").is_file():
                continue
            known = _earlier_rates(earlier, indicator.table_id)
            for rate in read_rates(release, indicator.table_id):
                if (rate.measure, rate.area_level) == (indicator.measure, area_level):
                    findings.append(_finding(goal.name, rate, known.get((rate.measure, rate.area_code))))
    return tuple(findings)


def _rates(
    table_id: str, values: dict[tuple[Any, ...], dict[str, float]], denominator_of: dict[str, str | None]
) -> Iterator[Rate]:
    for (level, area, *categories), found in sorted(values.items()):
        for measure in tables()[table_id].measures:
            denominator = denominator_of.get(measure)
            if denominator is None or measure not in found:
                continue
            count, population = found[measure], found.get(denominator, np.nan)
            # rounding can leave a count above its denominator; the rate is then not known
            fits = population > 0 and count <= population
            interval = wilson_interval(count, population) if fits else Interval(np.nan, np.nan, np.nan)
            yield Rate(table_id, measure, level, area, tuple(categories), count, population, interval)


def _earlier_rates(earlier: Path | None, table_id: str) -> dict[tuple[str, str], Rate]:
    if earlier is None or not (earlier / f"{table_id}.parquet").is_file():
        return {}
    return {(r.measure, r.area_code): r for r in read_rates(earlier, table_id)}


def _finding(goal: str, rate: Rate, before: Rate | None) -> Finding:
    direction = measures()[rate.measure].direction
    if before is None or np.isnan(rate.interval.value) or np.isnan(before.interval.value):
        return Finding(goal, rate, direction, None, "not compared")
    change = difference_of_proportions(before.count, before.population, rate.count, rate.population)
    moved = "higher" if change.lower > 0 else "lower" if change.upper < 0 else "similar"
    return Finding(goal, rate, direction, change, judge(direction, moved))
