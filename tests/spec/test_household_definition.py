"""household/v3 as behaviour: each rule with the nearest case that passes and the nearest that does not."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.household.definition import REASONS, RULES
from tests.unit.household.world import Row, dwelling, households_of, record

DAY, EVE, MORROW = date(2026, 3, 31), date(2026, 3, 30), date(2026, 4, 1)
FLOOR = date(1900, 1, 1)


def rule_of(records: list[Row], dwellings: list[Row] | None = None, which: str = "r") -> str | None:
    """Return the rule that leaves record `which` out, None where it makes a resident."""
    built = households_of(dwellings or [dwelling("home"), dwelling("other")], records)
    return {r["record_pseudonym"]: r["failed_rule"] for r in built["judged_record"]}[which]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({}, None),
        ({"is_deceased": True}, "deceased"),
        ({"registration_end": DAY}, None),
        ({"registration_end": EVE}, "not_registered"),
        ({"registration_start": DAY}, None),
        ({"registration_start": MORROW}, "not_registered"),
        ({"registration_start": DAY, "registration_end": date(2020, 1, 1)}, "not_registered"),
        ({"address_type": "usual"}, None),
        ({"address_type": "temporary"}, "not_usual_address"),
        ({"address_type": "correspondence"}, "not_usual_address"),
        ({"address_start": DAY, "address_end": DAY}, None),
        ({"address_start": date(2024, 5, 2), "address_end": date(2024, 5, 1)}, "spell_reversed"),
        ({"address_start": MORROW}, "spell_not_current"),
        ({"address_end": EVE}, "spell_not_current"),
        ({"address_end": MORROW}, None),
        ({"address_start": FLOOR, "address_end": FLOOR}, None),
        ({"home": None}, "no_match"),
        ({"home": None, "reason": "ambiguous"}, "imprecise"),
    ],
)
def test_a_record_of_its_own_makes_a_resident_or_fails_one_rule(
    columns: dict[str, Any], rule: str | None
) -> None:
    assert rule_of([record("r", **({"home": "home"} | columns))]) == rule


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"blpu_class": "RD06"}, None),
        ({"blpu_class": "UC"}, None),
        ({"blpu_class": "X"}, None),
        ({"blpu_class": "PP"}, "imprecise"),
        ({"blpu_state": "4"}, "imprecise"),
        ({"blpu_state": "3"}, None),
        ({"lsoa21": None}, "out_of_area"),
        ({"lsoa21": "E01099999"}, "out_of_area"),
        ({"blpu_class": "CR"}, "non_residential"),
        ({"blpu_class": "RI01"}, "communal_recorded"),
        ({"council_tax_exemption": "M"}, "communal_recorded"),
        ({"council_tax_exemption": "N"}, None),
        ({"is_empty": True}, None),
    ],
)
def test_a_dwelling_holds_a_household_or_fails_one_rule(columns: dict[str, Any], rule: str | None) -> None:
    assert rule_of([record("r", "home")], [dwelling("home", **columns)]) == rule


def test_the_later_of_two_overlapping_spells_is_where_a_person_lives() -> None:
    old = record("old", "home", nhs_number_pseudonym="n", address_start=date(2020, 1, 1))
    new = record("new", "other", nhs_number_pseudonym="n", address_start=date(2025, 1, 1))
    assert rule_of([old, new], which="old") == "superseded"
    assert rule_of([old, new], which="new") is None


def test_a_later_spell_without_a_link_leaves_nobody_at_the_old_address() -> None:
    old = record("old", "home", nhs_number_pseudonym="n", address_start=date(2020, 1, 1))
    new = record("new", None, nhs_number_pseudonym="n", address_start=date(2025, 1, 1))
    built = households_of([dwelling("home")], [old, new])
    assert built["household"] == []
    assert [(e["reason"], e["residents"]) for e in built["exclusion"]] == [("no_match", 1)]


def test_a_known_start_is_later_than_a_missing_or_floor_dated_one() -> None:
    vague = record("vague", "home", nhs_number_pseudonym="n", address_start=FLOOR)
    known = record("known", "other", nhs_number_pseudonym="n", address_start=date(1990, 1, 1))
    assert rule_of([vague, known], which="vague") == "superseded"


def test_spells_of_one_day_at_two_dwellings_are_a_multiple_address() -> None:
    both = [
        record(name, home, nhs_number_pseudonym="n", address_start=date(2020, 1, 1))
        for name, home in (("r", "home"), ("s", "other"))
    ]
    assert rule_of(both) == "multiple_address"


def test_the_same_dwelling_recorded_twice_counts_a_person_once() -> None:
    twice = [record(name, "home", nhs_number_pseudonym="n") for name in ("r", "s")]
    built = households_of([dwelling("home")], twice)
    assert [h["residents"] for h in built["household"]] == [1]
    assert built["exclusion"] == []


def test_the_later_registration_decides_where_spells_are_equal() -> None:
    old = record("old", "home", nhs_number_pseudonym="n", registration_start=date(2001, 1, 1))
    new = record("new", "other", nhs_number_pseudonym="n", registration_start=date(2002, 1, 1))
    assert rule_of([old, new], which="old") == "superseded"


@pytest.mark.parametrize(
    ("residents", "age", "rule"),
    [(10, 40, None), (11, 40, "improbable_size"), (4, 68, None), (5, 68, "improbable_size"), (5, 67, None)],
)
def test_too_many_residents_are_no_household(residents: int, age: int, rule: str | None) -> None:
    crowd = [record("r", "home", age_years=age)]
    crowd += [record(f"r{i}", "home", age_years=age) for i in range(1, residents)]
    assert rule_of(crowd) == rule


@pytest.mark.parametrize(
    ("residents", "age", "practices", "rule"),
    [
        (6, 75, ["P1"], "communal_evident"),
        (5, 75, ["P1"], "improbable_size"),
        (6, 74, ["P1"], "improbable_size"),
        (10, 75, ["P1"] * 9 + ["P2"], "communal_evident"),
        (10, 75, ["P1"] * 8 + ["P2"] * 2, "improbable_size"),
        (11, 24, ["P1"], "communal_evident"),
        (11, 25, ["P1"], "improbable_size"),
        (10, 24, ["P1"], None),
    ],
)
def test_a_home_or_hall_is_known_by_size_ages_and_practice(
    residents: int, age: int, practices: list[str], rule: str | None
) -> None:
    crowd = [
        record("r" if i == 0 else f"r{i}", "home", age_years=age, practice_code=practices[i % len(practices)])
        for i in range(residents)
    ]
    assert rule_of(crowd) == rule


def test_an_improbable_dwelling_is_kept_apart_and_not_lost() -> None:
    built = households_of([dwelling("home")], [record(f"r{i}", "home") for i in range(11)])
    assert [(h["standing"], h["residents"]) for h in built["household"]] == [("improbable", 11)]
    assert [(e["reason"], e["residents"]) for e in built["exclusion"]] == [("improbable", 11)]


@pytest.mark.parametrize(
    ("ages", "composition"),
    [
        ([64], "one_person_under_65"),
        ([65], "one_person_65_and_over"),
        ([40, 25], "couple_without_children"),
        ([41, 25], "other"),
        ([40, 38, 9], "couple_with_children"),
        ([40, 18], "lone_parent"),
        ([40, 19], "other"),
        ([70, 45, 12], "multi_generation"),
        ([30, 31, 32], "other"),
        ([17], "one_person_under_65"),
    ],
)
def test_composition_follows_ages(ages: list[int], composition: str) -> None:
    built = households_of(
        [dwelling("home")], [record(f"r{i}", "home", age_years=age) for i, age in enumerate(ages)]
    )
    assert built["household"][0]["composition"] == composition


@pytest.mark.parametrize(
    ("people", "bedrooms"),
    [
        ([(40, "1")], 1),
        ([(40, "1"), (38, "2")], 1),
        ([(40, "1"), (38, "2"), (12, "1"), (11, "1")], 2),
        ([(40, "1"), (38, "2"), (12, "1"), (11, "2")], 3),
        ([(40, "1"), (38, "2"), (12, "1"), (8, "1")], 2),
        ([(40, "1"), (38, "2"), (12, "1"), (8, "2")], 3),
        ([(40, "1"), (38, "2"), (8, "1"), (7, "2")], 2),
        ([(40, "1"), (38, "2"), (8, "1"), (7, "2"), (6, "2")], 3),
        ([(45, "2"), (22, "1")], 2),
        ([(45, "2"), (20, "1")], 2),
    ],
)
def test_the_bedroom_standard_of_the_census(people: list[tuple[int, str]], bedrooms: int) -> None:
    rows = [record(f"r{i}", "home", age_years=age, sex=sex) for i, (age, sex) in enumerate(people)]
    household = households_of([dwelling("home", bedrooms=2)], rows)["household"][0]
    assert household["bedrooms_required"] == bedrooms
    assert household["occupancy_rating"] == 2 - bedrooms


def test_without_bedrooms_or_an_age_occupancy_is_unknown_and_not_guessed() -> None:
    ageless = households_of([dwelling("home", bedrooms=2)], [record("r", "home", age_years=None)])[
        "household"
    ][0]
    roomless = households_of([dwelling("home")], [record("r", "home")])["household"][0]
    assert (ageless["composition"], ageless["occupancy_rating"]) == (None, None)
    assert (roomless["bedrooms_required"], roomless["occupancy_rating"]) == (1, None)


def test_outcomes_are_nought_where_the_table_came_and_unknown_where_it_did_not() -> None:
    rows = [record("r", "home", nhs_number_pseudonym="n", emergency_admissions=3)]
    without = households_of([dwelling("home")], rows)["household_member"][0]
    supplied = households_of([dwelling("home")], rows, conditions=[], events=[])["household_member"][0]
    assert (without["emergency_admissions"], without["has_asthma"]) == (3, None)
    assert (supplied["emergency_admissions"], supplied["has_asthma"]) == (0, False)


@pytest.mark.parametrize(
    ("day", "admissions"),
    [(date(2026, 4, 1), 0), (DAY, 1), (date(2025, 4, 1), 1), (date(2025, 3, 31), 0), (None, 0)],
)
def test_an_event_counts_in_the_twelve_months_to_the_reference_date(
    day: date | None, admissions: int
) -> None:
    event = {"resident_record_pseudonym": "r", "event": "emergency_admission", "event_date": day}
    member = households_of([dwelling("home")], [record("r", "home")], conditions=[], events=[event])
    assert member["household_member"][0]["emergency_admissions"] == admissions


def test_a_condition_counts_once_however_often_it_is_entered() -> None:
    entries = [
        {"nhs_number_pseudonym": "n", "condition": condition, "onset_date": onset}
        for condition, onset in (("asthma", None), ("asthma", DAY), ("copd", MORROW), ("obesity", None))
    ]
    rows = [record("r", "home", nhs_number_pseudonym="n")]
    member = households_of([dwelling("home")], rows, conditions=entries, events=[])["household_member"][0]
    assert (member["long_term_conditions"], member["has_asthma"]) == (1, True)


def test_a_council_record_joins_the_resident_of_that_name_or_the_only_one_of_that_age_and_sex() -> None:
    rows = [
        record("named", "home", age_years=9, sex="1", person_name_birth="t1"),
        record("alone", "home", age_years=7, sex="2"),
        record("twin1", "home", age_years=5, sex="1"),
        record("twin2", "home", age_years=5, sex="1"),
    ]
    pupil = {"dwelling_record_pseudonym": "home", "service": "school_census"}
    council = [
        pupil | {"record_pseudonym": "c1", "person_name_birth": "t1", "school_attendance_percent": 89.9},
        pupil | {"record_pseudonym": "c2", "age_years": 7, "sex": "2", "school_attendance_percent": 90.0},
        pupil | {"record_pseudonym": "c3", "age_years": 5, "sex": "1", "school_attendance_percent": 50.0},
    ]
    built = households_of([dwelling("home")], rows, council)
    absent = {m["person_pseudonym"]: m["is_often_absent"] for m in built["household_member"]}
    assert absent == {"named": True, "alone": False, "twin1": None, "twin2": None}
    assert built["household"][0]["roster_coverage"] == "some"


def test_contradictions_between_sources_are_counted_over_all_dwellings_and_stand_at_none() -> None:
    homes = [
        dwelling("one", single_person_discount=True),
        dwelling("two", single_person_discount=True),
        dwelling("void", is_empty=True),
        dwelling("exempt", council_tax_exemption="F"),
    ]
    rows = [record("a", "one"), record("b", "two"), record("c", "two"), record("d", "void")]
    built = households_of(homes, rows)
    counted = {
        p["plausibility_check"]: (p["dwellings_checked"], p["dwellings_contradicting"])
        for p in built["plausibility"]
    }
    assert counted["single_person_discount"] == (2, 1)
    assert counted["empty_dwelling"] == (2, 1)
    assert not {c for c in built["household"][0] if "plausib" in c or "contradict" in c}


def test_every_rule_has_a_reason_of_the_closed_list_or_removes_duplicates_alone() -> None:
    assert {rule.reason for rule in RULES} - {None} == set(REASONS)
    assert [rule.code for rule in RULES if rule.reason is None] == ["duplicate_record"]


def test_the_document_names_every_rule_in_order_with_its_words_and_reason() -> None:
    text = (Path(__file__).parents[2] / "docs" / "household-definition.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(rows) == len(RULES)
    for number, (row, rule) in enumerate(zip(rows, RULES, strict=True), start=1):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        reason = rule.reason or "(duplicates only)"
        assert cells == [str(number), f"`{rule.code}`", rule.description, reason, rule.source]
