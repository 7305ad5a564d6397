"""All planted effects of the sample are recovered from its published tables within the analyst's interval."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.truth.planted import (
    NOISE,
    Effect,
    Published,
    adjusted_odds_ratio_of,
    adjusted_rate_ratio_of,
    odds_ratio_of,
    planted,
)
from tests.truth.sample_population import SAMPLE

pytestmark = pytest.mark.slow

AGE_AND_AREA = ("age_broad", "imd_quintile")


def _vaccination_per_decile(published: Published) -> Effect:
    """Regress the log odds of the five quintiles, weighted, on the middle decile of each."""
    counted = published.counts("influenza_vaccination_65", "imd_quintile")
    people = published.people("influenza_vaccination_65", "imd_quintile").reindex(counted.index)
    deciles = 2 * counted.index.astype(float).to_numpy() - 0.5
    yes, no = counted.to_numpy(float), (people - counted).to_numpy(float)
    weights = 1 / (1 / yes + 1 / no + NOISE * (1 / yes**2 + 1 / no**2))
    apart = deciles - np.average(deciles, weights=weights)
    slope = (weights * apart * np.log(yes / no)).sum() / (weights * apart**2).sum()
    return Effect.of_log(float(slope), float(1 / (weights * apart**2).sum()))


def _work_of_the_ill(published: Published) -> Effect:
    """Compare within 25 to 54, because many younger people study and many older people have retired."""
    measure, by = "adults_in_work", ("working_age", "multiple_conditions")
    working, people = published.counts(measure, *by)["25_to_54"], published.people(measure, *by)["25_to_54"]
    cells = np.array(
        [
            [working[category], people[category] - working[category]]
            for category in ("two_or_more_conditions", "fewer_conditions")
        ]
    )
    odds = cells[:, 0] / cells[:, 1]
    return Effect.of_log(float(np.log(odds[0] / odds[1])), float((1 / cells + NOISE / cells**2).sum()))


def _attendance_after_admission(published: Published) -> Effect:
    """Return the difference in mean attendance; a pupil's absence has a gamma distribution of shape 2."""
    sums = published.counts("mean_absence_sum", "admitted")
    pupils = published.counts("pupils_of_known_attendance", "admitted")
    means = sums / pupils
    # a sum has the noise of a count, up to 3, times its largest contribution: at most about 100
    variance = (means**2 / 2 / pupils + (2.0 * 50 / pupils) ** 2)[["admitted", "not_admitted"]].sum()
    difference = float(means["not_admitted"] - means["admitted"])
    reach = 1.96 * float(np.sqrt(variance))
    return Effect(difference, difference - reach, difference + reach)


def _adjusted(
    measure: str, exposure: str, exposed: str, *adjusting: str, ratio: Callable[..., Effect]
) -> Callable[[Published], Effect]:
    return lambda published: ratio(published, measure, exposure, [exposed], adjusting)


def _crude(measure: str, exposure: str, exposed: str, among: str = "") -> Callable[[Published], Effect]:
    return lambda published: odds_ratio_of(published, measure, exposure, [exposed], among)


ODDS, RATE = {"ratio": adjusted_odds_ratio_of}, {"ratio": adjusted_rate_ratio_of}
ESTIMATES: dict[str, Callable[[Published], Effect]] = {
    "damp_respiratory_admission": _adjusted(
        "residents_respiratory_admission", "damp", "damp_reported", *AGE_AND_AREA, **RATE
    ),
    "damp_asthma": _adjusted("residents_with_asthma", "damp", "damp_reported", "imd_quintile", **ODDS),
    "overcrowding_childhood_asthma": _adjusted(
        "children_with_asthma", "overcrowding", "overcrowded", "imd_quintile", **ODDS
    ),
    "overcrowding_child_admission": _adjusted(
        "children_admitted", "overcrowding", "overcrowded", "imd_quintile", **RATE
    ),
    "fuel_poverty_respiratory_admission": _adjusted(
        "residents_respiratory_admission", "fuel_poverty_risk", "at_risk", *AGE_AND_AREA, **RATE
    ),
    "aqma_child_respiratory_admission": _adjusted(
        "children_respiratory_admission", "aqma", "inside", "imd_quintile", **RATE
    ),
    "aqma_childhood_asthma": _adjusted("children_with_asthma", "aqma", "inside", "imd_quintile", **ODDS),
    "social_rent_frailty": _adjusted(
        "frailty_65", "tenure", "social_rented", "older_age", "imd_quintile", **ODDS
    ),
    "living_alone_fall": _adjusted(
        "older_residents_fallen_in_two_years", "lives_alone", "alone", "older_age", **RATE
    ),
    "social_rent_drug_alcohol": _crude(
        "residents_in_drug_alcohol_treatment", "tenure", "social_rented", "owned"
    ),
    "private_rent_drug_alcohol": _crude(
        "residents_in_drug_alcohol_treatment", "tenure", "private_rented", "owned"
    ),
    "social_rent_copd": _adjusted(
        "residents_with_copd", "tenure", "social_rented", "age_35_and_over", "imd_quintile", **ODDS
    ),
    "vaccination_per_decile": _vaccination_per_decile,
    "ill_health_in_work": _work_of_the_ill,
    "free_meals_good_level": _crude("good_level_of_development", "free_school_meals", "entitled"),
    # an odds ratio is the same when outcome and exposure change places
    "overcrowding_good_level": _crude("young_children_overcrowded", "good_level", "reached"),
    "serious_illness_attendance": _attendance_after_admission,
}
EFFECTS = planted(SAMPLE)


def test_every_planted_effect_has_an_estimate() -> None:
    assert set(ESTIMATES) == set(EFFECTS)


@pytest.mark.parametrize("name", EFFECTS)
def test_a_planted_effect_is_within_the_interval_of_the_published_tables(
    name: str, sample_release: Path
) -> None:
    found = ESTIMATES[name](Published(sample_release))
    assert found.contains(EFFECTS[name]), f"planted {EFFECTS[name]}, found {found}"
    # an interval that has everything in it recovers nothing
    unchanged = 0.0 if name == "serious_illness_attendance" else 1.0
    assert np.sign(found.value - unchanged) == np.sign(EFFECTS[name] - unchanged)
