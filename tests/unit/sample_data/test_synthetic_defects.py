"""Every recording defect is there, at about its rate in the settings."""

import math
import re
from datetime import datetime

import numpy as np
import pytest

from sample_data.extracts.nhs_registrations import Registrations
from sample_data.extracts.nhs_uprns import assign_uprns
from sample_data.population.draws import stream
from sample_data.settings import DIALECTS, DefectRates

RATES = DefectRates()


def about(found: float, expected: float, rows: int) -> bool:
    """Within four binomial standard errors, and a third of the rate for what is drawn in clusters."""
    return abs(found - expected) < 4 * math.sqrt(max(expected, 1 / rows) / rows) + 0.33 * expected


@pytest.fixture(scope="module")
def patients(written):
    return {**written.extract("nhs_person"), **{f"_{k}": v for k, v in written.truth("nhs_person").items()}}


@pytest.fixture(scope="module")
def dwellings(written):
    return written.extract("council_property")


@pytest.fixture(scope="module")
def listed(written):
    people = written.extract("council_person")
    return {**people, **{f"_{k}": v for k, v in written.truth("council_person").items()}}


@pytest.mark.parametrize(
    ("damage", "looks_like"),
    [
        ("decimal_point", r"^\d+\.0$"),
        ("exponent", r"^\d\.\d+E\+\d+$"),
        ("spaces", r"^ \d+ +$"),
        ("thousands", r"^\d{1,3}(,\d{3})+$"),
        ("sentinel", r"^(0|9{12}|0{12})$"),
    ],
)
def test_uprns_are_damaged_at_their_rates_and_as_spreadsheets_do(patients, damage, looks_like):
    texts = patients["uprn"]
    rows = patients["_uprn_damage"] == damage
    assert rows.any()
    assert all(re.match(looks_like, text) for text in texts[rows])
    assert about(rows.mean(), getattr(RATES, f"uprn_{damage}"), len(texts))


def test_patients_without_uprn_are_about_as_many_as_published(patients):
    share = (patients["_uprn_error"] == "missing").mean()
    assert 0.025 < share < 0.06
    assert ((patients["uprn"] == "") >= (patients["_uprn_error"] == "missing")).all()


@pytest.mark.parametrize("error", ["parent", "sibling", "next_door", "historic"])
def test_uprns_of_other_properties_are_recorded(patients, error):
    assert (patients["_uprn_error"] == error).any()


def test_assignment_errors_of_flats_have_their_rates(inhabited):
    dwellings = inhabited[0].dwellings
    everywhere = np.arange(len(dwellings))
    none = np.zeros(len(dwellings), dtype=np.int64)
    rows = Registrations(everywhere, everywhere, np.full(len(dwellings), "earlier_spell"), none, none)
    uprn, error = assign_uprns(stream(1, 1, "t"), dwellings, rows, none, 1, RATES, 20_000)
    flats = dwellings.is_flat
    assert about((error[flats] == "parent").mean(), RATES.uprn_parent_of_flat, int(flats.sum()))
    assert about((error[flats] == "sibling").mean(), RATES.uprn_sibling_flat, int(flats.sum()))
    assert about((error[~flats] == "next_door").mean(), RATES.uprn_next_door, int((~flats).sum()))
    assert (uprn[error == "parent"] == dwellings.parent_uprn[error == "parent"]).all()
    assert (uprn[error == ""] == dwellings.uprn[error == ""]).all()
    siblings = np.flatnonzero(error == "sibling")
    place = np.searchsorted(dwellings.uprn, uprn[siblings])
    same_house = dwellings.slot[place] == dwellings.slot[siblings]
    assert same_house.mean() > 0.95  # a building of one listed flat has no sibling
    assert (uprn[siblings] != dwellings.uprn[siblings]).all()


