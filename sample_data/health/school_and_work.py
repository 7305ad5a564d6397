"""School and work outcomes that council services record, with planted effects."""

import numpy as np

from sample_data.health.exposures import Exposures, from_log_odds
from sample_data.population.draws import Flags, Floats, Whole, happens
from sample_data.settings import PlantedEffects


def in_work(
    rng: np.random.Generator, age: Whole, exposures: Exposures, conditions: Whole, effects: PlantedEffects
) -> Whole:
    log_odds = 1.75 - 0.10 * (5.5 - exposures.decile) + np.where(exposures.tax_support, -2.0, 0.0)
    log_odds = log_odds + np.log(effects.ill_health_in_work) * (conditions >= 2)
    log_odds = log_odds + np.where(age < 22, -1.6, 0.0) + np.where(age >= 60, -0.8, 0.0)
    log_odds = np.where(age >= 67, -2.3, log_odds)
    return np.where(age >= 16, happens(rng, from_log_odds(log_odds), len(age)), -1)


def good_level(
    rng: np.random.Generator, age: Whole, exposures: Exposures, free_meals: Whole, effects: PlantedEffects
) -> Whole:
    """Return good level of development, known for children aged 5 to 7 (-1 for others)."""
    log_odds = 0.95 + 0.05 * (exposures.decile - 5.5)
    log_odds = log_odds + np.log(effects.free_meals_good_level) * (free_meals == 1)
    log_odds = log_odds + np.log(effects.overcrowding_good_level) * exposures.overcrowded
    return np.where((age >= 5) & (age <= 7), happens(rng, from_log_odds(log_odds), len(age)), -1)


def attendance(
    rng: np.random.Generator, exposures: Exposures, admitted: Flags, effects: PlantedEffects
) -> Floats:
    """Return the percentage of sessions attended; absence has a gamma distribution around its mean."""
    mean = 5.6 + 0.25 * (5.5 - exposures.decile) - effects.serious_illness_attendance * admitted
    return np.round(np.clip(100 - rng.gamma(2.0, mean / 2), 0, 100), 1)
