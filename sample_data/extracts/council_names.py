"""How council services write names: initials, middle names, short forms, two people in one field."""

import numpy as np

from sample_data.defects.recording import accented, cut_double_barrelled, familiar, mistyped
from sample_data.extracts.council_services import BENEFITS, SCHOOL, TAX
from sample_data.population.draws import Flags, Texts, Whole, happens
from sample_data.population.moves import Population
from sample_data.population.people import PARTNER, REFERENCE
from sample_data.settings import DefectRates


def as_recorded(
    rng: np.random.Generator, population: Population, person: Whole, service: Whole, rates: DefectRates
) -> tuple[Texts, Texts, Flags]:
    """Return each row's forename and surname as its service writes them, and whether two people share it."""
    names = population.names
    count = len(person)
    given, middle = names.forename[person], names.middle[person]
    # some people use their middle name
    by_middle = (middle != "") & happens(rng, rates.known_by_middle_name, count)
    full = np.where(by_middle, middle, familiar(rng, given, rates.nickname))
    draw = rng.random(count)
    schools = service == SCHOOL
    with_initial = (middle != "") & ~by_middle & ~schools & (draw < 0.19)
    with_middle = (middle != "") & ~by_middle & ~schools & (draw >= 0.19) & (draw < 0.27)
    tax = service == TAX
    initials = tax & happens(rng, rates.council_initials, count)
    shown = np.select(
        [initials, with_initial, with_middle],
        [
            full.astype("<U1"),
            np.char.add(np.char.add(full, " "), middle.astype("<U1")),
            np.char.add(np.char.add(full, " "), middle),
        ],
        default=full.astype("<U48"),
    )
    surname = cut_double_barrelled(rng, names.surname[person], rates.double_barrelled_cut)
    shown = accented(rng, shown, rates.council_accents)
    surname = accented(rng, surname, rates.council_accents)
    shown = mistyped(rng, shown, rates.council_name_typo)
    surname = mistyped(rng, surname, rates.council_name_typo)
    joint = _joint_forenames(rng, population, person, tax, shown, rates.joint_name_field)
    shown = np.where(joint != "", joint, shown)
    loud = np.isin(service, (TAX, BENEFITS)) & happens(rng, 0.6, count)
    return (
        np.where(loud, shown, np.char.title(shown)),
        np.where(loud, surname, np.char.title(surname)),
        joint != "",
    )


def _joint_forenames(
    rng: np.random.Generator, population: Population, person: Whole, tax: Flags, forename: Texts, share: float
) -> Texts:
    """Return 'J & A' for a share of the council tax rows, all of them of couples; empty elsewhere."""
    people = population.people
    partner_of = np.full(int(people.household.max(initial=0)) + 1, -1)
    partners = np.flatnonzero(people.relation == PARTNER)
    partner_of[people.household[partners]] = partners
    partner = partner_of[people.household[person]]
    couple = tax & (people.relation[person] == REFERENCE) & (partner >= 0)
    wanted = min(1.0, share * tax.sum() / max(1, couple.sum()))
    joint = couple & happens(rng, wanted, len(person))
    other = population.names.forename[np.maximum(partner, 0)]
    short = np.char.add(np.char.add(forename.astype("<U1"), " & "), other.astype("<U1"))
    long = np.char.add(np.char.add(forename, " & "), other)
    return np.where(joint, np.where(happens(rng, 0.6, len(person)), short, long), "")