@pytest.mark.parametrize(
    ("status", "low", "high"),
    [
        ("stale_in_area", 0.01, 0.035),
        ("ghost_left", 0.025, 0.06),
        ("ghost_deceased", 0.010, 0.025),
        ("shared_custody", 0.0002, 0.004),
        ("duplicate", 0.002, 0.006),
        ("care_home_at_former_home", 0.0001, 0.004),
        ("temporary_address", 0.003, 0.01),
        ("correspondence_address", 0.002, 0.008),
    ],
)
def test_people_stand_on_the_nhs_list_where_they_do_not_live(patients, status, low, high):
    assert low < (patients["_status"] == status).mean() < high


def test_ghosts_make_up_the_published_share_of_the_list(patients):
    open_rows = ~np.isin(
        patients["_status"], ("earlier_spell", "temporary_address", "correspondence_address")
    )
    ghosts = np.isin(patients["_status"], ("ghost_left", "ghost_deceased"))
    assert 0.04 < ghosts[open_rows].mean() < 0.08  # 4-8% of lists


def test_spells_are_open_closed_floor_dated_missing_reversed_and_overlapping(patients):
    start, end = patients["address_start"], patients["address_end"]
    day = np.array([_day(text) for text in start])
    last = np.array([_day(text) for text in end])
    closed = end != ""
    assert about((day == -25567).mean(), RATES.floor_date, len(day))
    assert about((start == "").mean(), RATES.start_missing, len(day))
    assert ((day > last) & closed & (start != "")).any()
    assert ((patients["_status"] == "earlier_spell") == closed).all()
    current = {
        p: d
        for p, d, s in zip(patients["_person_id"], day, patients["_status"], strict=True)
        if s == "current"
    }
    overlapping = [
        last[row] > current[person]
        for row, person in enumerate(patients["_person_id"])
        if closed[row] and current.get(person, -30_000) > -25_567
    ]
    assert 0.05 < np.mean(overlapping) < 0.3


def _day(text: str) -> int:
    for form in DIALECTS["nhs_person"].date_formats:
        try:
            return (datetime.strptime(text, form) - datetime(1970, 1, 1)).days  # noqa: DTZ001, DTZ007
        except ValueError:
            continue
    return -99_999


def test_odd_addresses_are_recorded(patients):
    first = patients["address_line_1"]
    for text in ("C/O ", "PO BOX ", "MEDICAL CENTRE"):
        assert (np.char.find(first, text) >= 0).any()
    homeless = patients["_odd_address"] == "no_fixed_abode"
    assert homeless.any()
    assert (patients["postcode"][homeless] == "ZZ99 3VZ").all()
    assert (patients["uprn"][homeless] == "").all()


def test_duplicates_have_one_person_and_often_two_nhs_numbers(patients):
    twice = np.flatnonzero(patients["_status"] == "duplicate")
    person, number = patients["_person_id"], patients["nhs_number"]
    different = []
    for row in twice:
        others = number[(person == person[row]) & (patients["_status"] == "current") & (number != "")]
        if len(others) and number[row]:
            different.append(number[row] not in others)
    assert 0.2 < np.mean(different) < 0.8


def test_record_ids_repeat_a_few_times(patients):
    repeats = len(patients["record_id"]) - len(set(patients["record_id"].tolist()))
    assert 0 < repeats < 0.002 * len(patients["record_id"])


def test_names_and_birth_dates_disagree_between_the_sides(patients, written):
    truth = written.truth("persons")
    place = {p: n for n, p in enumerate(truth["person_id"].tolist())}
    rows = np.array([place[p] for p in patients["_person_id"].tolist()])
    surname = np.char.upper(patients["surname"]) != truth["surname"][rows]
    assert 0.015 < surname.mean() < 0.05
    births = np.array([_day(text) for text in patients["birth_date"]])
    true = truth["birth_date"][rows].astype("datetime64[D]").astype(int)
    assert about((births != true).mean(), RATES.birth_date_disagrees, len(births))
    assert about((patients["sex"] == "").mean(), RATES.sex_missing, len(births))


