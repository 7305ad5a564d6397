"""The council's two lists: dwellings, and the people its services know.

The person list has one row per person and service. Council tax writes initials and no birth date,
the electoral register full names and no birth date, schools, benefits and housing birth dates. The
list lags behind moves: previous occupiers stay on it until the council learns of the change.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.addresses import Renderings
from sample_data.draws import Flags, Texts, Whole, choose_same, happens, stream
from sample_data.dwellings import Dwellings
from sample_data.geography import Block
from sample_data.health import Health
from sample_data.households import ASSOCIATION, CARE_HOME, COUNCIL, PRIVATE, STUDENT_HALL, Households
from sample_data.housing import LANDLORD_LABELS, PROPERTY_TYPES, Housing, tenure_labels
from sample_data.identifiers import record_ids
from sample_data.moves import Population
from sample_data.people import PARTNER, REFERENCE
from sample_data.recording import (
    cut_double_barrelled,
    damaged_uprns,
    date_texts,
    familiar,
    mistyped,
    uprn_texts,
)
from sample_data.settings import DIALECTS, SyntheticSettings

SERVICES = np.array(
    [
        "council_tax",
        "electoral_register",
        "school_census",
        "benefits",
        "housing",
        "adult_social_care",
        "childrens_services",
    ]
)
TAX, REGISTER, SCHOOL, BENEFITS, HOUSING, SOCIAL_CARE, CHILDRENS = range(7)


@dataclass
class CouncilProperties:
    """The extract's columns, and of each row the dwelling and the damage (truth)."""

    table: dict[str, Texts]
    dwelling: Whole
    listed_uprn: Whole
    uprn_damage: Texts

    def record_of_dwelling(self, dwellings: int) -> Texts:
        """The record id of each dwelling, empty where the council does not list it."""
        result = np.full(dwellings, "", dtype=self.table["record_id"].dtype)
        here = self.dwelling >= 0
        result[self.dwelling[here]] = self.table["record_id"][here]
        return result


@dataclass
class CouncilPeople:
    """The extract's columns; of each row the real person (-1: none) and the status."""

    table: dict[str, Texts]
    person: Whole
    dwelling: Whole
    status: Texts


def list_properties(
    block: Block,
    dwellings: Dwellings,
    households: Households,
    housing: Housing,
    rendering: Renderings,
    settings: SyntheticSettings,
    seed: int,
    first_record: int,
) -> CouncilProperties:
    """Write the dwelling list: new builds are not on it yet, demolished dwellings still are."""
    rng = stream(seed, block.number, "council_property")
    rates = settings.defects
    count = len(dwellings)
    unlisted = happens(rng, rates.new_build_not_listed, count) & (dwellings.kind != "care_home")
    shared = _shared_uprn(rng, dwellings, rates.shared_uprn)
    demolished = np.flatnonzero(happens(rng, rates.demolished_still_listed, count))
    rows = np.r_[np.flatnonzero(~unlisted), demolished]
    gone = np.r_[np.zeros(int((~unlisted).sum()), dtype=bool), np.ones(len(demolished), dtype=bool)]
    order = rng.permutation(len(rows))
    rows, gone = rows[order], gone[order]
    uprn = np.where(gone, dwellings.uprn[rows] + 5_000_000, shared[rows])
    missing = happens(rng, rates.council_uprn_missing, len(rows))
    text, damage = damaged_uprns(rng, np.where(missing, -1, uprn), rates)
    previous = happens(rng, rates.uprn_historic, count)[rows] & ~gone
    parent = np.where(happens(rng, 0.95, len(rows)), dwellings.parent_uprn[rows], 0)
    tenure = households.tenure_of_dwelling[rows]
    lived_in = housing.household_of[rows] >= 0
    unknown = happens(rng, rates.tenure_missing, len(rows)) | ~lived_in
    lines = rendering.lines[rows].copy()
    number = np.char.add((900 + np.arange(len(rows)) % 99).astype("<U4"), " FORMERLY ")
    lines[gone, 0] = np.char.add(number, lines[:, 0])[gone]
    areas = np.array([area.lsoa21 for area in block.areas])
    table = {
        "record_id": record_ids("CP", first_record, len(rows)),
        "uprn": text,
        "parent_uprn": uprn_texts(parent),
        "previous_uprn": uprn_texts(np.where(previous, historic_uprn(uprn), 0)),
        **{f"address_line_{n + 1}": lines[:, n] for n in range(lines.shape[1])},
        "postcode": rendering.postcode[rows],
        "lsoa21": np.where(happens(rng, 0.011, len(rows)), "", areas[dwellings.area[rows]]),
        "blpu_class": housing.blpu_class[rows],
        "blpu_state": np.where(gone, "4", housing.blpu_state[rows]),
        "property_type": PROPERTY_TYPES[dwellings.dwelling_type[rows]],
        "council_tax_band": housing.band[rows],
        "council_tax_exemption": np.where(gone, "", housing.exemption[rows]),
        "single_person_discount": yes_no(housing.single_person_discount[rows] & ~gone),
        "council_tax_support": yes_no(housing.tax_support[rows] & ~gone),
        "tenure": tenure_labels(tenure, unknown | gone),
        "landlord": np.where(unknown | gone, "", LANDLORD_LABELS[tenure]),
        "bedrooms": housing.bedrooms[rows].astype("<U3"),
        "epc_rating": np.where(happens(rng, rates.epc_missing, len(rows)), "", housing.epc[rows]),
        "is_hmo": yes_no(housing.is_hmo[rows] & ~gone),
        "damp_report": yes_no(housing.damp[rows] & ~gone),
        "arrears": yes_no(housing.arrears[rows] & ~gone),
        "is_empty": yes_no((~lived_in & happens(rng, 0.92, len(rows))) | gone),
    }
    return CouncilProperties(table, np.where(gone, -1, rows), np.where(missing, 0, uprn), damage)


