"""The forms under which one person is written in two registers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.pseudonymise.match_fields.names import parse_forename, parse_surname
from pipeline.pseudonymise.match_fields.phonetic import phonetic_code
from pipeline.pseudonymise.match_fields.tables import read_rows


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Liz", "Elizabeth"),
        ("Bill", "WILLIAM"),
        ("Mrs Katie", "Katherine"),
        ("Muhammad", "Mohammed"),
        ("Md", "Mohamed"),
        ("Małgorzata", "Malgorzata"),
        ("Chris", "Christopher"),
        ("Chris", "Christine"),
        ("John & Mary", "Mary"),
        ("Lewis", "Bradley Lewis"),
    ],
)
def test_two_spellings_of_one_forename_have_a_form_in_common(one: str, other: str) -> None:
    assert set(parse_forename(one).forms) & set(parse_forename(other).forms)


def test_an_initial_is_an_initial_and_no_forename() -> None:
    name = parse_forename("R J")
    assert (name.main, name.forms, name.initials) == (None, (), ("R", "J"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O'Flynn", "OFLYNN"),
        ("Mc Kenzie", "McKenzie"),
        ("van der Berg", "VANDERBERG"),
        ("Ashworth-Shurmer", "Ashworth Shurmer"),
        ("Ashworth-Shurmer", "Shurmer"),
        ("Woźniak", "WOZNIAK"),
    ],
)
def test_two_spellings_of_one_surname_have_a_form_in_common(one: str, other: str) -> None:
    assert set(parse_surname(one).forms) & set(parse_surname(other).forms)


@pytest.mark.parametrize("text", [None, "", "  ", "The Occupier", "Mr", "Unknown", "12345"])
def test_a_placeholder_is_nobody(text: str | None) -> None:
    surname = parse_surname(text)
    if surname.main is not None:
        assert surname.main == "THE"
    assert parse_surname("Occupier").main is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HUSSAIN", "HUSSEIN"),
        ("CHOUDHURY", "CHOWDHURY"),
        ("KOWALSKA", "KOWALSKI"),
        ("SZYMANSKI", "SHIMANSKI"),
        ("SHAH", "SHA"),
        ("MAHMOOD", "MAHMUD"),
        ("THOMPSON", "THOMSON"),
    ],
)
def test_names_that_sound_alike_have_one_code(one: str, other: str) -> None:
    assert phonetic_code(one) == phonetic_code(other)


@pytest.mark.parametrize(("one", "other"), [("SMITH", "JONES"), ("KHAN", "KAUR"), ("PATEL", "BEGUM")])
def test_other_names_have_other_codes(one: str, other: str) -> None:
    assert phonetic_code(one) != phonetic_code(other)


def test_no_nickname_stands_for_itself_or_for_another_nickname() -> None:
    rows = read_rows("nickname")
    variants = {variant for variant, _ in rows}
    assert not [row for row in rows if row[0] == row[1] or row[1] in variants]


@given(st.text(max_size=40))
def test_any_text_gives_forms_of_plain_capitals(text: str) -> None:
    forms = (*parse_forename(text).forms, *parse_surname(text).forms, *parse_surname(text).codes)
    assert all(form and form.isascii() and form == form.upper() for form in forms)
