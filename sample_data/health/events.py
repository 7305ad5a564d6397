"""Events of the two years before the reference date: admissions, attendances, vaccinations, treatment.

Emergency admissions meet the published rates of each age band and IMD quintile. A planted ratio
multiplies the rate of the exposed, and the whole stratum is then normalised, so that the published rate is
met and the ratio between exposed and unexposed in one stratum is the planted ratio.
"""

import numpy as np

from sample_data.health.exposures import Exposures, age_band, from_log_odds, quintile
from sample_data.population.draws import Flags, Texts, Whole, choose_same, happens, normalised
from sample_data.population.households import ASSOCIATION, COUNCIL, PRIVATE
from sample_data.population.moves import Population
from sample_data.settings import PlantedEffects

#: Emergency admissions per 1,000 a year by age band and IMD quintile, most deprived first.
_ADMISSIONS = np.array(
    [
        [66, 57, 47, 44, 40],
        [68, 50, 45, 43, 34],
        [85, 60, 50, 40, 40],
        [108, 87, 69, 64, 56],
        [282, 239, 206, 199, 202],
    ]
)

#: cause: ICD-10 codes, and its share of admissions at ages 0-17, 18-64, 65 and over.
_CAUSES: dict[str, tuple[tuple[str, ...], tuple[float, float, float]]] = {
    "respiratory": (("J18", "J22", "J45", "J21", "J44"), (0.30, 0.14, 0.20)),
    "injury": (("S52", "S09", "S72", "T14"), (0.16, 0.13, 0.14)),
    "circulatory": (("I21", "I50", "I63", "R07"), (0.01, 0.16, 0.24)),
    "mental": (("F10", "X60", "F32"), (0.03, 0.09, 0.02)),
    "other": (("R10", "N39", "K52", "A09", "L03", "R56"), (0.50, 0.48, 0.40)),
}
_RESPIRATORY_BY_AGE = np.array(
    [[0.10, 0.25, 0.30, 0.34, 0.01], [0.40, 0.20, 0.22, 0.0, 0.18], [0.40, 0.18, 0.06, 0, 0.36]]
)
_METHODS = np.array(["21", "22", "23", "24", "25", "2A", "2B", "2D", "28"])
_METHOD_SHARES = (0.55, 0.12, 0.03, 0.05, 0.02, 0.17, 0.03, 0.01, 0.02)

EVENT_YEARS = 2.0


def admissions(
    rng: np.random.Generator, age: Whole, exposures: Exposures, conditions: Whole, effects: PlantedEffects
) -> tuple[Whole, Texts, Texts]:
    """Return person, ICD-10 code and admission method of each emergency admission in the event period."""
    band = age_band(age)
    strata = band * 5 + quintile(exposures.decile)
    rate = _ADMISSIONS[band, quintile(exposures.decile)] / 1000 * EVENT_YEARS
    stage = np.digitize(age, (18, 65))
    child = age < 18
    unwell = normalised(1 + 0.35 * np.minimum(conditions, 6), strata, np.ones(len(age)))
    crowded = np.where(exposures.overcrowded & child, effects.overcrowding_child_admission, 1.0)
    people: list[Whole] = []
    codes: list[Texts] = []
    for cause, (listed, shares) in _CAUSES.items():
        ratio = crowded.copy()
        if cause == "respiratory":
            ratio *= np.where(exposures.damp, effects.damp_respiratory_admission, 1.0)
            ratio *= np.where(exposures.fuel_poor, effects.fuel_poverty_respiratory_admission, 1.0)
            ratio *= np.where(exposures.aqma & child, effects.aqma_child_respiratory_admission, 1.0)
        base = rate * np.array(shares)[stage] * unwell
        counts = rng.poisson(base * normalised(ratio, strata, base))
        admitted = np.repeat(np.arange(len(age)), counts)
        people.append(admitted)
        if cause == "respiratory":
            edges = np.cumsum(_RESPIRATORY_BY_AGE, axis=1)[stage[admitted]]
            which = (edges < rng.random(len(admitted))[:, None]).sum(axis=1)
            codes.append(np.array(listed)[np.minimum(which, len(listed) - 1)])
        else:
            codes.append(np.array(listed)[rng.integers(len(listed), size=len(admitted))])
    person = np.concatenate(people)
    method = _METHODS[choose_same(rng, _METHOD_SHARES, len(person))]
    return person, np.concatenate(codes), method


def other_events(
    rng: np.random.Generator,
    population: Population,
    exposures: Exposures,
    sick: dict[str, Flags],
    effects: PlantedEffects,
    today: int,
) -> tuple[Whole, Texts, Texts, Whole]:
    """Return person, event, code and day of A&E attendances, vaccinations, falls and addiction treatment."""
    age = population.people.age
    count = len(age)
    deprived = (5.5 - exposures.decile) / 4.5
    attending = np.repeat(
        np.arange(count),
        rng.poisson(EVENT_YEARS * 0.30 * np.exp(0.22 * deprived) * np.where(age < 5, 1.7, 1.0)),
    )
    at_risk = sick["asthma"] | sick["copd"] | sick["diabetes"] | sick["chd"]
    eligible = (age >= 65) | at_risk | ((age >= 2) & (age <= 15))
    log_odds = np.where(age >= 65, 1.1, np.where(age <= 15, -0.1, -0.3))
    log_odds = log_odds + np.log(effects.vaccination_per_decile) * (exposures.decile - 5.5)
    vaccinated = np.flatnonzero(eligible & happens(rng, from_log_odds(log_odds), count))
    fall_rate = np.where(age >= 65, 0.055 * np.exp(0.07 * (age - 75)), 0.0)
    fallen = np.repeat(
        np.arange(count),
        rng.poisson(fall_rate * EVENT_YEARS * np.where(exposures.alone, effects.living_alone_fall, 1.0)),
    )
    odds = -5.2 + 0.14 * (5.5 - exposures.decile)
    odds = odds + np.log(effects.social_rent_drug_alcohol) * np.isin(exposures.tenure, (COUNCIL, ASSOCIATION))
    odds = odds + np.log(effects.private_rent_drug_alcohol) * (exposures.tenure == PRIVATE)
    treated = np.flatnonzero(
        happens(rng, np.where((age >= 18) & (age <= 64), from_log_odds(odds), 0.0), count)
    )
    groups = (
        ("ae_attendance", attending, ""),
        ("vaccination_influenza", vaccinated, ""),
        ("fall", fallen, "W19"),
        ("drug_alcohol_treatment", treated, ""),
    )
    days = [
        today - 1 - (rng.random(len(attending)) * EVENT_YEARS * 365).astype(np.int64),
        today - 75 - rng.integers(0, 110, len(vaccinated)),
        today - 1 - (rng.random(len(fallen)) * EVENT_YEARS * 365).astype(np.int64),
        today - 1 - rng.integers(0, 365, len(treated)),
    ]
    return (
        np.concatenate([who for _, who, _ in groups]),
        np.concatenate([np.full(len(who), name, dtype="<U24") for name, who, _ in groups]),
        np.concatenate([np.full(len(who), code, dtype="<U4") for _, who, code in groups]),
        np.concatenate(days),
    )
