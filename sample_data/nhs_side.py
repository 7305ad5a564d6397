"""The NHS list: patients at recorded addresses, with spells, ghosts and damage.

One row per patient and address spell. A patient who moved and has not told the GP stands at the
former address (stale); one who left or died and is still registered is a ghost.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.addresses import LINES, Renderings
from sample_data.draws import Flags, Texts, Whole, choose_same, happens, stream
from sample_data.dwellings import Dwellings
from sample_data.geography import Block
from sample_data.health import Health
from sample_data.households import CARE_HOME, LONE, Households
from sample_data.identifiers import nhs_numbers, record_ids
from sample_data.moves import DIED, LEFT_AREA, Population, registration_lag
from sample_data.people import CHILD
from sample_data.recording import (
    cut_double_barrelled,
    damaged_uprns,
    date_texts,
    familiar,
    mistyped,
    swapped,
)
from sample_data.settings import DIALECTS, DefectRates, SyntheticSettings

FLOOR_DAY = -25567  # 1900-01-01


@dataclass
class NhsPeople:
    """The extract's columns; of each row the real person, recorded dwelling (-1: none) and status.

    rendering: which of the NHS renderings of that dwelling is shown. main: the row of each person
    that conditions and events refer to (-1: not registered).
    """

    table: dict[str, Texts]
    person: Whole
    dwelling: Whole
    status: Texts
    rendering: Whole
    uprn_error: Texts
    uprn_damage: Texts
    main: Whole
    nhs_number: Whole


@dataclass
class _Rows:
    """Rows before they are written."""

    person: Whole
    dwelling: Whole
    status: Texts
    start: Whole
    end: Whole


def list_patients(
    block: Block,
    dwellings: Dwellings,
    households: Households,
    population: Population,
    health: Health,
    renderings: tuple[Renderings, ...],
    settings: SyntheticSettings,
    today: int,
    seed: int,
    first_record: int,
    first_person: int,
) -> NhsPeople:
    """Write the patient list, shuffled within the block."""
    rng = stream(seed, block.number, "nhs_person")
    rates = settings.defects
    rows = _registrations(rng, households, population, dwellings, rates, today)
    order = rng.permutation(len(rows.person))
    rows = _Rows(
        rows.person[order], rows.dwelling[order], rows.status[order], rows.start[order], rows.end[order]
    )
    count = len(rows.person)
    copy = _renderings_of(rng, population, rows, len(renderings))
    number = nhs_numbers(first_person, len(population), seed)
    lines = np.stack([r.lines for r in renderings])[copy, rows.dwelling]
    postcode = np.stack([r.postcode for r in renderings])[copy, rows.dwelling]
    uprn, error = _recorded_uprns(rng, dwellings, rows, copy, rates, today, len(renderings))
    text, damage = damaged_uprns(rng, uprn, rates)
    practice = _practices(rng, block, population, dwellings, rows, copy)
    lines, postcode, address_type, text = _odd_addresses(rng, lines, postcode, text, rows, rates)
    people = population.people
    person = rows.person
    forename, surname = _nhs_names(rng, population, person, rates)
    birth = _birth_dates(rng, people.birth[person], rates)
    sexes = np.where(people.is_female[person] ^ happens(rng, rates.sex_disagrees, count), "2", "1")
    died = population.died[person]
    reported = (died > 0) & happens(rng, 0.67, count)
    formats = DIALECTS["nhs_person"].date_formats
    known = ~happens(rng, rates.start_missing, count)
    start = np.where(happens(rng, rates.floor_date, count), FLOOR_DAY, rows.start)
    end = rows.end
    reverse = (end > 0) & happens(
        rng, min(1.0, rates.reversed_spell * count / max(1, (end > 0).sum())), count
    )
    start, end = np.where(reverse, rows.end, start), np.where(reverse, rows.start, end)
    registered = np.minimum(
        rows.start, np.maximum(people.birth[person], rows.start - rng.integers(0, 5000, count))
    )
    group = _address_groups(rng, rows, copy, len(dwellings))
    digits = _nhs_number_texts(rng, number[person], rates)
    ids = record_ids("NP", first_record, count)
    repeat = happens(rng, rates.duplicate_record_id, count) & (np.arange(count) > 0)
    ids = np.where(repeat, np.r_[ids[:1], ids[:-1]], ids)
    table = {
        "record_id": ids,
        "nhs_number": digits,
        "title": np.full(count, "", dtype="<U4"),
        "forename": np.char.title(forename),
        "surname": np.char.title(surname),
        "birth_date": date_texts(rng, birth, formats, np.ones(count, dtype=bool), rates.impossible_date),
        "sex": np.where(happens(rng, rates.sex_missing, count), "", sexes),
        "ethnic_category": np.where(
            happens(rng, rates.ethnic_category_unknown, count),
            np.where(happens(rng, 0.8, count), "Z", "99"),
            people.category[person].astype("<U2"),
        ),
        **{f"address_line_{n + 1}": lines[:, n] for n in range(LINES)},
        "postcode": postcode,
        "uprn": text,
        "address_start": date_texts(rng, start, formats, known),
        "address_end": date_texts(rng, end, formats, end > 0),
        "registration_start": date_texts(rng, registered, formats, np.ones(count, dtype=bool)),
        "registration_end": date_texts(rng, died + 20, formats, reported & happens(rng, 0.5, count)),
        "death_date": date_texts(rng, died, formats, reported),
        "address_type": address_type,
        "practice_code": practice,
        "address_group_id": np.char.add("NH", np.char.zfill((first_record + group).astype("<U8"), 8)),
        "long_term_conditions": health.conditions[person].astype("<U3"),
        "emergency_admissions": health.admissions[person].astype("<U3"),
    }
    main = np.full(len(population), -1)
    latest = np.flatnonzero(rows.status != "earlier_spell")[::-1]
    main[person[latest]] = latest
    return NhsPeople(table, person, rows.dwelling, rows.status, copy, error, damage, main, number)


def _registrations(
    rng: np.random.Generator,
    households: Households,
    population: Population,
    dwellings: Dwellings,
    rates: DefectRates,
    today: int,
) -> _Rows:
    """Who is registered where, since when, and why there."""
    people = population.people
    lag = registration_lag(rng, population)
    resident = population.is_resident
    told = (today - population.moved_in) >= lag
    registered = ~happens(rng, rates.unregistered, len(people))
    settled = resident & registered & told
    stale = resident & registered & ~told & (population.former_home >= 0)
    newcomer = resident & registered & ~told & (population.former_home < 0)
    # two newcomers in five register at once; babies are registered where they are born
    at_once = newcomer & (happens(rng, 0.6, len(people)) | (people.age == 0))
    current = np.flatnonzero(settled | at_once)
    delay = np.where(settled, np.minimum(lag, today - population.moved_in), 0).astype(np.int64)
    since = np.maximum(population.moved_in + delay, people.birth)
    parts = [
        (current, population.home[current], "current", since[current], np.zeros(len(current), dtype=np.int64))
    ]
    at_former = np.flatnonzero(stale)
    parts.append(
        (
            at_former,
            population.former_home[at_former],
            "stale_in_area",
            population.former_moved_in[at_former],
            np.zeros(len(at_former), dtype=np.int64),
        )
    )
    moved = np.flatnonzero(settled & (population.former_home >= 0))
    overlap = happens(rng, rates.overlapping_spell, len(moved))
    parts.append(
        (
            moved,
            population.former_home[moved],
            "earlier_spell",
            population.former_moved_in[moved],
            since[moved] + np.where(overlap, rng.integers(5, 90, len(moved)), 0),
        )
    )
    years = (today - population.moved_out) / 365.25
    adult_left = np.flatnonzero(
        (population.fate == LEFT_AREA)
        & happens(rng, rates.left_still_registered * np.exp(-years / 1.6), len(people))
    )
    dead = np.flatnonzero(population.fate == DIED)
    wanted = rates.deceased_still_registered * len(current)
    dead = dead[happens(rng, min(1.0, wanted / max(1, len(dead))), len(dead))]
    for who, status in ((adult_left, "ghost_left"), (dead, "ghost_deceased")):
        parts.append(
            (
                who,
                population.former_home[who],
                status,
                population.former_moved_in[who],
                np.zeros(len(who), dtype=np.int64),
            )
        )
    parts += _misplaced(rng, households, population, dwellings, rates, current, since, today)
    return _Rows(
        person=np.concatenate([p[0] for p in parts]),
        dwelling=np.concatenate([p[1] for p in parts]),
        status=np.concatenate([np.full(len(p[0]), p[2], dtype="<U24") for p in parts]),
        start=np.concatenate([p[3] for p in parts]),
        end=np.concatenate([p[4] for p in parts]),
    )


_Part = tuple[Whole, Whole, str, Whole, Whole]


def _misplaced(
    rng: np.random.Generator,
    households: Households,
    population: Population,
    dwellings: Dwellings,
    rates: DefectRates,
    current: Whole,
    since: Whole,
    today: int,
) -> list[_Part]:
    """Second registrations: shared-custody children, duplicates, care-home residents at a former home."""
    people = population.people
    composition = households.composition[np.minimum(people.household, len(households) - 1)]
    lived_in = np.flatnonzero(dwellings.kind == "household")
    children = current[(people.relation[current] == CHILD) & (composition[current] == LONE)]
    twice = children[happens(rng, rates.shared_custody_twice, len(children))]
    again = current[happens(rng, rates.duplicate_registration, len(current))]
    carers = current[composition[current] == CARE_HOME]
    still_home = carers[happens(rng, rates.care_home_at_former_home, len(carers))]
    none = np.zeros
    return [
        (
            twice,
            rng.choice(lived_in, len(twice)),
            "shared_custody",
            np.maximum(since[twice], today - rng.integers(100, 2000, len(twice))),
            none(len(twice), dtype=np.int64),
        ),
        (
            again,
            population.home[again],
            "duplicate",
            np.minimum(since[again] + rng.integers(0, 400, len(again)), today - 1),
            none(len(again), dtype=np.int64),
        ),
        (
            still_home,
            rng.choice(lived_in, len(still_home)),
            "care_home_at_former_home",
            np.maximum(people.birth[still_home], since[still_home] - 9000),
            none(len(still_home), dtype=np.int64),
        ),
    ]


def _renderings_of(rng: np.random.Generator, population: Population, rows: _Rows, copies: int) -> Whole:
    """The rendering a row shows: mostly one per household, as a household shares a practice."""
    household = population.people.household[rows.person]
    shared = rng.integers(copies, size=int(household.max(initial=0)) + 1)[household]
    return np.where(happens(rng, 0.88, len(household)), shared, rng.integers(copies, size=len(household)))


def _recorded_uprns(
    rng: np.random.Generator,
    dwellings: Dwellings,
    rows: _Rows,
    copy: Whole,
    rates: DefectRates,
    today: int,
    copies: int,
) -> tuple[Whole, Texts]:
    """UPRN the NHS assigned to the recorded address, and how it errs; drawn per rendering."""
    count = len(dwellings)
    key = rows.dwelling * copies + copy
    total = count * copies
    dwelling = np.arange(total) // copies
    flat = dwellings.is_flat[dwelling]
    neighbour = _neighbours(dwellings)[dwelling]
    draw = rng.random(total)
    parent = flat & (draw < rates.uprn_parent_of_flat)
    sibling = flat & ~parent & (draw < rates.uprn_parent_of_flat + rates.uprn_sibling_flat)
    next_door = ~flat & (draw < rates.uprn_next_door)
    historic = happens(rng, rates.uprn_historic, count)[dwelling]
    one_system = np.arange(total) % copies == 0
    missing = happens(
        rng, np.where(one_system, rates.nhs_uprn_missing_one_system, rates.nhs_uprn_missing), total
    )
    own = dwellings.uprn[dwelling]
    uprn = np.select(
        [parent, sibling | next_door, historic],
        [dwellings.parent_uprn[dwelling], dwellings.uprn[neighbour], own],
        default=own,
    )
    error = np.select(
        [missing, parent, sibling, next_door], ["missing", "parent", "sibling", "next_door"], default=""
    )
    uprn, error = np.where(missing, -1, uprn)[key], error.astype("<U12")[key]
    recent = (today - rows.start < 365) & (rows.status == "current")
    late = recent & happens(rng, rates.nhs_uprn_missing_recent_mover - rates.nhs_uprn_missing, len(key))
    return np.where(late, -1, uprn), np.where(late, "missing", error)


def _neighbours(dwellings: Dwellings) -> Whole:
    """The next dwelling of the same slot or street, the one before at its end."""
    count = len(dwellings)
    following = np.minimum(np.arange(count) + 1, count - 1)
    same = np.where(
        dwellings.is_flat,
        dwellings.slot[following] == dwellings.slot,
        dwellings.street[following] == dwellings.street,
    )
    return np.where(same & (following != np.arange(count)), following, np.maximum(np.arange(count) - 1, 0))


def _practices(
    rng: np.random.Generator,
    block: Block,
    population: Population,
    dwellings: Dwellings,
    rows: _Rows,
    copy: Whole,
) -> Texts:
    """One of four practices near each LSOA that use the row's system."""
    area = dwellings.area[rows.dwelling]
    near = (area // 3) % 20
    household = population.people.household[rows.person]
    which = rng.integers(2, size=int(household.max(initial=0)) + 1)[household]
    code = 84000 + (block.number % 8) * 120 + near * 6 + copy * 2 + which
    return np.char.add("P", code.astype("<U5"))


def _odd_addresses(
    rng: np.random.Generator, lines: Texts, postcode: Texts, uprn: Texts, rows: _Rows, rates: DefectRates
) -> tuple[Texts, Texts, Texts, Texts]:
    """Temporary and correspondence addresses, care of, PO box, no fixed abode, the surgery."""
    count = len(lines)
    kind = choose_same(
        rng,
        (
            rates.care_of,
            rates.po_box,
            rates.no_fixed_abode,
            rates.surgery_address,
            1 - rates.care_of - rates.po_box - rates.no_fixed_abode - rates.surgery_address,
        ),
        count,
    )
    lines = lines.astype("<U90")
    care = kind == 0
    carer = np.array(["C/O MRS SMITH", "C/O MR KHAN", "C/O HOSTEL MANAGER", "C/O TAYLOR"])
    lines[care, 1:] = lines[care, :-1]
    lines[care, 0] = carer[rng.integers(len(carer), size=int(care.sum()))]
    boxed = kind == 1
    lines[boxed, 0] = np.char.add("PO BOX ", rng.integers(1, 400, int(boxed.sum())).astype("<U4"))
    lines[boxed, 1:] = ""
    homeless = kind == 2
    lines[homeless, 0] = np.array(["NO FIXED ABODE", "NFA", "NO FIXED ADDRESS"])[
        rng.integers(3, size=int(homeless.sum()))
    ]
    lines[homeless, 1:] = ""
    postcode = np.where(homeless, "ZZ99 3VZ", postcode)
    surgery = kind == 3
    lines[surgery, 0] = np.array(["RIVERSIDE MEDICAL CENTRE", "PARKVIEW SURGERY", "MEADOWS HEALTH CENTRE"])[
        rng.integers(3, size=int(surgery.sum()))
    ]
    lines[surgery, 1] = "1 CLINIC ROAD"
    lines[surgery, 2:] = ""
    uprn = np.where(boxed | homeless | surgery, "", uprn)
    settled = rows.status == "current"
    draw = rng.random(count)
    address_type = np.select(
        [
            settled & (draw < rates.temporary_address),
            settled & (draw < rates.temporary_address + rates.correspondence_address),
            homeless,
            boxed,
        ],
        ["temporary", "correspondence", "temporary", "correspondence"],
        default="usual",
    )
    return lines, postcode, address_type, uprn


def _nhs_names(
    rng: np.random.Generator, population: Population, person: Whole, rates: DefectRates
) -> tuple[Texts, Texts]:
    """Names as registered: one decision per person, so that spells of one patient agree."""
    names, people = population.names, population.people
    count = len(people)
    forename = familiar(rng, names.forename, rates.nickname / 2)
    with_middle = (names.middle != "") & happens(rng, 0.12, count)
    forename = np.where(with_middle, np.char.add(np.char.add(forename, " "), names.middle), forename)
    surname = cut_double_barrelled(rng, names.surname, rates.double_barrelled_cut / 2)
    former = names.surname[rng.integers(count, size=count)]
    changed = people.is_female & (people.age > 20) & happens(rng, rates.surname_changed, count)
    surname = np.where(changed, former, surname)
    forename, surname = swapped(rng, forename, surname, rates.names_swapped)
    forename = mistyped(rng, forename, rates.nhs_name_typo)
    surname = mistyped(rng, surname, rates.nhs_name_typo)
    return forename[person], surname[person]


def _birth_dates(rng: np.random.Generator, birth: Whole, rates: DefectRates) -> Whole:
    """A small share differs: another day, month or year, or day and month exchanged."""
    wrong = happens(rng, rates.birth_date_disagrees, len(birth))
    shift = np.array([1, -1, 30, -31, 365, -365, 9])[rng.integers(7, size=len(birth))]
    return np.where(wrong, birth + np.where(birth + shift < 20_000, shift, -np.abs(shift)), birth)


def _nhs_number_texts(rng: np.random.Generator, number: Whole, rates: DefectRates) -> Texts:
    count = len(number)
    wrong = happens(rng, rates.invalid_nhs_number, count)
    text = np.where(wrong, number - number % 10 + (number % 10 + 1 + rng.integers(0, 8, count)) % 10, number)
    missing: Flags = happens(rng, rates.nhs_number_missing, count)
    return np.where(missing, "", text.astype("<U10"))


def _address_groups(rng: np.random.Generator, rows: _Rows, copy: Whole, dwellings: int) -> Whole:
    """The supplier's own group of people at one address: sometimes split by how it is written."""
    split = happens(rng, 0.03, dwellings)[rows.dwelling]
    apart = (rows.status != "current") & happens(rng, 0.15, len(copy))
    key = rows.dwelling * 8 + np.where(split, copy, 0) + np.where(apart, 4, 0)
    return np.unique(key, return_inverse=True)[1].astype(np.int64)