def test_council_tax_writes_initials_joint_names_and_no_birth_dates(listed):
    tax = listed["service"] == "council_tax"
    initials = np.char.str_len(listed["forename"]) == 1
    assert about(initials[tax].mean(), RATES.council_initials * (1 - RATES.joint_name_field), int(tax.sum()))
    assert (np.char.find(listed["forename"][listed["_is_joint"]], " & ") > 0).all()
    assert about(listed["_is_joint"][tax].mean(), RATES.joint_name_field, int(tax.sum()))
    assert (listed["birth_date"][tax] == "").mean() > 0.85
    assert 0.55 < (listed["birth_date"] == "").mean() < 0.8


def test_accents_and_apostrophes_survive_the_councils_encoding(listed, patients):
    for rows in (listed, patients):
        bare = np.char.upper(rows["surname"])
        assert (np.char.find(bare, "'") > 0).any()
        assert any(not name.isascii() for name in [*rows["surname"].tolist(), *rows["forename"].tolist()])


def test_the_council_lists_previous_occupiers_landlords_and_old_accounts(listed):
    shares = {status: (listed["_status"] == status).mean() for status in set(listed["_status"].tolist())}
    assert 0.005 < shares["stale_previous_occupier"] < 0.02
    assert 0.005 < shares["non_resident_owner"] < 0.03
    assert 0.003 < shares["overlapping_account"] < 0.02


def test_some_school_rows_bring_an_address_instead_of_a_property_id(listed):
    schools = listed["service"] == "school_census"
    without = listed["property_record_id"] == ""
    assert about(without[schools].mean(), RATES.school_row_by_address, int(schools.sum()))
    assert (listed["address_line_1"][without] != "").all()
    assert not without[~schools].any()


def test_the_property_list_has_demolished_missing_shared_and_renumbered_dwellings(dwellings, written):
    truth = written.truth("properties")
    assert (truth["council_record_id"] == "").any()  # new builds
    assert (dwellings["blpu_state"] == "4").any()
    assert (dwellings["previous_uprn"] != "").any()
    assert about((dwellings["uprn"] == "").mean(), RATES.council_uprn_missing, len(dwellings["uprn"]))
    given = dwellings["uprn"][dwellings["uprn"] != ""]
    _, counts = np.unique(given, return_counts=True)
    assert 0.004 < counts[counts > 1].sum() / len(given) < 0.03
    assert (dwellings["parent_uprn"] != "").any()
    assert about((dwellings["epc_rating"] == "").mean(), RATES.epc_missing, len(given))
    assert about((dwellings["tenure"] == "").mean(), RATES.tenure_missing + 0.035, len(given))


def test_single_person_discount_contradicts_two_adults_at_its_rate(inhabited):
    claims = adults_two = 0
    for drawn in inhabited:
        people = drawn.population.resident_people
        adults = np.bincount(people.household[(people.age >= 18)], minlength=len(drawn.households))
        homes = drawn.households.dwelling
        several = (adults >= 2) & (drawn.dwellings.kind[homes] == "household")
        claims += int(drawn.housing.single_person_discount[homes][several].sum())
        adults_two += int(several.sum())
    assert claims / adults_two == pytest.approx(RATES.false_single_discount, rel=0.4)


def test_communal_hmo_and_empty_dwellings_are_there(written, dwellings):
    kinds = set(written.truth("properties")["kind"].tolist())
    assert {"household", "vacant", "hmo", "care_home"} <= kinds
    assert {"RI01", "RH03", "RD06"} <= set(dwellings["blpu_class"].tolist())
    assert (dwellings["is_empty"] == "Y").any()
    assert (dwellings["council_tax_exemption"] != "").any()


def test_impossible_dates_are_written_and_nothing_else_is_malformed(patients, listed):
    births = patients["birth_date"]
    impossible = np.char.find(births, "-02-31") > 0
    unread = np.array([_day(text) == -99_999 for text in births])
    assert (unread == impossible).all()
