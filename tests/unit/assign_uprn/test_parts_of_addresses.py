"""A found address is checked by its parts: one that contradicts the record is not assigned."""

from typing import Any

import pytest

from pipeline.assign_uprn.address_list import ListTolerance
from pipeline.assign_uprn.assignment import assign_uprns

from .conftest import Answer, Desk

HEADER = "record_id,uprn,address,postcode\n"
ONE, TWO = "100000000001", "100000000002"
SURE = {"weight": 30.0, "lead": 20.0}


def assigned(desk: Desk, recorded: str, listed: list[str], found: str | None, **scores: Any) -> list[Any]:
    """Return the UPRN and the reason of one record, whose matcher's answer is `found`."""
    rows = "".join(f'{100000000001 + at},"{text}",M33 1AA\n' for at, text in enumerate(listed))
    address_list = desk.put("parts.csv", "uprn,address,postcode\n" + rows)
    desk.answers[recorded] = Answer(found, **(scores or SURE))
    people = desk.put("people.csv", f'{HEADER}r1,,"{recorded}",M33 1AA\n')
    assign_uprns(desk.request(people, address_list))
    return [desk.uprns()[0], [row["reason"] for row in desk.table("unassigned.csv")]]


@pytest.mark.parametrize(
    ("recorded", "listed"),
    [
        ("Flat 2, 7 Dock Street", "Flat 3, 7 Dock Street"),
        ("Flat 2, 7 Dock Street", "7 Dock Street"),
        ("7B Dock Street", "7 Dock Street"),
        ("7 Dock Street", "9 Dock Street"),
        ("1 Clinic Road", "1 Cromwell Road"),
        ("Wood Villa, Abbey Drive", "High Villa, Abbey Drive"),
    ],
)
def test_a_candidate_with_another_unit_number_building_or_street_is_not_assigned(
    desk: Desk, recorded: str, listed: str
) -> None:
    assert assigned(desk, recorded, [listed], ONE) == ["", ["CONTRADICTED"]]


@pytest.mark.parametrize(
    ("recorded", "listed"),
    [
        ("7 Dokc Street", "7 Dock Street"),
        ("7 Dock St, Sale", "7 DOCK STREET"),
        ("Thomas 42, Close, Sale", "42 Thomas Close, Sale"),
        ("4 Brook Court, Sale", "4 Brook Court, Upper Gate, Sale"),
        ("First Floor Flat, 7 Dock Street", "7 Dock Street"),
        ("Rose Cottage, 7 Dock Street", "7 Dock Street"),
    ],
)
def test_another_spelling_or_a_missing_part_is_no_contradiction(
    desk: Desk, recorded: str, listed: str
) -> None:
    assert assigned(desk, recorded, [listed], ONE) == [ONE, []]


def test_a_floor_is_a_contradiction_where_the_list_knows_flats_at_the_number(desk: Desk) -> None:
    listed = ["7 Dock Street", "Basement Flat, 7 Dock Street"]
    assert assigned(desk, "First Floor Flat, 7 Dock Street", listed, ONE) == ["", ["CONTRADICTED"]]


def test_the_only_dwelling_with_the_same_parts_is_assigned_where_the_matcher_is_unsure(desk: Desk) -> None:
    listed = ["Flat C, 11 Frances Place", "Flat A, 11 Frances Place"]
    assert assigned(desk, "Flata, 11 Frances Place", listed, ONE) == [TWO, []]
    assert desk.table("evidence.csv")[0]["match_reason"] == "parts"
    assert desk.table("evidence.csv")[0]["match_weight"] is None


def test_two_dwellings_with_the_same_parts_leave_it_open(desk: Desk) -> None:
    listed = ["Flat C, 11 Frances Place", "Flat A, 11 Frances Place", "11a Frances Place"]
    assert assigned(desk, "Flata, 11 Frances Place", listed, ONE) == ["", ["CONTRADICTED"]]


def test_the_same_parts_at_another_postcode_are_not_enough(desk: Desk) -> None:
    rows = f"uprn,address,postcode\n{ONE},7 Dock Street,M33 9ZZ\n"
    desk.answers["7 Dock Street"] = Answer(ONE, weight=3, lead=20)
    people = desk.put("people.csv", f"{HEADER}r1,,7 Dock Street,M33 1AA\n")
    assign_uprns(desk.request(people, desk.put("far.csv", rows)))
    assert desk.table("unassigned.csv")[0]["reason"] == "BELOW_THRESHOLD"


def test_a_uprn_with_addresses_of_different_dwellings_is_not_assigned(desk: Desk) -> None:
    rows = f"uprn,address,postcode\n{ONE},7 Dock Street,M33 1AA\n{ONE},137 Beech Avenue,M33 8AR\n"
    desk.answers["7 Dock Street"] = Answer(ONE, "exact: full match")
    people = desk.put("people.csv", f"{HEADER}r1,,7 Dock Street,M33 1AA\n")
    tolerance = ListTolerance(several_addresses=True)
    assign_uprns(desk.request(people, desk.put("slips.csv", rows), tolerance=tolerance))
    assert desk.table("unassigned.csv")[0]["reason"] == "AMBIGUOUS"
