"""Long-term condition registers, by age, deprivation and planted determinants.

Onset is ten years earlier in the most deprived decile than in the least deprived one (field notes).
"""

import numpy as np

from sample_data.health.exposures import Exposures, from_log_odds
from sample_data.population.draws import Flags, Whole, happens
from sample_data.population.households import ASSOCIATION, COUNCIL
from sample_data.settings import PlantedEffects

#: condition: log odds at 50, change per ten years of age, youngest age.
CONDITIONS: dict[str, tuple[float, float, int]] = {
    "asthma": (-2.65, -0.03, 3),
    "atrial_fibrillation": (-4.9, 1.05, 30),
    "cancer": (-3.8, 0.60, 15),
    "ckd": (-4.3, 0.95, 18),
    "copd": (-4.4, 0.70, 35),
    "chd": (-4.0, 0.90, 30),
    "dementia": (-9.0, 1.75, 50),
    "depression": (-1.85, -0.08, 14),
    "diabetes": (-2.75, 0.50, 12),
    "epilepsy": (-4.7, 0.05, 4),
    "heart_failure": (-5.4, 1.00, 35),
    "hypertension": (-1.85, 0.75, 25),
    "learning_disability": (-5.1, -0.1, 4),
    "obesity": (-2.0, 0.02, 18),
    "osteoporosis": (-6.0, 0.95, 50),
    "rheumatoid_arthritis": (-4.9, 0.35, 16),
    "smi": (-4.5, 0.05, 16),
    "stroke": (-4.5, 0.80, 25),
}
FRAILTY = "frailty"


def registers(
    rng: np.random.Generator, age: Whole, exposures: Exposures, effects: PlantedEffects
) -> dict[str, Flags]:
    """Return the registers by condition; ages are shifted so that onset is ten years earlier in decile 1."""
    effective = age + (5.5 - exposures.decile) * 1.1
    child = age < 18
    renter_social = np.isin(exposures.tenure, (COUNCIL, ASSOCIATION))
    frail_propensity = rng.normal(0, 0.5, len(age))
    result: dict[str, Flags] = {}
    for name, (level, slope, youngest) in CONDITIONS.items():
        log_odds = level + slope * (effective - 50) / 10 + frail_propensity
        if name == "asthma":
            log_odds = (
                level
                + np.where(child, 0.25, 0.0)
                + 0.02 * (5.5 - exposures.decile)
                + np.log(effects.damp_asthma) * exposures.damp
                + np.log(effects.overcrowding_childhood_asthma) * (exposures.overcrowded & child)
                + np.log(effects.aqma_childhood_asthma) * (exposures.aqma & child)
            )
        elif name == "copd":
            log_odds = log_odds + np.log(effects.social_rent_copd) * renter_social
        elif name in ("depression", "smi", "obesity"):
            log_odds = log_odds + 0.06 * (5.5 - exposures.decile)
        result[name] = happens(rng, np.where(age >= youngest, from_log_odds(log_odds), 0.0), len(age))
    burden = sum(flags.astype(np.int64) for flags in result.values())
    frail = -2.75 + 1.0 * (effective - 75) / 10 + 0.45 * (np.asarray(burden) - 2)
    frail = frail + np.log(effects.social_rent_frailty) * renter_social
    result[FRAILTY] = happens(rng, np.where(age >= 65, from_log_odds(frail), 0.0), len(age))
    return result
