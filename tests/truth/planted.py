"""The planted effects of the sample, estimated as an analyst would from published tables only.

Nothing here is shared with the pipeline or its findings: pandas reads the Parquet files of a release.

Most cells of a table by exposure and age (or deprivation) are too small to publish. A logistic model does not
need them: its estimates follow from the events in each margin and from the number of people in each cell. The
people are published; where three of their margins are, the cells follow from iterative proportional fitting.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd

#: Variance that noise (-3 to 3) and rounding to 5 add to a published count.
NOISE = 2.0**2 + (5**2 - 1) / 12


@dataclass(frozen=True)
class Effect:
    """An estimate with its 95% limits, on the scale that the effect was planted on."""

    value: float
    lower: float
    upper: float

    @classmethod
    def of_log(cls, log: float, variance: float) -> "Effect":
        """Return a ratio from its logarithm."""
        reach = 1.96 * np.sqrt(variance)
        return cls(*(float(np.exp(log + step)) for step in (0, -reach, reach)))

    def contains(self, value: float) -> bool:
        """Answer whether the value is within the limits."""
        return self.lower <= value <= self.upper


class Published:
    """The authority's published figures of one release."""

    def __init__(self, release: Path) -> None:
        self.release = release
        catalogue = pd.read_parquet(release / "catalogue.parquet")
        self.tables = {
            frozenset(dimension for dimension in row.dimensions.split(", ") if dimension)
            | {f"table {row.table_id}"}: row.file
            for row in catalogue.itertuples()
        }
        described = pd.read_parquet(release / "measure.parquet").set_index("measure")
        self.population_of = described["denominator_measure"].dropna().to_dict()

    def people(self, measure: str, *dimensions: str) -> pd.Series:
        """Return the population of a measure by dimensions, without cells that are hidden."""
        return self.counts(self.population_of[f"{measure}_percent"], *dimensions)

    def counts(self, measure: str, *dimensions: str) -> pd.Series:
        """Return the counts of a measure by dimensions, without cells that are hidden."""
        for key, file in self.tables.items():
            if {name for name in key if not name.startswith("table ")} != set(dimensions):
                continue
            rows = pd.read_parquet(self.release / file)
            rows = rows[(rows["area_level"] == "LAD") & (rows["measure"] == measure) & rows["value"].notna()]
            if len(rows):
                found: pd.Series = rows.groupby(list(dimensions))["value"].first()
                return found
        raise LookupError(f"{measure} by {dimensions} is in no table")


def odds_ratio_of(
    published: Published, measure: str, exposure: str, exposed: Iterable[str], among: str = ""
) -> Effect:
    """Return the crude odds ratio of the exposed against all others whose exposure is known.

    among: the category of the others, where only one is meant.
    """
    with_, without = _two(published.counts(measure, exposure), exposed, among)
    people, others = _two(published.people(measure, exposure), exposed, among)
    cells = np.array([with_, people - with_, without, others - without])
    log = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    return Effect.of_log(float(log), float((1 / cells + NOISE / cells**2).sum()))


def adjusted_odds_ratio_of(
    published: Published, measure: str, exposure: str, exposed: Iterable[str], adjusting: tuple[str, ...]
) -> Effect:
    """Return the odds ratio of the exposed against all others, adjusted for one or two other dimensions."""
    return _adjusted(published, measure, exposure, exposed, adjusting, is_rate=False)


def adjusted_rate_ratio_of(
    published: Published, measure: str, exposure: str, exposed: Iterable[str], adjusting: tuple[str, ...]
) -> Effect:
    """Return the ratio of rates: of people with an event, the Poisson rate with which they have any."""
    return _adjusted(published, measure, exposure, exposed, adjusting, is_rate=True)


