"""Life expectancy by age against that of PHEindicatormethods.

Reference values: tests of the R package PHEindicatormethods 2.1.0 (ukhsa-collaboration,
testLifeExpectancy.R), to the eight digits that they print. The limits of the first table are at 1.96
standard errors.
"""

import numpy as np
import pytest
from scipy import special

from pipeline.findings.statistics.life_expectancy import LIFE_TABLE_AGES, life_expectancy

POPULATION = (7060, 35059, 46974, 48489, 43219, 38561, 46009, 57208, 61435, 55601)
POPULATION += (50209, 56416, 46411, 39820, 37978, 37039, 33288, 23306, 11936, 11936)
DEATHS = (17, 9, 4, 8, 20, 15, 24, 33, 50, 71, 100, 163, 263, 304, 536, 872, 1390, 1605, 1936, 1937)
YEARS = (80.16960813, 79.36245674, 75.44193645, 70.47299936, 65.52909542, 60.67510088, 55.78835987)
YEARS += (50.92752727, 46.06740425, 41.24505636, 36.49322717, 31.83343842, 27.26027992, 22.9719144)
YEARS += (18.76856852, 14.95858336, 11.51684445, 8.618849241, 6.163942934, 6.16210635)
LOWER = (79.88268548, 79.0898816, 75.17407307, 70.20675732, 65.26548673, 60.41876577, 55.53801579)
LOWER += (50.68279939, 45.82666794, 41.00842831, 36.26223216, 31.60996318, 27.04337271, 22.76653134)
LOWER += (18.57570352, 14.77985004, 11.34831778, 8.451134045, 5.978358351, 5.887683386)
UPPER = (80.45653078, 79.63503188, 75.70979983, 70.7392414, 65.79270412, 60.931436, 56.03870395)
UPPER += (51.17225516, 46.30814055, 41.48168441, 36.72422219, 32.05691365, 27.47718713, 23.17729746)
UPPER += (18.96143352, 15.13731667, 11.68537112, 8.786564437, 6.349527517, 6.436529314)
#: A small area with many deaths at young ages: the 95% interval is wider than 20 years from 40 on.
SMALL = (270, 235, 246, 248, 243, 238, 246, 257, 261, 355, 350, 356, 346, 339, 337, 337, 333, 323, 311, 311)
MANY = (17, 9, 4, 8, 20, 15, 24, 33, 50, 51, 10, 16, 26, 30, 36, 22, 13, 5, 6, 1)
ROUNDED_Z = 1.96 / special.ndtri(0.975)


def test_life_expectancy_at_every_age_agrees_with_the_published_table() -> None:
    years, lower, upper = life_expectancy(DEATHS, POPULATION)
    np.testing.assert_allclose(years, YEARS, atol=1e-8)
    np.testing.assert_allclose(years - (years - lower) * ROUNDED_Z, LOWER, atol=1e-8)
    np.testing.assert_allclose(years + (upper - years) * ROUNDED_Z, UPPER, atol=1e-8)


def test_a_life_expectancy_with_an_interval_over_20_years_is_not_shown_but_its_limits_are() -> None:
    years, lower, upper = life_expectancy(MANY, SMALL)
    np.testing.assert_allclose(years[[0, 4, 8]], [19.22914685, 11.81284556, 11.95846561], atol=1e-8)
    assert np.isnan(years[9:]).all()
    published_lower = [16.43900644, 9.21823373, 2.37762283, -1.60695210, -298.54880400]
    published_upper = [22.01928726, 14.40745738, 21.53930839, 50.29765396, 920.54880400]
    at = [0, 4, 8, 9, 19]
    np.testing.assert_allclose(lower[at], published_lower, rtol=1e-6)
    np.testing.assert_allclose(upper[at], published_upper, rtol=1e-6)


def test_many_areas_are_calculated_together_and_each_on_its_own() -> None:
    deaths, people = np.array([DEATHS, DEATHS]), np.array([POPULATION, POPULATION], dtype=float)
    people[1, 18] = 119  # fewer than the deaths
    years, lower, _ = life_expectancy(deaths, people)
    np.testing.assert_allclose(years[0], YEARS, atol=1e-8)
    assert np.isnan(years[1]).all()
    assert np.isnan(lower[1]).all()


@pytest.mark.parametrize(
    ("band", "deaths", "people"), [(18, 20, 0), (19, 0, 11936), (18, np.nan, 11936), (5, 20, np.nan)]
)
def test_an_area_that_lacks_what_the_method_needs_has_none(band: int, deaths: float, people: float) -> None:
    counts, population = np.array(DEATHS, dtype=float), np.array(POPULATION, dtype=float)
    counts[band], population[band] = deaths, people
    assert np.isnan(life_expectancy(counts, population).value).all()


@pytest.mark.parametrize(("people", "is_shown"), [(5000, False), (5020, True)])
def test_more_than_5000_person_years_are_needed(people: float, is_shown: bool) -> None:
    share = np.full(20, people / 20)
    assert np.isfinite(life_expectancy(share / 20, share).lower).all() == is_shown


def test_with_one_death_rate_at_every_age_people_live_its_inverse() -> None:
    """Chiang's table is exact where the rate is constant, as far as half of each band is lived."""
    people = np.full(20, 1e6)
    years = life_expectancy(people * 0.01, people).value
    np.testing.assert_allclose(years[1:], 100, rtol=1e-6)


def test_years_without_deaths_in_a_young_band_are_all_lived() -> None:
    deaths = np.array(DEATHS)
    deaths[3] = 0
    years = life_expectancy(deaths, POPULATION).value
    assert years[3] - years[4] == pytest.approx(5)
    assert LIFE_TABLE_AGES[3:5] == (10, 15)


@pytest.mark.parametrize(
    ("deaths", "people", "message"),
    [
        ((-1, *DEATHS[1:]), POPULATION, "deaths must not be negative"),
        (DEATHS, (-1, *POPULATION[1:]), "populations must not be negative"),
        (DEATHS[1:], POPULATION[1:], "20 age bands"),
    ],
)
def test_impossible_deaths_are_refused(deaths: tuple, people: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        life_expectancy(deaths, people)
