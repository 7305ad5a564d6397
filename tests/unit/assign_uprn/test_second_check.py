"""An answer with another flat, number, street or name is refused; a dwelling with the same parts is found."""

import pytest

from pipeline.assign_uprn.assignment import assign_uprns
from pipeline.assign_uprn.second_check import contradicts
from pipeline.pseudonymise.match_fields.address import parse_address

from .conftest import Answer, Desk

HEADER = "record_id,uprn,address,postcode\n"
ONE, TWO = "100000000001", "100000000002"

SAME = [
    ("42 Thomas Close, Sale", "Thomas 42, Close, Sale"),
    ("32 Minster Close, Upper Gate", "32 Minster Clsoe, Upper Gate"),
    ("109 Grace Place, Carrington", "109 Grace Manchester Place"),
    ("109 William Walk, Manchester", "109 William Carrington, Manchester"),
    ("19 Ferry Place, Stretford", "19 Place, Manchester"),
    ("Apartment 107, Beverley Court, Catherine Rise", "Beverley Court, Apartment 107, Sale"),
    ("Dene Villa, 59 Abbey Drive", "Dene Villa, Glen Rise"),
    ("4 Dock Street", "Flat 2, 4 Dock Street"),
    ("38-42 Dock Street", "40 Dock Street"),
    ("38-42 Dock Street", "42 Dock Street"),
]
OTHER = [
    ("1 Cromwell Road", "Parkview Medical Centre, 1 Clinic Road"),
    ("40 Buckingham Square", "40A Buckingham Square"),
    ("33 Laurel Road", "33b Laurel Road"),
    ("Flat C, 11 Frances Place", "Flat A, 11 Frances Place"),
    ("Flat 1, 57 Orchard Way", "Flat 2, 57 Orchard Way"),
    ("High Villa, Abbey Drive", "Wood Villa, Abbey Drive"),
    ("27 Ludlow House, 77 Quarry Square", "Marsh Barn, 27 Quarry Square"),
    ("1 Rectory Grove", "Apartment 1, Rectory Grove"),
    ("5 Church Road", "5 Church Street"),
    ("38-42 Dock Street", "41 Dock Street"),
    ("38-42 Dock Street", "44 Dock Street"),
]


@pytest.mark.parametrize(("listed", "recorded"), SAME)
def test_two_spellings_of_one_address_do_not_contradict(listed: str, recorded: str) -> None:
    one, other = parse_address([listed], "M33 1AA"), parse_address([recorded], "M33 1AA")
    assert not contradicts(one, other)
    assert not contradicts(other, one)


@pytest.mark.parametrize(("listed", "recorded"), OTHER)
def test_another_flat_number_street_or_name_contradicts(listed: str, recorded: str) -> None:
    one, other = parse_address([listed], "M33 1AA"), parse_address([recorded], "M33 1AA")
    assert contradicts(one, other)
    assert contradicts(other, one)


def _reasons(desk: Desk) -> list[str]:
    return [row["reason"] for row in desk.table("unassigned.csv")]


@pytest.mark.parametrize("answer", [Answer(ONE, weight=20, lead=9), Answer(ONE, "unique_trigram: found")])
def test_an_answer_with_another_number_is_refused_whatever_its_score(desk: Desk, answer: Answer) -> None:
    desk.answers["1B HIGH STREET"] = answer
    summary = desk.assign(HEADER + "r1,,1B HIGH STREET,M33 1AA\n")
    assert _reasons(desk) == ["CONTRADICTED"]
    assert summary["extract"]["not_assigned_by_reason"] == {"CONTRADICTED": 1}


@pytest.mark.parametrize(
    "answer", [Answer(None), Answer(ONE, weight=1), Answer(TWO, weight=20, lead=0), Answer(ONE)]
)
def test_the_only_dwelling_with_the_same_parts_is_found(desk: Desk, answer: Answer) -> None:
    desk.answers["2 Hihg Street"] = answer
    desk.assign(HEADER + "r1,,2 Hihg Street,M33 1AA\n")
    assert desk.uprns() == [TWO]
    assert {**desk.table("evidence.csv")[0], "line_number": 0} == {
        "line_number": 0,
        "record_id": "r1",
        "outcome": "assigned",
        "supplied_uprn": None,
        "uprn": TWO,
        "match_reason": "same_parts",
        "match_weight": None,
        "distinguishability": None,
        "source": "uk-address-matcher 1.5.3",
    }


@pytest.mark.parametrize(
    ("listed", "recorded"),
    [
        ("7 Twin St", "7 Twin Street"),  # two UPRNs with one address
        ("Flat 1, 8 Dock Street", "8 Dock Street"),  # the record does not say which flat
        ("8 Dock Street", "8 Lower Street"),
    ],
)
def test_the_same_parts_are_not_enough_if_another_dwelling_could_be_meant(
    desk: Desk, listed: str, recorded: str
) -> None:
    rows = f'{ONE},"{listed}",M33 1AA\n{TWO},"{listed.replace("Flat 1", "Flat 2").upper()}.",M33 1AA\n'
    people = desk.put("people.csv", HEADER + f"r1,,{recorded},M33 1AA\n")
    assign_uprns(desk.request(people, desk.put("twins.csv", "uprn,address,postcode\n" + rows)))
    assert _reasons(desk) == ["NO_CANDIDATE"]


def test_a_listed_address_without_a_postcode_is_found_by_number_and_street(desk: Desk) -> None:
    listed = desk.put("bare.csv", f'uprn,address,postcode\n{ONE},"9 Dock Street, Sale",\n')
    people = desk.put("people.csv", HEADER + "r1,,9 Dock St,M33 1AA\n")
    assign_uprns(desk.request(people, listed))
    assert desk.uprns() == [ONE]


def test_of_a_flat_and_a_house_with_its_letter_the_one_with_the_same_text_is_found(desk: Desk) -> None:
    rows = f'{ONE},"Flat A, 11 Frances Place",M33 1AA\n{TWO},11a Frances Place,M33 1AA\n'
    listed = desk.put("letters.csv", "uprn,address,postcode\n" + rows)
    people = desk.put(
        "people.csv", HEADER + 'r1,,"Flata, 11 Frances Place, Sale",M33 1AA\nr2,,11A FRANCES PLACE,M33 1AA\n'
    )
    assign_uprns(desk.request(people, listed))
    assert desk.uprns() == [ONE, TWO]
