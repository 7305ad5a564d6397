"""Life expectancy by age from deaths and population of 20 age bands, with limits for chance.

The abridged life table of Chiang, with the variance of Silcocks for the last, open age band: people of 90 and
over live 1 / (death rate) years on average, and this mean has an error too.
Source: Chiang 1968, The Life Table and its Construction; Silcocks, Jenner, Reza 2001, Journal of
Epidemiology and Community Health 55:38-43; PHE technical guide, "Life expectancy", as in the PHE Life
Expectancy Calculator and `phe_life_expectancy` of the R package PHEindicatormethods.
"""

import numpy as np
from scipy import special

from pipeline.statistics.interval import (
    Column,
    Interval,
    Numbers,
    as_columns,
    check_all,
    confidence_level,
)

#: First age of each band: under 1, 1 to 4, then five years each, and 90 and over.
LIFE_TABLE_AGES = (0, 1, *range(5, 95, 5))
#: With fewer person-years in all, no life expectancy is returned.
MINIMUM_PERSON_YEARS = 5000
#: A life expectancy whose 95% interval is wider than this is not returned; its limits are.
WIDEST_INTERVAL = 20.0
#: Share of the band that people who die in it have lived: a tenth of the first year, half of any other band.
_LIVED = np.array([0.1] + [0.5] * 19)
_STARTERS = 100_000.0


def life_expectancy(deaths: Column, population: Column, confidence: float = 0.95) -> Interval:
    """Return the mean number of years that people of each age in LIFE_TABLE_AGES have still to live.

    deaths, population: by age band on the last axis, of the same years (person-years where there is more than
    one year); areas or groups on the axes before it. The result has the same shape; the first age is
    life expectancy at birth.
    NaN where it cannot be calculated: a band without people or with more deaths than people, at most 5,000
    person-years in all, or no death at 90 and over. Where the 95% interval is wider than 20 years, the
    value is NaN and the limits are shown.
    """
    count, people = as_columns(deaths, population)
    if count.ndim == 0 or count.shape[-1] != len(LIFE_TABLE_AGES):
        raise ValueError(f"deaths and population need {len(LIFE_TABLE_AGES)} age bands, along the last axis")
    check_all(count >= 0, count, "deaths must not be negative")
    check_all(people >= 0, people, "populations must not be negative")
    usable = ((people > 0) & (count <= people)).all(axis=-1) & (people.sum(axis=-1) > MINIMUM_PERSON_YEARS)
    usable &= count[..., -1] > 0
    shown = np.where(usable[..., None], 1.0, np.nan)
    years, error = _life_table(count * shown, people * shown)
    reach = float(special.ndtri((1 + confidence_level(confidence)) / 2)) * error
    is_wide = 2 * float(special.ndtri(0.975)) * error > WIDEST_INTERVAL
    return Interval(np.where(is_wide, np.nan, years), years - reach, years + reach)


def _life_table(deaths: Numbers, people: Numbers) -> tuple[Numbers, Numbers]:
    """Return the years still to live at the start of each band, and their standard errors."""
    rate = deaths / people
    width = np.broadcast_to(np.append(np.diff(LIFE_TABLE_AGES), np.nan), rate.shape).copy()
    width[..., -1] = 2 / rate[..., -1]
    dying = np.minimum(width * rate / (1 + width * (1 - _LIVED) * rate), 1.0)
    # A band in which more people die than its width allows for is survived by no one.
    dying = np.where(deaths > people / (width * _LIVED) * (1 + 1e-12), 1.0, dying)
    dying[..., -1] = 1.0
    alive = _STARTERS * np.cumprod(
        np.concatenate([np.ones((*rate.shape[:-1], 1)), 1 - dying[..., :-1]], axis=-1), axis=-1
    )
    following = np.concatenate([alive[..., 1:], np.zeros((*rate.shape[:-1], 1))], axis=-1)
    lived = width * (following + _LIVED * (alive - following))
    lived[..., -1] = alive[..., -1] / rate[..., -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        years = np.where(alive > 0, _from_the_end(lived) / alive, alive * 0)
        spread = np.where(deaths > 0, dying**2 * (1 - dying) / deaths, deaths * 0)
        later = np.concatenate([years[..., 1:], np.zeros((*rate.shape[:-1], 1))], axis=-1)
        part = spread * alive**2 * ((1 - _LIVED) * width + later) ** 2
        part[..., -1] = alive[..., -1] ** 2 / (deaths[..., -1] * rate[..., -1] ** 2)
        error = np.sqrt(_from_the_end(part)) / alive
    return years, error


def _from_the_end(column: Numbers) -> Numbers:
    """Return at each age the sum of the values of that age and all later ones."""
    return np.cumsum(column[..., ::-1], axis=-1)[..., ::-1]
