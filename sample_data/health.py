"""Outcomes of the population: long-term conditions, events, schooling and work, with planted effects.

Marginal rates follow published gradients (field notes: emergency admissions by age and deprivation,
onset of conditions ten years earlier in the most deprived areas). A planted ratio multiplies the
rate or odds of the exposed; rates are then normalised within age band and IMD quintile, so that the
margins hold and the ratio between exposed and unexposed of one stratum is exactly the planted one.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.draws import Flags, Floats, Texts, Whole, choose_same, happens, normalised, stream
from sample_data.dwellings import Dwellings
from sample_data.geography import Block
from sample_data.households import ASSOCIATION, COUNCIL, PRIVATE, Households
from sample_data.housing import Housing
from sample_data.moves import Population
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
_BAND_EDGES = (20, 38, 53, 67)

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


@dataclass
class Exposures:
    """Of each person of the population; former people have none of the household's."""

    decile: Whole
    tenure: Whole
    damp: Flags
    overcrowded: Flags
    fuel_poor: Flags
    tax_support: Flags
    aqma: Flags
    alone: Flags


@dataclass
class Health:
    """Long tables of conditions and events by person position, and per-person attributes.

    admissions: emergency admissions in the 12 months before the reference date. in_work and the
    school columns are -1 (or NaN) where they do not apply.
    """

    condition_person: Whole
    condition: Texts
    condition_onset: Whole
    event_person: Whole
    event: Texts
    event_day: Whole
    event_icd10: Texts
    event_method: Texts
    conditions: Whole
    admissions: Whole
    in_work: Whole
    free_meals: Whole
    sen: Texts
    good_level: Whole
    attendance: Floats
    exposures: Exposures


def expose(
    block: Block, dwellings: Dwellings, population: Population, households: Households, housing: Housing
) -> Exposures:
    """What each person lives with: the determinants that effects are planted on."""
    resident = population.is_resident
    home = np.where(resident, population.home, population.former_home)
    area = np.array([a.imd_decile for a in block.areas])
    aqma = np.array([a.aqma for a in block.areas])
    area_of = dwellings.area[home]
    household = np.where(resident, population.people.household, 0)
    return Exposures(
        decile=area[area_of],
        tenure=households.tenure_of_dwelling[home],
        damp=housing.damp[home] & resident,
        overcrowded=(housing.occupancy_rating[home] < 0) & resident,
        fuel_poor=housing.fuel_poor[home] & resident,
        tax_support=housing.tax_support[home] & resident,
        aqma=aqma[area_of] & resident,
        alone=(households.size[household] == 1) & resident,
    )


def fall_ill(
    block: Block, population: Population, exposures: Exposures, effects: PlantedEffects, today: int, seed: int
) -> Health:
    """Draw conditions, events, schooling and work. today: the reference date in days since 1970."""
    rng = stream(seed, block.number, "health")
    age = population.people.age
    sick = _conditions(rng, age, exposures, effects)
    counted = sum(flags.astype(np.int64) for name, flags in sick.items() if name != FRAILTY)
    conditions = np.asarray(counted)
    admitted = _admissions(rng, age, exposures, conditions, effects)
    other = _other_events(rng, population, exposures, sick, effects, today)
    person, event, icd10, method = (
        np.concatenate([admitted[0], other[0]]),
        np.concatenate([np.full(len(admitted[0]), "emergency_admission", dtype="<U24"), other[1]]),
        np.concatenate([admitted[1], other[2]]),
        np.concatenate([admitted[2], np.full(len(other[0]), "", dtype="<U2")]),
    )
    day = np.concatenate(
        [today - 1 - (rng.random(len(admitted[0])) * EVENT_YEARS * 365).astype(np.int64), other[3]]
    )
    alive = (population.died[person] == 0) | (day < population.died[person])
    kept = (day >= population.people.birth[person]) & alive
    person, event, icd10, method, day = (c[kept] for c in (person, event, icd10, method, day))
    in_year = (event == "emergency_admission") & (day >= today - 365)
    admissions = np.bincount(person[in_year], minlength=len(age))
    pupil = (age >= 4) & (age <= 16)
    free_meals = np.where(pupil, happens(rng, np.where(exposures.tax_support, 0.85, 0.07), len(age)), -1)
    condition_person = np.concatenate([np.flatnonzero(flags) for flags in sick.values()])
    names = np.concatenate([np.full(int(flags.sum()), name, dtype="<U24") for name, flags in sick.items()])
    ages = age[condition_person]
    years_ill = np.minimum(rng.gamma(2.0, 4.0, len(condition_person)), np.maximum(ages - 2, 0.2))
    return Health(
        condition_person=condition_person,
        condition=names,
        condition_onset=today - (years_ill * 365.2425).astype(np.int64) - 1,
        event_person=person,
        event=event,
        event_day=day,
        event_icd10=icd10,
        event_method=method,
        conditions=conditions,
        admissions=admissions,
        in_work=_in_work(rng, age, exposures, conditions, effects),
        free_meals=free_meals,
        sen=np.where(pupil, np.array(["N", "K", "E"])[choose_same(rng, (0.83, 0.13, 0.04), len(age))], ""),
        good_level=_good_level(rng, age, exposures, free_meals, effects),
        attendance=np.where(
            (age >= 5) & (age <= 16), _attendance(rng, exposures, admissions > 0, effects), np.nan
        ),
        exposures=exposures,
    )


