"""Addresses as clerks type them, and the parts that two registers share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.pseudonymise.match_fields.address import Address, parse_address, parse_postcode
from pipeline.pseudonymise.match_fields.compute import exact_form, unit_postcode_forms, unit_street_forms


def parts(text: str) -> tuple[str | None, str | None, str | None, str | None]:
    address = parse_address(text.split(","), "ZZ9 9ZZ")
    return address.unit, address.premises, address.building, address.street


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("149 Warren Walk, Sale", (None, "149", None, "WARRENWALK")),
        ("149 Warrenwalk, Sale", (None, "149", None, "WARRENWALK")),
        ("12HIGH STREET", (None, "12", None, "HIGHSTREET")),
        ("31 A High St", (None, "31A", None, "HIGHSTREET")),
        ("1-3 High St", (None, "1-3", None, "HIGHSTREET")),
        ("10 St. Mary's St", (None, "10", None, "SAINTMARYSSTREET")),
        ("Flat 3, 53 Park Way", ("3", "53", None, "PARKWAY")),
        ("APT 3, 53 PARK WAY", ("3", "53", None, "PARKWAY")),
        ("3 53, PARK WAY", ("3", "53", None, "PARKWAY")),
        ("Flat 12, Frederick Lodge, 105 Alfred Rise", ("12", "105", "FREDERICKLODGE", "ALFREDRISE")),
        ("12 Frederick Lodge, 105 Alfred Rise", ("12", "105", "FREDERICKLODGE", "ALFREDRISE")),
        ("111 (Ground Floor), Coppice Court, 10 Elm Rd", ("111", "10", "COPPICECOURT", "ELMROAD")),
        ("First Floor Flat 11, Harewood Tower, 67 Elm Rd", ("11", "67", "HAREWOODTOWER", "ELMROAD")),
        ("Ground Floor Flat Rear, 107 Elm Close", ("FLOOR0R", "107", None, "ELMCLOSE")),
        ("Flat A, 11 Frances Place", (None, "11A", None, "FRANCESPLACE")),
        ("FLATA, 11 Frances Place", (None, "11A", None, "FRANCESPLACE")),
        ("11a Frances Place", (None, "11A", None, "FRANCESPLACE")),
        ("Flat 1, 9 Arthur Court, Sale", ("1", "9", None, "ARTHURCOURT")),
        ("Wood Farm, Hollybrook Road", (None, None, "WOODFARM", "HOLLYBROOKROAD")),
        ("The Hollies, 27 Harold Grove", (None, "27", "HOLLIES", "HAROLDGROVE")),
        ("Thomas 42, Close", (None, "42", "THOMAS", "CLOSE")),
        ("c/o Mrs Elm, 5 Elm Road", (None, "5", None, "ELMROAD")),
    ],
)
def test_an_address_gives_unit_premises_building_and_street(
    text: str, expected: tuple[str | None, str | None, str | None, str | None]
) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("m31 4bq", "M314BQ"), ("M31 4BO", None), ("M31 OBQ", "M310BQ"), ("Manchester", None), ("", None)],
)
def test_a_postcode_is_read_without_its_space_or_not_at_all(text: str, expected: str | None) -> None:
    assert parse_postcode(text) == expected


def test_a_postcode_among_the_lines_serves_where_the_field_is_empty() -> None:
    assert parse_address(["5 Elm Road", "M31 4BQ"], None) == Address(None, "5", None, "ELMROAD", "M314BQ")
    assert parse_address(["5 Elm Road", "M31 4BQ"], "M33 1AA").postcode == "M331AA"


def test_a_flat_keeps_one_way_to_be_named_when_the_building_number_is_left_out() -> None:
    full = parse_address(["Flat 7", "Elm Court", "16 Oak Street"], "M31 4BQ")
    short = parse_address(["7 Elm Court", "Oak Street"], "M31 4BQ")
    assert set(unit_postcode_forms(full)) & set(unit_postcode_forms(short)) == {"7@ELMCOURT|M314BQ"}


def test_flats_of_one_building_share_no_way_to_be_named() -> None:
    one = parse_address(["Flat 7", "Elm Court", "16 Oak Street"], "M31 4BQ")
    other = parse_address(["Flat 8", "Elm Court", "16 Oak Street"], "M31 4BQ")
    assert not set(unit_postcode_forms(one)) & set(unit_postcode_forms(other))
    assert not set(unit_street_forms(one)) & set(unit_street_forms(other))


def test_an_address_that_names_no_dwelling_gives_no_field() -> None:
    vague = parse_address(["Sale"], "M31 4BQ")
    assert (exact_form(vague), unit_postcode_forms(vague), unit_street_forms(vague)) == (None, [], [])


@given(st.lists(st.text(max_size=60), max_size=5), st.text(max_size=12))
def test_whatever_is_typed_is_parsed_into_fewer_fields_and_never_fails(
    lines: list[str], postcode: str
) -> None:
    address = parse_address(lines, postcode)
    for part in (address.unit, address.premises, address.building, address.street):
        assert part is None or part.isascii()
