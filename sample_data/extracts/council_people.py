"""The people known to the council's services: one row per person and service.

Council tax records have initials and no birth date; the electoral register has full names and no birth date;
schools, benefits and housing have birth dates. The list lags behind moves: previous occupiers stay on it
until the move is reported to the council. School census rows often have an address of their own
instead of the property's record id.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.defects.addresses import Renderings
from sample_data.defects.recording import date_texts, shifted_births, uprn_texts
from sample_data.extracts.council_names import as_recorded
from sample_data.extracts.council_properties import CouncilProperties
from sample_data.extracts.council_services import (
    BENEFITS,
    CHILDRENS,
    HOUSING,
    REGISTER,
    SCHOOL,
    SERVICES,
    SOCIAL_CARE,
    TAX,
    known_people,
)
from sample_data.population.draws import Flags, Texts, Whole, choose_same, happens, stream
from sample_data.population.identifiers import record_ids
from sample_data.population.inhabit import InhabitedBlock
from sample_data.population.people import PARTNER, REFERENCE
from sample_data.settings import DIALECTS, SyntheticSettings


@dataclass
class CouncilPeople:
    """The extract's columns, with the real person (-1: not a resident), dwelling and status of each row.

    is_known: for each household, whether the council has its current address.
    """

    table: dict[str, Texts]
    person: Whole
    dwelling: Whole
    status: Texts
    is_joint: Flags
    is_known: Flags


def list_people(
    drawn: InhabitedBlock,
    properties: CouncilProperties,
    rendering: Renderings,
    settings: SyntheticSettings,
    seed: int,
    first_record: int,
) -> CouncilPeople:
    """Return the people list, shuffled within the block."""
    dwellings, population, health = drawn.dwellings, drawn.population, drawn.health
    rng = stream(seed, drawn.block.number, "council_person")
    rates = settings.defects
    known = known_people(rng, drawn.households, drawn.housing, population, rates, drawn.today)
    listed = properties.record_of_dwelling(len(dwellings))
    kept = np.flatnonzero(listed[known.dwelling] != "")
    known = known.rows(rng.permutation(kept))
    person, service = known.person, known.service
    count = len(person)
    people = population.people
    age, female = people.age[person], people.is_female[person]
    landlord = known.status == "non_resident_owner"
    forename, surname, joint = as_recorded(rng, population, person, service, rates)
    birth_known = np.isin(service, (SCHOOL, BENEFITS, HOUSING, SOCIAL_CARE, CHILDRENS)) & happens(
        rng, 0.985, count
    )
    birth_known |= (service == REGISTER) & ((age < 18) | happens(rng, 0.08, count))
    birth_known |= (service == TAX) & happens(rng, 0.08, count)
    birth_known &= ~landlord
    births = shifted_births(rng, people.birth[person], rates.council_birth_date_disagrees)
    with_sex = np.isin(service, (SCHOOL, BENEFITS, HOUSING, SOCIAL_CARE, CHILDRENS))
    pupil = service == SCHOOL
    by_address = pupil & happens(rng, rates.school_row_by_address, count)
    attended = np.where(np.isnan(health.attendance), -1.0, health.attendance)[person]
    table = {
        "record_id": record_ids("CX", first_record, count),
        "property_record_id": np.where(by_address, "", listed[known.dwelling]),
        **{
            f"address_line_{n + 1}": np.where(by_address, rendering.lines[known.dwelling, n], "")
            for n in range(rendering.lines.shape[1])
        },
        "postcode": np.where(by_address, rendering.postcode[known.dwelling], ""),
        "uprn": np.where(
            by_address & happens(rng, 0.6, count), uprn_texts(dwellings.uprn[known.dwelling]), ""
        ),
        "title": np.where(np.isin(service, (TAX, BENEFITS)), _titles(rng, female), ""),
        "forename": forename,
        "surname": surname,
        "birth_date": date_texts(
            rng, births, DIALECTS["council_person"].date_formats, birth_known, rates.impossible_date
        ),
        "sex": np.where(with_sex & ~landlord, np.where(female, "F", "M"), ""),
        "service": SERVICES[service],
        "role": np.where(
            np.isin(people.relation[person], (REFERENCE, PARTNER)) & (age >= 18), "liable", "resident"
        ),
        "free_school_meals": np.where(pupil, _flag_texts(health.free_meals[person]), ""),
        "sen": np.where(pupil, health.sen[person], ""),
        "good_level_of_development": np.where(pupil, _flag_texts(health.good_level[person]), ""),
        "school_attendance_percent": np.where(pupil & (attended >= 0), np.char.mod("%.1f", attended), ""),
        "in_work": np.where(
            (age >= 16) & ~landlord & ~pupil & happens(rng, 0.92, count),
            _flag_texts(health.in_work[person]),
            "",
        ),
    }
    return CouncilPeople(
        table, np.where(landlord, -1, person), known.dwelling, known.status, joint, known.is_known
    )


def _titles(rng: np.random.Generator, female: Flags) -> Texts:
    womens = np.array(["Mrs", "Miss", "Ms"])[choose_same(rng, (0.5, 0.28, 0.22), len(female))]
    return np.where(female, womens, "Mr")


def _flag_texts(values: Whole) -> Texts:
    """Return Y, N, or empty text for -1."""
    return np.select([values == 1, values == 0], ["Y", "N"], default="")
