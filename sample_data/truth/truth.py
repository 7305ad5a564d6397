"""The hidden truth of a block: who lives where, whose record each one is, and which belong together."""

from typing import Any

import numpy as np

from sample_data.defects.addresses import Renderings
from sample_data.extracts.council_people import CouncilPeople
from sample_data.extracts.council_properties import CouncilProperties
from sample_data.extracts.nhs_patients import NhsPatients
from sample_data.housing.dwellings import Dwellings
from sample_data.population.departures import LEAVINGS
from sample_data.population.draws import Texts
from sample_data.population.geography import Block
from sample_data.population.households import COMPOSITIONS
from sample_data.population.identifiers import record_ids
from sample_data.population.inhabit import InhabitedBlock
from sample_data.population.moves import DAYS_A_YEAR, FATES, HISTORY_YEARS, Population
from sample_data.population.people import REFERENCE, RELATIONS
from sample_data.population.reference import TENURES

Columns = dict[str, Any]
#: Categories of published tables.
_TENURE_SHOWN = dict(
    zip(TENURES, ("owned", "owned", "private_rented", "social_rented", "social_rented"), strict=True)
)
_EPC_SHOWN = dict(
    zip("ABCDEFG", ("A_to_C", "A_to_C", "A_to_C", "D", "E_to_G", "E_to_G", "E_to_G"), strict=True)
)


def property_truth(drawn: InhabitedBlock, properties: CouncilProperties, rendering: Renderings) -> Columns:
    """Return one row per dwelling: canonical address, real UPRN, kind, true determinants."""
    block, dwellings, households, housing = drawn.block, drawn.dwellings, drawn.households, drawn.housing
    lived_in = housing.household_of >= 0
    household = np.maximum(housing.household_of, 0)
    return {
        "council_record_id": properties.record_of_dwelling(len(dwellings)),
        "uprn": dwellings.uprn,
        "parent_uprn": dwellings.parent_uprn,
        "sub_name": dwellings.sub_name,
        "building": dwellings.building,
        "number": dwellings.number,
        "street_name": dwellings.street_name,
        "locality": dwellings.locality,
        "town": dwellings.town,
        "postcode": dwellings.postcode,
        "lsoa21": lsoa_of_dwelling(block, dwellings),
        "imd_decile": np.array([area.imd_decile for area in block.areas])[dwellings.area],
        "kind": dwellings.kind,
        "tenure": np.array(TENURES)[households.tenure_of_dwelling],
        "composition": np.where(lived_in, np.array(COMPOSITIONS)[households.composition[household]], ""),
        "residents": np.where(lived_in, households.size[household], 0),
        "bedrooms": housing.bedrooms,
        "overcrowded": (housing.occupancy_rating < 0) & lived_in,
        "damp": housing.damp,
        "fuel_poor": housing.fuel_poor,
        "tax_support": housing.tax_support,
        "epc_rating": housing.epc,
        "council_edits": rendering.edits,
    }


def lsoa_of_dwelling(block: Block, dwellings: Dwellings) -> Texts:
    """Return the LSOA code of each dwelling."""
    return np.array([area.lsoa21 for area in block.areas])[dwellings.area]


def person_truth(drawn: InhabitedBlock, properties: Texts, ids: Texts, first_household: int) -> Columns:
    """Return one row per person (residents and former people): home, determinants and outcomes.

    properties: the council record id of each dwelling. first_household: number of the first household;
    numbering continues over the blocks, so that each household has its own number.
    """
    population, health = drawn.population, drawn.health
    people, exposures = population.people, health.exposures
    lsoas = lsoa_of_dwelling(drawn.block, drawn.dwellings)
    home = population.home
    return {
        "person_id": ids,
        "household": first_household + people.household,
        "council_record_id": np.where(home >= 0, properties[np.maximum(home, 0)], ""),
        "lsoa21": np.where(home >= 0, lsoas[np.maximum(home, 0)], ""),
        "fate": FATES[population.fate],
        "leaving": LEAVINGS[population.leaving],
        "relation": np.array(RELATIONS)[people.relation],
        "forename": population.names.forename,
        "middle": population.names.middle,
        "surname": population.names.surname,
        "birth_date": people.birth.astype("datetime64[D]"),
        "age": people.age,
        "is_female": people.is_female,
        "ethnic_category": people.category,
        "imd_decile": exposures.decile,
        "tenure": np.array(TENURES)[exposures.tenure],
        "damp": exposures.damp,
        "overcrowded": exposures.overcrowded,
        "fuel_poor": exposures.fuel_poor,
        "tax_support": exposures.tax_support,
        "aqma": exposures.aqma,
        "alone": exposures.alone,
        "conditions": health.conditions,
        "admissions": health.admissions,
        "in_work": health.in_work,
        "free_meals": health.free_meals,
        "good_level": health.good_level,
        "attendance": health.attendance,
    }


def person_ids(first: int, count: int) -> Texts:
    """Return the ids of real people."""
    return record_ids("P", first, count)


def council_person_truth(people: CouncilPeople, ids: Texts) -> Columns:
    """Return the person of each council row, and why the row exists."""
    return {
        "record_id": people.table["record_id"],
        "person_id": np.where(people.person >= 0, ids[np.maximum(people.person, 0)], ""),
        "status": people.status,
        "is_joint": people.is_joint,
    }


