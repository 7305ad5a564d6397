"""Age-standardised rates of residents, from published age bands.

- Direct: the rate per 1,000 that the European Standard Population 2013 would have at the area's own rates
  by age, with Dobson's interval.
- Indirect: events as a percentage of those expected at the authority's rates by age, with Byar's interval.
  This needs the population of every age band and the total number of events.

A measure of some ages only (65 and over, or under 18) is standardised over the bands that have people.
Young age bands can have so few events that they are hidden. A direct rate leaves these bands out, for all the
categories that it compares. `ages` shows the ages included. If too few bands are left, there is no rate.
Every interval includes noise and rounding.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from pipeline.findings.rates import authority_of
from pipeline.findings.release_figures import ReleaseFigures
from pipeline.findings.statistics.standardisation import (
    ESP2013,
    MINIMUM_EVENTS,
    directly_standardised_rate,
    indirectly_standardised_ratio,
)
from pipeline.statistics.interval import Interval
from schemas.dimension import UNKNOWN, dimensions

DIRECT = "direct, per 1,000 of the European Standard Population 2013"
INDIRECT = "indirect, the authority being 100"
PER = 1000.0
_OLDEST_AGE = 95
#: A rate with fewer age bands than this is not standardised.
MINIMUM_BANDS = 3
COLUMNS = (
    "measure",
    "title",
    "direction",
    "table_id",
    "area_level",
    "area_code",
    "dimension",
    "category",
    "method",
    "bands",
    "ages",
    "events",
    "population",
    "rate",
    "lower",
    "upper",
    "lower_95",
    "upper_95",
    "note",
)
Numbers = npt.NDArray[np.float64]


def standardised_rates_of(
    rates: pd.DataFrame, release: ReleaseFigures, confidence: float = 0.95
) -> pd.DataFrame:
    """Return one row per measure and area (or category) with age bands; `note` is the reason for no rate."""
    direct = list(_direct(rates, release.count_variance, confidence))
    return pd.DataFrame([*direct, *_indirect(rates, release, confidence)], columns=list(COLUMNS))


def age_dimensions() -> tuple[str, ...]:
    """Return the dimensions that consist of age bands."""
    return tuple(name for name, d in dimensions().items() if d.attribute == "age_years" and d.bands)


def standard_population(ages: str = "age") -> dict[str, float]:
    """Return age band -> European Standard Population 2013.

    Where a band cuts a five-year band of the standard, the five-year band is divided evenly by year.
    """
    by_year = np.repeat(np.array(ESP2013, dtype=np.float64) / 5, 5)
    shared = {}
    for category, (low, high) in dimensions()[ages].bands.items():
        last = _OLDEST_AGE if high is None else high + 1
        shared[category] = float(by_year[low or 0 : last].sum())
    return shared


def _direct(rates: pd.DataFrame, count_variance: float, confidence: float) -> Iterator[dict[str, Any]]:
    for labels, categories in _compared(rates):
        standard = standard_population(labels["bands"])
        counted = _counted_ages([bands for _, bands in categories], list(standard))
        every = [bands.reindex(counted) for _, bands in categories]
        ages = _published_ages(every, counted)
        weights = np.array([standard[age] for age in ages])
        for (category, _), bands in zip(categories, every, strict=True):
            used = bands.loc[ages] if ages else bands
            events, population = (used[name].to_numpy(np.float64) for name in ("numerator", "denominator"))
            row = labels | {
                "category": category,
                "method": DIRECT,
                "ages": ages_in_words(labels["bands"], ages),
            }
            row |= {"events": np.nansum(events), "population": np.nansum(population)}
            note = _note(events, population)
            if note or not ages:
                yield row | _unknown(note or f"fewer than {MINIMUM_BANDS} age bands with people")
                continue
            figures = [
                directly_standardised_rate(events, population, weights, level, PER, count_variance)
                for level in (confidence, 0.95)
            ]
            yield row | _known(*figures)


def _counted_ages(every: list[pd.DataFrame], ages: list[str]) -> list[str]:
    """Return the age bands that the measure is about: those with people, or a hidden number, anywhere."""
    return [age for age in ages if any(age in b.index and b.loc[age, "denominator"] != 0 for b in every)]


def _published_ages(every: list[pd.DataFrame], ages: list[str]) -> list[str]:
    """Return the age bands above the oldest one that any category hides; none if too few are left."""
    shown = [all(b.loc[age, ["numerator", "denominator"]].notna().all() for b in every) for age in ages]
    kept = len(shown) - shown[::-1].index(False) if False in shown else 0
    return ages[kept:] if len(ages) - kept >= MINIMUM_BANDS else []


def ages_in_words(dimension: str, ages: Sequence[str]) -> str:
    """Return the ages that the bands cover, such as "65 and over"; "all" where they are all the bands."""
    bands = dimensions()[dimension].bands
    if not ages:
        return ""
    low, high = bands[ages[0]][0] or 0, bands[ages[-1]][1]
    if high is None:
        return f"{low} and over" if low else "all"
    return f"{low} to {high}"


def _indirect(rates: pd.DataFrame, release: ReleaseFigures, confidence: float) -> Iterator[dict[str, Any]]:
    """Yield the ratios of areas within an authority, compared with the authority's rates by age."""
    authorities = authority_of(rates, release)
    reference = {
        (labels["measure"], labels["bands"], labels["area_code"]): bands
        for labels, bands in _by_age(rates[rates["area_level"] == "LAD"])
        if labels["dimension"] == ""
    }
    totals = rates[(rates["dimension_1"] == "") & (rates["area_level"] != "LAD")]
    events_of = totals.drop_duplicates(["measure", "area_code"]).set_index(["measure", "area_code"])[
        "numerator"
    ]
    authority = dict(zip(rates["area_code"], authorities, strict=True))
    for labels, bands in _by_age(rates[rates["area_level"] != "LAD"]):
        key = (labels["measure"], labels["area_code"])
        whole = reference.get((labels["measure"], labels["bands"], authority[labels["area_code"]]))
        if labels["dimension"] or whole is None or key not in events_of.index:
            continue
        ages = _counted_ages([whole], list(standard_population(labels["bands"])))
        population = bands.reindex(ages)["denominator"].to_numpy(np.float64)
        expected = whole.reindex(ages)
        observed = float(events_of[key])
        row = labels | {
            "method": INDIRECT,
            "ages": ages_in_words(labels["bands"], ages),
            "events": observed,
            "population": np.nansum(population),
        }
        note = _note(expected["numerator"].to_numpy(np.float64), population, "of the authority")
        if note or np.isnan(observed):
            yield row | _unknown(note or "the events of the area are hidden")
            continue
        yield row | _ratio(observed, population, expected, release.count_variance, confidence)