def historic_uprn(uprn: Whole) -> Whole:
    """The UPRN a re-numbered dwelling had before: from a range of its own."""
    return uprn + 2_000_000_000


def _shared_uprn(rng: np.random.Generator, dwellings: Dwellings, share: float) -> Whole:
    """Converted flats whose gazetteer knows one UPRN for the whole house: all carry the first one's."""
    converted = dwellings.is_flat & (dwellings.dwelling_type >= 4)
    slots = np.unique(dwellings.slot[converted])
    sizes = np.bincount(dwellings.slot, minlength=int(dwellings.slot.max(initial=0)) + 1)
    wanted = share * len(dwellings)
    picked = rng.permutation(slots)
    picked = picked[np.cumsum(sizes[picked]) <= wanted]
    first = np.full(len(sizes), np.iinfo(np.int64).max)
    np.minimum.at(first, dwellings.slot, dwellings.uprn)
    return np.where(np.isin(dwellings.slot, picked), first[dwellings.slot], dwellings.uprn)


def yes_no(flags: Flags) -> Texts:
    """Y or N."""
    return np.where(flags, "Y", "N")


def list_people(
    block: Block,
    households: Households,
    housing: Housing,
    population: Population,
    health: Health,
    properties: CouncilProperties,
    dwellings: Dwellings,
    settings: SyntheticSettings,
    today: int,
    seed: int,
    first_record: int,
) -> CouncilPeople:
    """Write the people list, shuffled within the block."""
    rng = stream(seed, block.number, "council_person")
    rates = settings.defects
    person, dwelling, service, status = _known_people(rng, households, housing, population, settings, today)
    listed = properties.record_of_dwelling(len(dwellings))
    kept = listed[dwelling] != ""
    person, dwelling, service, status = (c[kept] for c in (person, dwelling, service, status))
    order = rng.permutation(len(person))
    person, dwelling, service, status = (c[order] for c in (person, dwelling, service, status))
    people = population.people
    age = people.age[person]
    female = people.is_female[person]
    relation = people.relation[person]
    landlord = status == "non_resident_owner"
    forename, surname = _council_names(rng, population, person, service, rates.council_initials, settings)
    joint = _joint_names(rng, population, person, service, forename, rates.joint_name_field)
    forename = np.where(joint != "", joint, forename)
    loud = (service == TAX) & happens(rng, 0.55, len(person))
    with_birth = np.isin(service, (SCHOOL, BENEFITS, HOUSING, SOCIAL_CARE, CHILDRENS)) & happens(
        rng, 0.985, len(person)
    )
    with_birth |= (service == REGISTER) & (age < 18)
    with_birth |= happens(rng, 0.05, len(person)) & (service == TAX)
    with_birth &= ~landlord
    title = np.where(
        female, np.array(["Mrs", "Miss", "Ms"])[choose_same(rng, (0.5, 0.28, 0.22), len(person))], "Mr"
    )
    pupil = service == SCHOOL
    attendance = np.where(np.isnan(health.attendance), -1.0, health.attendance)[person]
    table = {
        "record_id": record_ids("CX", first_record, len(person)),
        "property_record_id": listed[dwelling],
        "title": np.where(np.isin(service, (TAX, BENEFITS)), title, ""),
        "forename": np.where(loud, forename, np.char.title(forename)),
        "surname": np.where(loud, surname, np.char.title(surname)),
        "birth_date": date_texts(
            rng,
            people.birth[person],
            DIALECTS["council_person"].date_formats,
            with_birth,
            rates.impossible_date,
        ),
        "sex": np.where(
            np.isin(service, (SCHOOL, BENEFITS, SOCIAL_CARE, CHILDRENS)), np.where(female, "F", "M"), ""
        ),
        "service": SERVICES[service],
        "role": np.where(np.isin(relation, (REFERENCE, PARTNER)) & (age >= 18), "liable", "resident"),
        "free_school_meals": np.where(pupil, flag_text(health.free_meals[person]), ""),
        "sen": np.where(pupil, health.sen[person], ""),
        "good_level_of_development": np.where(pupil, flag_text(health.good_level[person]), ""),
        "school_attendance_percent": np.where(pupil & (attendance >= 0), np.char.mod("%.1f", attendance), ""),
        "in_work": np.where(
            (age >= 16) & ~landlord & ~pupil & happens(rng, 0.92, len(person)),
            flag_text(health.in_work[person]),
            "",
        ),
    }
    return CouncilPeople(table, np.where(landlord, -1, person), dwelling, status)


