"""What is planted in the population can be found again, within its sampling error."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from sample_data.health.planted import EFFECTS, unplanted
from sample_data.population.households import ASSOCIATION, COUNCIL, PRIVATE
from sample_data.settings import PlantedEffects

Columns = dict[str, np.ndarray]


def mantel_haenszel_odds_ratio(
    outcome: np.ndarray, exposed: np.ndarray, stratum: np.ndarray
) -> tuple[float, float]:
    """Pooled odds ratio over strata, and the standard error of its logarithm (Robins and others 1986)."""
    a, b, c, d = (
        np.bincount(stratum, weights=flags, minlength=int(stratum.max()) + 1)
        for flags in (exposed & outcome, exposed & ~outcome, ~exposed & outcome, ~exposed & ~outcome)
    )
    n = np.maximum(a + b + c + d, 1)
    r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
    variance = (
        (p * r).sum() / (2 * r.sum() ** 2)
        + (p * s + q * r).sum() / (2 * r.sum() * s.sum())
        + (q * s).sum() / (2 * s.sum() ** 2)
    )
    return float(r.sum() / s.sum()), math.sqrt(variance)


def mantel_haenszel_rate_ratio(
    events: np.ndarray, exposed: np.ndarray, stratum: np.ndarray
) -> tuple[float, float]:
    """Pooled rate ratio over strata with one unit of time a person, and the error of its logarithm."""
    size = int(stratum.max()) + 1
    a = np.bincount(stratum, weights=events * exposed, minlength=size)
    b = np.bincount(stratum, weights=events * ~exposed, minlength=size)
    t1 = np.bincount(stratum, weights=exposed, minlength=size)
    t0 = np.bincount(stratum, weights=~exposed, minlength=size)
    t = np.maximum(t1 + t0, 1)
    r, s = a * t0 / t, b * t1 / t
    variance = (t1 * t0 * (a + b) / t**2).sum() / (r.sum() * s.sum())
    return float(r.sum() / s.sum()), math.sqrt(variance)


def _within(residents: Columns, keep: np.ndarray) -> Columns:
    names = (
        "age decile stratum tenure damp overcrowded fuel_poor aqma alone tax_support admissions respiratory "
        "falls vaccinated treated asthma copd frailty conditions admitted_in_year in_work free_meals "
        "good_level attendance"
    )
    return {name: residents[name][keep] for name in names.split()}


Estimate = Callable[[Columns], tuple[float, float]]


def _everyone(r: Columns) -> np.ndarray:
    return np.ones(len(r["age"]), dtype=bool)


def _children(r: Columns) -> np.ndarray:
    return np.asarray((r["age"] >= 3) & (r["age"] < 18))


def _social(r: Columns) -> np.ndarray:
    return np.isin(r["tenure"], (COUNCIL, ASSOCIATION))


RATIOS: dict[str, tuple[Callable[[Columns], np.ndarray], Estimate]] = {
    "damp_respiratory_admission": (
        _everyone,
        lambda r: mantel_haenszel_rate_ratio(r["respiratory"], r["damp"], r["stratum"] * 2 + r["fuel_poor"]),
    ),
    "damp_asthma": (_everyone, lambda r: mantel_haenszel_odds_ratio(r["asthma"], r["damp"], r["stratum"])),
    "overcrowding_childhood_asthma": (
        _children,
        lambda r: mantel_haenszel_odds_ratio(r["asthma"], r["overcrowded"], r["stratum"]),
    ),
    "overcrowding_child_admission": (
        lambda r: r["age"] < 18,
        lambda r: mantel_haenszel_rate_ratio(r["admissions"], r["overcrowded"], r["stratum"]),
    ),
    "fuel_poverty_respiratory_admission": (
        _everyone,
        lambda r: mantel_haenszel_rate_ratio(r["respiratory"], r["fuel_poor"], r["stratum"] * 2 + r["damp"]),
    ),
    "aqma_child_respiratory_admission": (
        lambda r: r["age"] < 18,
        lambda r: mantel_haenszel_rate_ratio(r["respiratory"], r["aqma"], r["stratum"]),
    ),
    "aqma_childhood_asthma": (
        _children,
        lambda r: mantel_haenszel_odds_ratio(r["asthma"], r["aqma"], r["stratum"] * 2 + r["overcrowded"]),
    ),
    "social_rent_frailty": (
        lambda r: r["age"] >= 65,
        lambda r: mantel_haenszel_odds_ratio(
            r["frailty"], _social(r), (r["age"] * 11 + r["decile"]) * 20 + r["conditions"]
        ),
    ),
    "living_alone_fall": (
        lambda r: r["age"] >= 65,
        lambda r: mantel_haenszel_rate_ratio(r["falls"], r["alone"], r["age"]),
    ),
    "social_rent_drug_alcohol": (
        lambda r: (r["age"] >= 18) & (r["age"] <= 64) & (r["tenure"] != PRIVATE),
        lambda r: mantel_haenszel_odds_ratio(r["treated"], _social(r), r["decile"]),
    ),
    "private_rent_drug_alcohol": (
        lambda r: (r["age"] >= 18) & (r["age"] <= 64) & (r["tenure"] <= PRIVATE),
        lambda r: mantel_haenszel_odds_ratio(r["treated"], r["tenure"] == PRIVATE, r["decile"]),
    ),
    "social_rent_copd": (
        lambda r: r["age"] >= 35,
        lambda r: mantel_haenszel_odds_ratio(r["copd"], _social(r), r["age"] * 11 + r["decile"]),
    ),
    "ill_health_in_work": (
        lambda r: (r["age"] >= 22) & (r["age"] <= 59),
        lambda r: mantel_haenszel_odds_ratio(
            r["in_work"] == 1, r["conditions"] >= 2, r["decile"] * 2 + r["tax_support"]
        ),
    ),
    "free_meals_good_level": (
        lambda r: r["good_level"] >= 0,
        lambda r: mantel_haenszel_odds_ratio(
            r["good_level"] == 1, r["free_meals"] == 1, r["decile"] * 2 + r["overcrowded"]
        ),
    ),
    "overcrowding_good_level": (
        lambda r: r["good_level"] >= 0,
        lambda r: mantel_haenszel_odds_ratio(
            r["good_level"] == 1, r["overcrowded"], r["decile"] * 2 + (r["free_meals"] == 1)
        ),
    ),
}


@pytest.mark.parametrize("name", sorted(RATIOS))
def test_a_planted_ratio_is_recovered_within_its_sampling_error(name, residents):
    population, estimate = RATIOS[name]
    ratio, error = estimate(_within(residents, population(residents.columns)))
    planted = asdict(PlantedEffects())[name]
    assert abs(math.log(ratio / planted)) < 3.3 * error
    assert abs(math.log(ratio)) > 2 * error, "the effect must be visible against no effect"


def test_vaccination_rises_by_the_planted_odds_with_every_decile(residents):
    old = _within(residents, residents["age"] >= 65)
    uptake = np.array([old["vaccinated"][old["decile"] == d].mean() for d in range(1, 11)])
    slope = np.polyfit(np.arange(1, 11), np.log(uptake / (1 - uptake)), 1)[0]
    assert math.isclose(math.exp(slope), PlantedEffects().vaccination_per_decile, abs_tol=0.02)


def test_serious_illness_costs_the_planted_points_of_attendance(residents):
    pupils = _within(residents, ~np.isnan(residents["attendance"]))
    ill = pupils["admitted_in_year"] > 0
    differences, weights = [], []
    for decile in range(1, 11):
        here = pupils["decile"] == decile
        differences.append(pupils["attendance"][here & ill].mean() - pupils["attendance"][here & ~ill].mean())
        weights.append((here & ill).sum())
    found = np.average(differences, weights=weights)
    assert math.isclose(found, PlantedEffects().serious_illness_attendance, abs_tol=0.8)


def test_every_planted_effect_is_described_and_tested():
    assert unplanted() == set()
    others = {"vaccination_per_decile", "serious_illness_attendance"}
    assert {effect.name for effect in EFFECTS} == set(RATIOS) | others


def test_the_truth_names_every_effect_with_its_value(written):
    planted = json.loads((written.folder / "truth" / "planted_effects.json").read_text())
    assert {e["name"]: e["value"] for e in planted["effects"]} == asdict(PlantedEffects())


def test_emergency_admissions_keep_the_published_rates_by_age_and_deprivation(residents):
    published = np.array([[66, 40], [68, 34], [85, 40], [108, 56], [282, 202]])
    for band, rates in enumerate(published):
        for column, quintile in enumerate((0, 4)):
            here = residents["stratum"] == band * 5 + quintile
            rate = residents["admissions"][here].sum() / 2 / here.sum() * 1000
            error = math.sqrt(rates[column] / here.sum() * 1000 / 2)
            assert abs(rate - rates[column]) < 4 * error + 3
