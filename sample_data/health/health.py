"""Outcomes of the population: conditions, events, schooling and work, with the planted effects.

The determinants are in exposures.py, and each group of outcomes in its own module. Here they are
drawn in order and combined: one row per condition or event and one value per person.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.health.conditions import FRAILTY, registers
from sample_data.health.events import EVENT_YEARS, admissions, other_events
from sample_data.health.exposures import Exposures
from sample_data.health.school_and_work import attendance, good_level, in_work
from sample_data.population.draws import Floats, Texts, Whole, choose_same, happens, stream
from sample_data.population.geography import Block
from sample_data.population.moves import Population
from sample_data.settings import PlantedEffects


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


def fall_ill(
    block: Block, population: Population, exposures: Exposures, effects: PlantedEffects, today: int, seed: int
) -> Health:
    """Draw conditions, events, schooling and work. today: the reference date in days since 1970."""
    rng = stream(seed, block.number, "health")
    age = population.people.age
    sick = registers(rng, age, exposures, effects)
    counted = sum(flags.astype(np.int64) for name, flags in sick.items() if name != FRAILTY)
    conditions = np.asarray(counted)
    admitted = admissions(rng, age, exposures, conditions, effects)
    other = other_events(rng, population, exposures, sick, effects, today)
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
    admitted_in_year = np.bincount(person[in_year], minlength=len(age))
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
        admissions=admitted_in_year,
        in_work=in_work(rng, age, exposures, conditions, effects),
        free_meals=free_meals,
        sen=np.where(pupil, np.array(["N", "K", "E"])[choose_same(rng, (0.83, 0.13, 0.04), len(age))], ""),
        good_level=good_level(rng, age, exposures, free_meals, effects),
        attendance=np.where(
            (age >= 5) & (age <= 16), attendance(rng, exposures, admitted_in_year > 0, effects), np.nan
        ),
        exposures=exposures,
    )