def flag_text(values: Whole) -> Texts:
    """Y, N, or empty for -1."""
    return np.select([values == 1, values == 0], ["Y", "N"], default="")


def _known_people(
    rng: np.random.Generator,
    households: Households,
    housing: Housing,
    population: Population,
    settings: SyntheticSettings,
    today: int,
) -> tuple[Whole, Whole, Whole, Texts]:
    """Person, dwelling, service and status of every row the council holds."""
    rates = settings.defects
    people = population.people
    resident = np.flatnonzero(population.is_resident)
    household = people.household[resident]
    communal = np.isin(households.composition[household], (CARE_HOME, STUDENT_HALL))
    lag = rng.exponential(30, len(households))
    not_known_yet = (households.years_here * 365 < lag)[household]
    late = not_known_yet & (people.age[resident] >= 18)
    person = resident[~communal & ~late]
    service = _services(rng, population, housing, person)
    person, service = person[service >= 0], service[service >= 0]
    dwelling = population.home[person]
    status = np.full(len(person), "current", dtype="<U24")
    again = happens(rng, rates.council_person_second_service, len(person))
    other = _second_service(rng, people.age[person], service)
    again &= other != service
    former = np.flatnonzero((population.former_home >= 0) & (people.age >= 18))
    months = (today - population.moved_out[former]) / 365.25
    stays = happens(rng, rates.previous_occupier_listed * np.exp(-months / 0.45), len(former))
    stale = former[stays]
    rented = np.flatnonzero(housing.household_of >= 0)
    rented = rented[households.tenure_of_dwelling[rented] == PRIVATE]
    owned_elsewhere = rented[happens(rng, rates.landlord_listed, len(rented))]
    # a landlord is nobody of the population: an adult's names are borrowed and marked
    borrowed = rng.choice(np.flatnonzero((people.age > 30) & (people.age < 75)), len(owned_elsewhere))
    overlap = happens(rng, rates.overlapping_account, len(person))
    return (
        np.r_[person, person[again], stale, borrowed, person[overlap]],
        np.r_[dwelling, dwelling[again], population.former_home[stale], owned_elsewhere, dwelling[overlap]],
        np.r_[
            service,
            other[again],
            np.where(happens(rng, 0.5, len(stale)), TAX, REGISTER),
            np.full(len(borrowed), TAX),
            np.full(int(overlap.sum()), TAX),
        ],
        np.concatenate(
            [
                status,
                status[again],
                np.full(len(stale), "stale_previous_occupier", dtype="<U24"),
                np.full(len(borrowed), "non_resident_owner", dtype="<U24"),
                np.full(int(overlap.sum()), "overlapping_account", dtype="<U24"),
            ]
        ),
    )


