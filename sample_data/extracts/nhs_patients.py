"""The NHS list as the supplier writes it: one row per patient and address spell."""

from dataclasses import dataclass

import numpy as np

from sample_data.defects.addresses import LINES, Renderings
from sample_data.defects.recording import (
    accented,
    cut_double_barrelled,
    damaged_uprns,
    date_texts,
    familiar,
    mistyped,
    shifted_births,
    swapped,
)
from sample_data.extracts.nhs_addresses import write_addresses
from sample_data.extracts.nhs_registrations import SECOND_ROWS, Registrations, register
from sample_data.extracts.nhs_uprns import assign_uprns
from sample_data.housing.dwellings import Dwellings
from sample_data.population.departures import WITH_HOUSEHOLD
from sample_data.population.draws import Texts, Whole, happens, stream
from sample_data.population.geography import Block
from sample_data.population.identifiers import NONE, nhs_numbers, record_ids
from sample_data.population.inhabit import InhabitedBlock
from sample_data.population.moves import Population
from sample_data.settings import DIALECTS, DefectRates, SyntheticSettings

FLOOR_DAY = -25567  # 1900-01-01


@dataclass
class NhsPatients:
    """The extract's columns, with the real person, recorded dwelling, status and defects of each row.

    rendering: which of the NHS renderings of that dwelling is used. main: for each person, the row that
    conditions and events refer to (-1: not registered). numbers: how many NHS numbers were used.
    """

    table: dict[str, Texts]
    rows: Registrations
    rendering: Whole
    uprn_error: Texts
    uprn_damage: Texts
    odd_address: Texts
    main: Whole
    numbers: int


def list_patients(
    drawn: InhabitedBlock,
    renderings: tuple[Renderings, ...],
    settings: SyntheticSettings,
    seed: int,
    first_record: int,
    first_number: int,
) -> NhsPatients:
    """Return the patient list, shuffled within the block."""
    block, dwellings, population, health = drawn.block, drawn.dwellings, drawn.population, drawn.health
    rng = stream(seed, block.number, "nhs_person")
    rates = settings.defects
    rows = register(rng, drawn, rates)
    rows = rows.rows(rng.permutation(len(rows)))
    count, person, people = len(rows), rows.person, population.people
    rendering = _renderings_of(rng, population, rows, len(renderings))
    written = write_addresses(
        rng,
        np.stack([r.lines for r in renderings])[rendering, rows.dwelling],
        np.stack([r.postcode for r in renderings])[rendering, rows.dwelling],
        rows,
        rates,
    )
    uprn, error = assign_uprns(rng, dwellings, rows, rendering, len(renderings), rates, drawn.today)
    text, damage = damaged_uprns(rng, np.where(written.has_no_uprn(), -1, uprn), rates)
    forename, surname = _names(rng, population, rates)
    numbers, used = _numbers(rng, population, rows, first_number, seed)
    start, end = _spells(rng, rows, rates)
    died = population.died[person]
    reported = (died > 0) & happens(rng, rates.death_date_recorded, count)
    registered = np.maximum(people.birth[person], rows.start - rng.integers(0, 5000, count))
    sexes = np.where(people.is_female[person] ^ happens(rng, rates.sex_disagrees, count), "2", "1")
    unknown_group = np.where(happens(rng, 0.8, count), "Z", "99")
    formats = DIALECTS["nhs_person"].date_formats
    always = np.ones(count, dtype=bool)
    table = {
        "record_id": _ids(rng, first_record, count, rates),
        "nhs_number": _number_texts(rng, numbers, rates),
        "forename": np.char.title(forename[person]),
        "surname": np.char.title(surname[person]),
        "birth_date": date_texts(
            rng,
            shifted_births(rng, people.birth, rates.birth_date_disagrees)[person],
            formats,
            always,
            rates.impossible_date,
        ),
        "sex": np.where(happens(rng, rates.sex_missing, count), "", sexes),
        "ethnic_category": np.where(
            happens(rng, rates.ethnic_category_unknown, count),
            unknown_group,
            people.category[person].astype("<U2"),
        ),
        **{f"address_line_{n + 1}": written.lines[:, n] for n in range(LINES)},
        "postcode": written.postcode,
        "uprn": text,
        "address_start": date_texts(rng, start, formats, ~happens(rng, rates.start_missing, count)),
        "address_end": date_texts(rng, end, formats, end > 0),
        "registration_start": date_texts(rng, registered, formats, always),
        "registration_end": date_texts(rng, died + 20, formats, reported & happens(rng, 0.5, count)),
        "death_date": date_texts(rng, died, formats, reported),
        "address_type": written.address_type,
        "practice_code": _practices(rng, block, population, dwellings, rows, rendering),
        "address_group_id": _address_groups(rng, rows, population, rendering, len(dwellings), first_record),
        "long_term_conditions": health.conditions[person].astype("<U3"),
        "emergency_admissions": health.admissions[person].astype("<U3"),
    }
    main = np.full(len(population), -1)
    first_rows = np.flatnonzero(~np.isin(rows.status, SECOND_ROWS))
    main[person[first_rows]] = first_rows
    return NhsPatients(table, rows, rendering, error, damage, written.odd, main, used)


