"""Directly and indirectly standardised rates.

Age bands are on the last axis. Any axes before it are areas or groups, and
the result has their shape.
Source: PHE technical guide, "Commonly used public health statistics and their
confidence intervals", as in the R package PHEindicatormethods.
"""

import numpy as np

from pipeline.statistics.interval import (
    EXACT_BELOW,
    Column,
    Interval,
    Numbers,
    as_columns,
    as_interval,
    check_all,
    confidence_level,
    poisson_limits,
)

#: European Standard Population 2013 by five-year age band, 0-4 to 90 and over; 100,000 people.
ESP2013 = (
    5000,
    5500,
    5500,
    5500,
    6000,
    6000,
    6500,
    7000,
    7000,
    7000,
    7000,
    6500,
    6000,
    5500,
    5000,
    4000,
    2500,
    1500,
    1000,
)

#: With fewer events, no directly standardised rate is returned.
MINIMUM_EVENTS = 10


def directly_standardised_rate(
    x: Column,
    n: Column,
    stdpop: Column = ESP2013,
    confidence: float = 0.95,
    multiplier: float = 100_000,
    count_variance: float = 0.0,
) -> Interval:
    """Rate that the standard population would have at the bands' own rates, with Dobson's interval.

    x: events by age band, where unknown counts as zero; n: population by age band, above zero.
    stdpop: standard population by age band. NaN where there are fewer than 10 events in total.
    count_variance: variance that noise and rounding add to each count, which widens the interval.
    """
    count, population, weight = _weights(x, n, stdpop, multiplier)
    chance = (weight**2 * count).sum(axis=-1)
    added = (weight**2 * count_variance * (1 + (count / population) ** 2)).sum(axis=-1)
    return _dobson(count, weight, confidence_level(confidence), MINIMUM_EVENTS, chance + added)


def standardised_rate_of_repeated_events(
    people: Column,
    n: Column,
    frequency: Column,
    stdpop: Column = ESP2013,
    confidence: float = 0.95,
    multiplier: float = 100_000,
) -> Interval:
    """Directly standardised rate of events that are not independent: one person may have several.

    people: persons by age band and by number of events, the last two axes, where unknown counts as zero.
    frequency: the number of events that each column of the last axis is about, such as 1, 2, 3.
    The rate is that of all events. The interval is Dobson's with the variance of a compound Poisson count:
    each person with f events adds f squared.
    Source: PHE technical guide, "Directly standardised rates", non-independent events.
    """
    each = np.asarray(frequency, dtype=np.float64)
    persons = np.nan_to_num(np.asarray(people, dtype=np.float64))
    if each.ndim != 1 or persons.ndim < 2 or persons.shape[-1] != len(each):
        raise ValueError("give the persons by age band and, on the last axis, by number of events")
    check_all(persons >= 0, persons, "counts must not be negative")
    check_all(each > 0, each, "numbers of events must be above zero")
    count, _, weight = _weights((persons * each).sum(axis=-1), n, stdpop, multiplier)
    variance = (weight**2 * (persons * each**2).sum(axis=-1)).sum(axis=-1)
    return _dobson(count, weight, confidence_level(confidence), MINIMUM_EVENTS, variance)


def dobson_interval(
    x: Column,
    n: Column | None = None,
    stdpop: Column | None = None,
    confidence: float = 0.95,
    multiplier: float = 1.0,
    weights: Column | None = None,
) -> Interval:
    """Weighted sum of Poisson counts with Dobson's interval.

    x: counts, strata on the last axis. With `weights`, one for each stratum, the result is the sum of weight
    times count. With n and stdpop (populations and standard populations; ESP 2013 where stdpop is left
    out), it is a standardised rate times `multiplier`. A value is returned for any number of events.
    Source: Dobson, Kuulasmaa, Eberle, Scherer 1991, Statistics in Medicine 10:457-462.
    """
    if n is not None and weights is None:
        count, _, weight = _weights(x, n, ESP2013 if stdpop is None else stdpop, multiplier)
        return _dobson(count, weight, confidence_level(confidence), 0)
    if n is not None or weights is None:
        raise ValueError("give either weights, or populations n (and stdpop)")
    count, weight = as_columns(np.nan_to_num(np.asarray(x, dtype=np.float64)), weights)
    return _dobson(count, weight * multiplier, confidence_level(confidence), 0)