def _adjusted(
    published: Published,
    measure: str,
    exposure: str,
    exposed: Iterable[str],
    adjusting: tuple[str, ...],
    *,
    is_rate: bool,
) -> Effect:
    """Fit a model whose events meet every published margin, by Newton's method.

    People of unknown exposure have a term of their own where their events are published;
    else they are few, and are among the others.
    """
    grid = _people_by(published, measure, (exposure, *adjusting))
    people = grid.to_numpy(float)
    by_exposure = published.counts(measure, exposure)
    of_exposure = grid.index.get_level_values(exposure)
    terms = [of_exposure.isin(list(exposed))]
    target = [float(by_exposure[list(exposed)].sum())]
    if "unknown" in by_exposure:
        terms.append(of_exposure == "unknown")
        target.append(float(by_exposure["unknown"]))
    for number, name in enumerate(adjusting):
        totals = published.counts(measure, name).drop("unknown", errors="ignore")
        # the margins of all dimensions have one sum, so the first category of the second has no term
        for category in totals.index[min(number, 1) :]:
            terms.append(grid.index.get_level_values(name) == category)
            target.append(float(totals[category]))
        hidden = set(grid.index.get_level_values(name)) - set(totals.index)
        if hidden:
            raise LookupError(f"{measure} is hidden for {name} {hidden}")
    design, wanted = np.column_stack(terms).astype(float), np.array(target)
    log = np.zeros(len(terms))
    for _ in range(200):
        share = 1 / (1 + np.exp(-np.clip(design @ log, -30, 30)))
        slope = share * (1 - share)
        if is_rate:
            rate = np.exp(np.clip(design @ log, -30, 2))
            share, slope = 1 - np.exp(-rate), rate * np.exp(-rate)
        moved = design.T @ (design * (people * slope)[:, None])
        log += np.clip(np.linalg.solve(moved, wanted - design.T @ (people * share)), -1, 1)
    inverse = np.linalg.inv(moved)
    chance = inverse @ (design.T @ (design * (people * share * (1 - share))[:, None])) @ inverse.T
    return Effect.of_log(float(log[0]), float(chance[0, 0] + NOISE * (inverse[0] ** 2).sum()))


def _people_by(published: Published, measure: str, dimensions: tuple[str, ...]) -> pd.Series:
    """Return the people in each cell of two or three dimensions; three are fitted from their pairs."""
    pairs = [
        published.people(measure, one, other)
        for number, one in enumerate(dimensions)
        for other in dimensions[number + 1 :]
    ]
    if len(pairs) == 1:
        known: pd.Series = pairs[0]
        return known[known.index.get_level_values(dimensions[1]) != "unknown"]
    levels = [
        sorted(reduce(set.union, (set(p.index.get_level_values(d)) for p in pairs if d in p.index.names)))
        for d in dimensions
    ]
    levels = [[c for c in found if c != "unknown" or d == dimensions[0]]
              for d, found in zip(dimensions, levels, strict=True)]  # fmt: skip
    cells = pd.Series(1.0, pd.MultiIndex.from_product(levels, names=dimensions))
    for _ in range(200):
        for pair in pairs:
            names = list(pair.index.names)
            sums = cells.groupby(names).transform("sum")
            keys = pd.MultiIndex.from_frame(cells.index.to_frame(index=False)[names])
            cells = cells * np.nan_to_num(pair.reindex(keys).to_numpy(float)) / np.maximum(sums, 1e-9)
    return cells[cells > 0]


def _two(counts: pd.Series, exposed: Iterable[str], among: str) -> tuple[float, float]:
    chosen = counts.index.isin(list(exposed))
    others = counts.index == among if among else ~chosen & (counts.index != "unknown")
    return float(counts[chosen].sum()), float(counts[others].sum())


def planted(folder: Path) -> dict[str, float]:
    """Return name -> value of each planted effect."""
    effects = json.loads((folder / "truth" / "planted_effects.json").read_text("utf-8"))["effects"]
    return {effect["name"]: float(effect["value"]) for effect in effects}