def _services(rng: np.random.Generator, population: Population, housing: Housing, person: Whole) -> Whole:
    """The service that knows a person best, -1 where none does."""
    people = population.people
    age = people.age[person]
    head = np.isin(people.relation[person], (REFERENCE, PARTNER))
    home = population.home[person]
    support = housing.tax_support[home]
    tenant = np.isin(population.tenure_of_home[person], (COUNCIL, ASSOCIATION))
    british = np.isin(people.category[person], ("A", "B", "D", "E", "F", "G", "H", "J", "K", "M", "N", "P"))
    draw = rng.random(len(person))
    return np.select(
        [
            (age < 5) & (draw < 0.03),
            age < 5,
            (age <= 16) & (draw < 0.89),
            age <= 16,
            (age < 18) & (draw < 0.5),
            (age >= 70) & (draw > 0.965),
            head & support & (draw < 0.55),
            head & tenant & (draw < 0.75),
            head & (draw < 0.26),
            british & (draw < 0.93),
            ~british & (draw < 0.45),
            head & (people.relation[person] == REFERENCE),
        ],
        [
            CHILDRENS,
            -1,
            SCHOOL,
            -1,
            REGISTER,
            SOCIAL_CARE,
            BENEFITS,
            HOUSING,
            TAX,
            REGISTER,
            REGISTER,
            TAX,
        ],
        default=-1,
    )


def _second_service(rng: np.random.Generator, age: Whole, service: Whole) -> Whole:
    return np.select(
        [age < 5, age < 18, (age >= 65) & happens(rng, 0.4, len(age)), service == REGISTER],
        [service, np.where(service == SCHOOL, CHILDRENS, SCHOOL), SOCIAL_CARE, TAX],
        default=np.full(len(age), REGISTER),
    )


def _council_names(
    rng: np.random.Generator,
    population: Population,
    person: Whole,
    service: Whole,
    initials: float,
    settings: SyntheticSettings,
) -> tuple[Texts, Texts]:
    names = population.names
    rates = settings.defects
    full = familiar(rng, names.forename[person], rates.nickname)
    middle = names.middle[person]
    tax = service == TAX
    shown = np.select(
        [
            tax & happens(rng, initials, len(person)),
            (middle != "") & happens(rng, 0.16, len(person)),
            (middle != "") & happens(rng, 0.08, len(person)),
        ],
        [
            full.astype("<U1"),
            np.char.add(np.char.add(full, " "), middle.astype("<U1")),
            np.char.add(np.char.add(full, " "), middle),
        ],
        default=full.astype("<U40"),
    )
    surname = cut_double_barrelled(rng, names.surname[person], rates.double_barrelled_cut)
    return mistyped(rng, shown, rates.council_name_typo), mistyped(rng, surname, rates.council_name_typo)


def _joint_names(
    rng: np.random.Generator,
    population: Population,
    person: Whole,
    service: Whole,
    forename: Texts,
    share: float,
) -> Texts:
    """'J & A' for a share of council tax rows of couples; empty elsewhere."""
    people = population.people
    partner = np.full(int(people.household.max(initial=0)) + 1, -1)
    partners = np.flatnonzero(people.relation == PARTNER)
    partner[people.household[partners]] = partners
    other = partner[people.household[person]]
    couple = (service == TAX) & (people.relation[person] == REFERENCE) & (other >= 0)
    wanted = min(1.0, share * (service == TAX).sum() / max(1, couple.sum()))
    joint = couple & happens(rng, wanted, len(person))
    second = population.names.forename[np.maximum(other, 0)]
    initial = happens(rng, 0.6, len(person))
    text = np.where(
        initial,
        np.char.add(np.char.add(forename.astype("<U1"), " & "), second.astype("<U1")),
        np.char.add(np.char.add(forename, " & "), second),
    )
    return np.where(joint, text, "")
