"""What was planted in the sample's population, looked for in the findings of its published release.

Each pack of measures has an effect here. A ratio is recovered where the planted one lies within the 99%
interval of the published one (keys, and so the noise, are new in each run); where other causes stand between
(age, deprivation), the difference at least must show.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.findings.statistics.change import difference_of_proportions
from sample_data.settings import PlantedEffects
from schemas.measure import measures

PLANTED = PlantedEffects()


@dataclass(frozen=True)
class Effect:
    """A rate of `exposed` beside that of `other`.

    odds: the planted ratio of odds, None where other causes interfere.
    is_lower: whether the exposed have the lower rate.
    """

    table_id: str
    measure: str
    exposed: str
    other: str
    odds: float | None = None
    is_lower: bool = False


EFFECTS = (
    Effect("respiratory_admission_by_damp", "respiratory_admission", "damp_reported", "none_reported",
           PLANTED.damp_respiratory_admission),
    Effect("child_health_by_overcrowding", "children_with_asthma", "overcrowded", "under_occupied",
           PLANTED.overcrowding_childhood_asthma),
    Effect("child_health_by_aqma", "children_with_asthma", "inside", "outside",
           PLANTED.aqma_childhood_asthma),
    Effect("attendance_by_child_admitted", "pupils_often_absent", "child_admitted", "no_child_admitted"),
    Effect("school_readiness_by_free_school_meals", "good_level_of_development", "entitled", "not_entitled",
           PLANTED.free_meals_good_level, is_lower=True),
    Effect("drug_alcohol_treatment_by_tenure", "drug_alcohol_treatment", "social_rented", "owned",
           PLANTED.social_rent_drug_alcohol),
    Effect("adults_in_work_by_working_age_ill_health", "adults_in_work", "with_ill_health",
           "without_ill_health", is_lower=True),
    Effect("vaccination_by_imd_quintile", "influenza_vaccination_65", "5", "1",
           PLANTED.vaccination_per_decile**8),
    Effect("falls_by_lives_alone", "older_residents_fallen", "alone", "with_others"),
    Effect("low_income_children_by_tenure", "low_income_with_children", "social_rented", "owned"),
    Effect("deprivation_by_area_deprivation", "deprived_household", "most_deprived_30_percent",
           "less_deprived"),
    Effect("frailty_by_tenure", "frailty_65", "social_rented", "owned"),
    Effect("health_by_imd_quintile", "emergency_admission", "1", "5"),
)  # fmt: skip


def check_planted_effects(findings: Path) -> None:
    """Assert that the written findings show every effect, and one of every pack."""
    assert {measures()[e.measure].pack for e in EFFECTS} == {m.pack for m in measures().values()}
    rates = pd.read_parquet(findings / "rates.parquet")
    whole = rates[(rates["area_level"] == "LAD") & (rates["dimension_2"] == "")]
    at = whole.set_index(["table_id", "measure", "category_1"])
    for effect in EFFECTS:
        named = [at.loc[(effect.table_id, effect.measure, c)] for c in (effect.exposed, effect.other)]
        (x1, n1), (x0, n0) = ((float(row["numerator"]), float(row["denominator"])) for row in named)
        change = difference_of_proportions(x0, n0, x1, n1)
        assert change.upper < 0 if effect.is_lower else change.lower > 0, effect
        if effect.odds is not None:
            odds = np.log(x1 * (n0 - x0) / (x0 * (n1 - x1)))
            reach = 2.576 * np.sqrt(1 / x1 + 1 / (n1 - x1) + 1 / x0 + 1 / (n0 - x0))
            assert abs(odds - np.log(effect.odds)) < reach, (effect, np.exp(odds))