def nhs_person_truth(
    patients: NhsPatients,
    population: Population,
    properties: Texts,
    renderings: tuple[Renderings, ...],
    ids: Texts,
) -> Columns:
    """Return the person of each NHS row, the dwelling recorded, the true dwelling, and the defects."""
    home = population.home[patients.rows.person]
    edits = np.stack([r.edits.astype("<U120") for r in renderings])
    return {
        "record_id": patients.table["record_id"],
        "person_id": ids[patients.rows.person],
        "recorded_council_record_id": properties[patients.rows.dwelling],
        "actual_council_record_id": np.where(home >= 0, properties[np.maximum(home, 0)], ""),
        "status": patients.rows.status,
        "address_edits": edits[patients.rendering, patients.rows.dwelling],
        "uprn_error": patients.uprn_error,
        "uprn_damage": patients.uprn_damage,
        "odd_address": patients.odd_address,
    }


#: Rows of the NHS list that are not a current usual address.
_NO_RESIDENCE = ("earlier_spell", "temporary_address", "correspondence_address")


def household_pairs(
    people: CouncilPeople, patients: NhsPatients, population: Population, properties: Texts
) -> Columns:
    """Return the true links: each NHS record with each dwelling that its address group shares a person with.

    A dwelling's listed household is everyone on the council's records there: its residents, if the council
    has their address, and everyone else on its person list at that dwelling, except owners who live
    elsewhere. The group belongs to the dwelling if a real person is in both, and in the group with an open
    usual address. Only such pairs have rows; `shared_people` counts the people. All records of
    the group are included, even closed spells, because the address is that of the dwelling.
    """
    open_rows = ~np.isin(patients.rows.status, _NO_RESIDENCE)
    groups, group = np.unique(patients.table["address_group_id"], return_inverse=True)
    named = people.person >= 0
    resident = np.flatnonzero(population.is_resident)
    resident = resident[people.is_known[population.people.household[resident]]]
    resident = resident[properties[population.home[resident]] != ""]
    listed_person = np.r_[people.person[named], resident]
    listed_dwelling = np.r_[people.dwelling[named], population.home[resident]]
    by_person = np.argsort(listed_person, kind="stable")
    listed_person, listed_dwelling = listed_person[by_person], listed_dwelling[by_person]
    low = np.searchsorted(listed_person, patients.rows.person, side="left")
    high = np.searchsorted(listed_person, patients.rows.person, side="right")
    repeats = np.where(open_rows, high - low, 0)
    row = np.repeat(np.arange(len(patients.rows.person)), repeats)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    shared = np.unique(
        np.stack([group[row], listed_dwelling[low[row] + offset], patients.rows.person[row]], axis=1), axis=0
    )
    pair, count = np.unique(shared[:, :2], axis=0, return_counts=True)
    members = np.argsort(group, kind="stable")
    start = np.searchsorted(group[members], pair[:, 0], side="left")
    size = np.searchsorted(group[members], pair[:, 0], side="right") - start
    which = np.repeat(np.arange(len(pair)), size)
    place = np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
    record = members[start[which] + place]
    return {
        "council_record_id": properties[pair[which, 1]],
        "nhs_record_id": patients.table["record_id"][record],
        "address_group_id": groups[pair[which, 0]],
        "shared_people": count[which],
        "same_recorded_address": pair[which, 1] == patients.rows.dwelling[record],
    }


def residence_pairs(patients: NhsPatients, population: Population, properties: Texts) -> Columns:
    """Return the true residence: each NHS record with an open usual address, and its person's dwelling."""
    home = population.home[patients.rows.person]
    known = (home >= 0) & (properties[np.maximum(home, 0)] != "")
    known &= ~np.isin(patients.rows.status, _NO_RESIDENCE)
    return {
        "council_record_id": properties[home[known]],
        "nhs_record_id": patients.table["record_id"][known],
    }


def mover_truth(drawn: InhabitedBlock) -> Columns:
    """Return one row per household that moved in within three years: date, area and table categories.

    A neighbour who saw the household move in could attack a release with this. Categories as in dimensions.
    """
    population, dwellings, housing = drawn.population, drawn.dwellings, drawn.housing
    people = population.resident_people
    heads = np.flatnonzero((people.relation == REFERENCE) & (population.home[: population.residents] >= 0))
    heads = heads[population.moved_in[heads] > drawn.today - HISTORY_YEARS * DAYS_A_YEAR]
    home = population.home[heads]
    tenure = np.array(TENURES)[drawn.households.tenure_of_dwelling[home]]
    return {
        "lsoa21": lsoa_of_dwelling(drawn.block, dwellings)[home],
        "moved_in": population.moved_in[heads].astype("datetime64[D]"),
        "tenure": np.array([_TENURE_SHOWN[value] for value in tenure]),
        "epc": np.array([_EPC_SHOWN.get(value, "unknown") for value in housing.epc[home]]),
        "council_tax_band": housing.band[home],
        "council_tax_support": np.where(housing.tax_support[home], "receives_support", "no_support"),
    }