def _ratio(
    observed: float, population: Numbers, whole: pd.DataFrame, count_variance: float, confidence: float
) -> dict[str, Any]:
    """Return the standardised ratio with limits for chance, widened for noise and rounding.

    Noise moves the events of the area, and its expected events through each count that they follow from.
    """
    events, people = (whole[name].to_numpy(np.float64) for name in ("numerator", "denominator"))
    rate = events / people
    total = float((rate * population).sum())
    moved = count_variance * float((rate**2 + (population / people) ** 2 * (1 + rate**2)).sum())
    figures = []
    for level in (confidence, 0.95):
        value, lower, upper = indirectly_standardised_ratio(
            [], population, events, people, level, refvalue=100, observed_total=observed
        )
        margin = float(special.ndtri((1 + level) / 2)) * 100 / total
        margin *= float(np.sqrt(count_variance + (observed / total) ** 2 * moved))
        reach = (np.hypot(value - lower, margin), np.hypot(upper - value, margin))
        figures.append(Interval(value, max(float(value - reach[0]), 0.0), float(value + reach[1])))
    return _known(*figures)


def _by_age(rates: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield each area (or category of it) that is broken down by age, with its age bands as rows."""
    for labels, categories in _compared(rates):
        for category, bands in categories:
            yield labels | {"category": category}, bands


def _compared(rates: pd.DataFrame) -> Iterator[tuple[dict[str, Any], list[tuple[str, pd.DataFrame]]]]:
    """Yield each area broken down by age, with the age bands of each category of the other dimension."""
    keys = ["measure", "title", "direction", "table_id", "area_level", "area_code", "bands", "dimension"]
    for own, other in ((1, 2), (2, 1)):
        by_age = rates[f"dimension_{own}"].isin(age_dimensions())
        chosen = rates[by_age & (rates[f"category_{own}"] != UNKNOWN)]
        chosen = chosen.assign(
            bands=chosen[f"dimension_{own}"],
            dimension=chosen[f"dimension_{other}"],
            category=chosen[f"category_{other}"],
        )
        chosen = chosen[chosen["category"] != UNKNOWN]
        for key, group in chosen.groupby(keys, sort=True):
            inhabited = [
                (str(category), bands.set_index(f"category_{own}"))
                for category, bands in group.groupby("category", sort=True)
                if bands["denominator"].fillna(1).sum() > 0
            ]
            yield dict(zip(keys, key, strict=True)), inhabited


def _note(events: Numbers, population: Numbers, whose: str = "") -> str:
    words = f" {whose}" if whose else ""
    if np.isnan(population).any():
        return f"the population of {int(np.isnan(population).sum())} of {len(population)} age bands is hidden"
    if np.isnan(events).any():
        return f"the events of {int(np.isnan(events).sum())} of {len(events)} age bands{words} are hidden"
    if events.sum() < MINIMUM_EVENTS:
        return f"fewer than {MINIMUM_EVENTS} events"
    return ""


def _known(chosen: Interval, usual: Interval) -> dict[str, Any]:
    """chosen: at the chosen confidence; usual: at 95%, which the inequality indices are simulated from."""
    names = ("rate", "lower", "upper", "lower_95", "upper_95", "note")
    return dict(zip(names, (*chosen, *usual[1:], ""), strict=True))


def _unknown(note: str) -> dict[str, Any]:
    return dict.fromkeys(("rate", "lower", "upper", "lower_95", "upper_95"), np.nan) | {"note": note}