def expected_events(n: Column, x_ref: Column, n_ref: Column) -> Numbers:
    """Return the events a population would have at the reference population's rates by band."""
    population, events, reference = as_columns(np.nan_to_num(np.asarray(n, dtype=np.float64)), x_ref, n_ref)
    check_all(population >= 0, population, "populations must not be negative")
    check_all(reference > 0, reference, "reference populations must be above zero")
    return np.asarray((np.nan_to_num(events) / reference * population).sum(axis=-1))


def indirectly_standardised_ratio(
    x: Column,
    n: Column,
    x_ref: Column,
    n_ref: Column,
    confidence: float = 0.95,
    refvalue: float = 1.0,
    observed_total: Column | None = None,
) -> Interval:
    """Observed over expected events, times `refvalue`, with Byar's interval (exact below 10 events).

    x: events by age band, where unknown counts as zero; n: population by band; x_ref, n_ref: events and
    population of the reference by band. observed_total: all events, where they are not known by band
    (x is then not used). refvalue: 100 for a standardised mortality ratio as usually published.
    """
    expected = expected_events(n, x_ref, n_ref)
    counted = (
        np.nan_to_num(np.asarray(x, dtype=np.float64)).sum(axis=-1)
        if observed_total is None
        else observed_total
    )
    observed, expected = as_columns(counted, expected)
    check_all(observed >= 0, observed, "counts must not be negative")
    lower, upper = poisson_limits(observed, confidence_level(confidence), EXACT_BELOW)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(expected > 0, refvalue / expected, np.nan)
    return as_interval(observed * scale, lower * scale, upper * scale)


def indirectly_standardised_rate(
    x: Column,
    n: Column,
    x_ref: Column,
    n_ref: Column,
    confidence: float = 0.95,
    multiplier: float = 100_000,
    observed_total: Column | None = None,
) -> Interval:
    """Indirectly standardised ratio times the crude rate of the reference population."""
    events, reference = as_columns(x_ref, n_ref)
    crude = float(np.nan_to_num(events).sum() / reference.sum() * multiplier)
    return indirectly_standardised_ratio(x, n, x_ref, n_ref, confidence, crude, observed_total)


def _weights(x: Column, n: Column, stdpop: Column, multiplier: float) -> tuple[Numbers, Numbers, Numbers]:
    """Return events, population and the weight of an event, all by age band."""
    filled = np.nan_to_num(np.asarray(x, dtype=np.float64))
    if filled.ndim == 0 or filled.shape[-1] != np.shape(stdpop)[-1]:
        raise ValueError("events and standard population must have the same age bands, along the last axis")
    count, population, standard = as_columns(filled, n, stdpop)
    check_all(population > 0, population, "populations must be above zero")
    check_all(standard >= 0, standard, "standard populations must not be negative")
    if np.isnan(population).any() or np.isnan(standard).any():
        raise ValueError("populations and standard populations must be known")
    return count, population, multiplier * standard / population / standard.sum(axis=-1, keepdims=True)


def _dobson(
    count: Numbers, weight: Numbers, level: float, minimum_events: float, variance: Numbers | None = None
) -> Interval:
    """variance: of the weighted sum; by default that of independent events."""
    check_all(count >= 0, count, "counts must not be negative")
    total = count.sum(axis=-1)
    value = (weight * count).sum(axis=-1)
    if variance is None:
        variance = (weight**2 * count).sum(axis=-1)
    lower, upper = poisson_limits(total, level, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(total > 0, np.sqrt(variance / total), 0.0)
    known = np.where(total >= minimum_events, 1.0, np.nan)
    return as_interval(
        value * known, (value + scale * (lower - total)) * known, (value + scale * (upper - total)) * known
    )