def _renderings_of(
    rng: np.random.Generator, population: Population, rows: Registrations, copies: int
) -> Whole:
    """Return the rendering of each row: mostly one per household, because a household shares a practice."""
    household = population.registered_with[rows.person]
    shared = rng.integers(copies, size=int(household.max(initial=0)) + 1)[household]
    return np.where(happens(rng, 0.88, len(household)), shared, rng.integers(copies, size=len(household)))


def _names(rng: np.random.Generator, population: Population, rates: DefectRates) -> tuple[Texts, Texts]:
    """Return names as registered, one per person, so that all spells of a patient have the same name."""
    names, people = population.names, population.people
    count = len(people)
    forename = familiar(rng, names.forename, rates.nickname / 2)
    with_middle = (names.middle != "") & happens(rng, 0.12, count)
    forename = np.where(with_middle, np.char.add(np.char.add(forename, " "), names.middle), forename)
    surname = cut_double_barrelled(rng, names.surname, rates.double_barrelled_cut / 2)
    changed = people.is_female & (people.age > 20)
    changed &= happens(rng, rates.surname_changed, count)
    surname = np.where(changed, names.surname[rng.integers(count, size=count)], surname)
    forename = accented(rng, forename, rates.nhs_accents)
    surname = accented(rng, surname, rates.nhs_accents)
    forename, surname = swapped(rng, forename, surname, rates.names_swapped)
    return mistyped(rng, forename, rates.nhs_name_typo), mistyped(rng, surname, rates.nhs_name_typo)


def _numbers(
    rng: np.random.Generator, population: Population, rows: Registrations, first: int, seed: int
) -> tuple[Whole, int]:
    """Return each row's NHS number, and how many were used. Half the duplicates have their own number."""
    number = nhs_numbers(first, len(population), seed)[rows.person]
    second = np.flatnonzero((rows.status == "duplicate") & happens(rng, 0.5, len(rows)))
    number[second] = nhs_numbers(first + len(population), len(second), seed)
    return number, len(population) + len(second)


def _number_texts(rng: np.random.Generator, number: Whole, rates: DefectRates) -> Texts:
    """Return ten digits; a few have a wrong check digit and a few are missing."""
    count = len(number)
    wrong_digit = (number % 10 + 1 + rng.integers(0, 8, count)) % 10
    wrong = happens(rng, rates.invalid_nhs_number, count)
    text = np.where(wrong, number - number % 10 + wrong_digit, number).astype("<U10")
    return np.where(happens(rng, rates.nhs_number_missing, count) | (number == NONE), "", text)


def _ids(rng: np.random.Generator, first: int, count: int, rates: DefectRates) -> Texts:
    """Return record ids; a few repeat the id of the previous row."""
    ids = record_ids("NP", first, count)
    repeats = happens(rng, rates.duplicate_record_id, count)
    repeats[:1] = False
    return np.where(repeats, np.r_[ids[:1], ids[:-1]], ids)


def _spells(rng: np.random.Generator, rows: Registrations, rates: DefectRates) -> tuple[Whole, Whole]:
    """Return start and end as recorded: some starts are floor dates, some closed spells are reversed."""
    count = len(rows)
    start = np.where(happens(rng, rates.floor_date, count), FLOOR_DAY, rows.start)
    closed = rows.end > 0
    reverse = closed & happens(rng, min(1.0, rates.reversed_spell * count / max(1, int(closed.sum()))), count)
    return np.where(reverse, rows.end, start), np.where(reverse, np.maximum(rows.start, 1), rows.end)


def _practices(
    rng: np.random.Generator,
    block: Block,
    population: Population,
    dwellings: Dwellings,
    rows: Registrations,
    rendering: Whole,
) -> Texts:
    """Return practice codes: one of two practices, near the LSOAs, that use the row's GP system."""
    near = dwellings.area[rows.dwelling] // 3 % 20
    household = population.registered_with[rows.person]
    which = rng.integers(2, size=int(household.max(initial=0)) + 1)[household]
    code = 84000 + block.number % 8 * 120 + near * 6 + rendering % 3 * 2 + which
    return np.char.add("P", code.astype("<U5"))


def _address_groups(
    rng: np.random.Generator,
    rows: Registrations,
    population: Population,
    rendering: Whole,
    dwellings: int,
    first: int,
) -> Texts:
    """Return the supplier's id for people at one address; different spellings sometimes split a group.

    Someone who left a household that is still there was registered with it, so they are in its group.
    """
    split = happens(rng, 0.03, dwellings)[rows.dwelling]
    with_family = population.leaving[rows.person] > WITH_HOUSEHOLD
    apart = (rows.status != "current") & happens(rng, 0.15, len(rows)) & ~with_family
    key = rows.dwelling * 8 + np.where(split, rendering, 0) + np.where(apart, 4, 0)
    group = np.unique(key, return_inverse=True)[1]
    return np.char.add("NH", np.char.zfill((first + 1 + group).astype("<U8"), 8))