def _odds(probability_log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-probability_log_odds)))


def age_band(age: Whole) -> Whole:
    """0-19, 20-37, 38-52, 53-66, 67 and over, as the published admission rates have them."""
    return np.digitize(age, _BAND_EDGES)


def quintile(decile: Whole) -> Whole:
    """0 (most deprived) to 4."""
    return (decile - 1) // 2


def _conditions(
    rng: np.random.Generator, age: Whole, exposures: Exposures, effects: PlantedEffects
) -> dict[str, Flags]:
    """Registers by condition; ages are shifted so that onset comes ten years earlier in decile 1."""
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
            )
        elif name == "copd":
            log_odds = log_odds + np.log(effects.social_rent_copd) * renter_social
        elif name in ("depression", "smi", "obesity"):
            log_odds = log_odds + 0.06 * (5.5 - exposures.decile)
        result[name] = happens(rng, np.where(age >= youngest, _odds(log_odds), 0.0), len(age))
    burden = sum(flags.astype(np.int64) for flags in result.values())
    result[FRAILTY] = happens(
        rng,
        np.where(age >= 65, _odds(-2.6 + 1.0 * (effective - 75) / 10 + 0.45 * (np.asarray(burden) - 2)), 0.0),
        len(age),
    )
    return result


def _admissions(
    rng: np.random.Generator, age: Whole, exposures: Exposures, conditions: Whole, effects: PlantedEffects
) -> tuple[Whole, Texts, Texts]:
    """Person, ICD-10 code and admission method of every emergency admission of the event period."""
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


def _other_events(
    rng: np.random.Generator,
    population: Population,
    exposures: Exposures,
    sick: dict[str, Flags],
    effects: PlantedEffects,
    today: int,
) -> tuple[Whole, Texts, Texts, Whole]:
    """A&E attendances, influenza vaccinations, falls, drug and alcohol treatment."""
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
    vaccinated = np.flatnonzero(eligible & happens(rng, _odds(log_odds), count))
    fall_rate = np.where(age >= 65, 0.055 * np.exp(0.07 * (age - 75)), 0.0)
    fallen = np.repeat(
        np.arange(count),
        rng.poisson(fall_rate * EVENT_YEARS * np.where(exposures.alone, effects.living_alone_fall, 1.0)),
    )
    odds = -5.2 + 0.14 * (5.5 - exposures.decile)
    odds = odds + np.log(effects.social_rent_drug_alcohol) * np.isin(exposures.tenure, (COUNCIL, ASSOCIATION))
    odds = odds + np.log(effects.private_rent_drug_alcohol) * (exposures.tenure == PRIVATE)
    treated = np.flatnonzero(happens(rng, np.where((age >= 18) & (age <= 64), _odds(odds), 0.0), count))
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


def _in_work(
    rng: np.random.Generator, age: Whole, exposures: Exposures, conditions: Whole, effects: PlantedEffects
) -> Whole:
    log_odds = 1.75 - 0.10 * (5.5 - exposures.decile) + np.where(exposures.tax_support, -2.0, 0.0)
    log_odds = log_odds + np.log(effects.ill_health_in_work) * (conditions >= 2)
    log_odds = log_odds + np.where(age < 22, -1.6, 0.0) + np.where(age >= 60, -0.8, 0.0)
    log_odds = np.where(age >= 67, -2.3, log_odds)
    return np.where(age >= 16, happens(rng, _odds(log_odds), len(age)), -1)


def _good_level(
    rng: np.random.Generator, age: Whole, exposures: Exposures, free_meals: Whole, effects: PlantedEffects
) -> Whole:
    """Good level of development, known for children of 5 to 7."""
    log_odds = 0.95 + 0.05 * (exposures.decile - 5.5)
    log_odds = log_odds + np.log(effects.free_meals_good_level) * (free_meals == 1)
    log_odds = log_odds + np.log(effects.overcrowding_good_level) * exposures.overcrowded
    return np.where((age >= 5) & (age <= 7), happens(rng, _odds(log_odds), len(age)), -1)


def _attendance(
    rng: np.random.Generator, exposures: Exposures, admitted: Flags, effects: PlantedEffects
) -> Floats:
    """Per cent of sessions attended: absence is gamma distributed around its mean."""
    mean = 5.6 + 0.25 * (5.5 - exposures.decile) - effects.serious_illness_attendance * admitted
    return np.round(np.clip(100 - rng.gamma(2.0, mean / 2), 0, 100), 1)
