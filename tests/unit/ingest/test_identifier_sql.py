"""UPRNs, NHS numbers and postcodes in SQL, held against slow plain Python."""

import re
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.converting.cast import create_macros

SENTINELS = {
    *("9" * n for n in range(6, 13)),
    *("1" * n for n in range(8, 13)),
    *("12345678", "123456789", "1234567890", "12345678901", "123456789012", "987654321", "9876543210"),
}
BLANKS = " \t\n\r\f\u00a0\u2007\u202f"

connection = duckdb.connect()
create_macros(connection, [])


Checked = tuple[str | None, str | None]


def all_in_sql(form: str, texts: list[str]) -> list[Checked]:
    """Return (canonical value, reason) of each cell by the macros of `form`."""
    rows = connection.execute(
        f"""
        WITH supplied AS (
            SELECT
                UNNEST($cells::VARCHAR[]) AS cell,
                generate_subscripts($cells::VARCHAR[], 1) AS place
        )
        SELECT {form}_reason(cell), {form}_canonical(cell)
        FROM supplied
        ORDER BY place
        """,
        {"cells": [text.strip() or None for text in texts]},
    ).fetchall()
    return [(None if reason else value, reason) for reason, value in rows]


def in_sql(form: str, text: str) -> Checked:
    return all_in_sql(form, [text])[0]


def uprn_in_python(text: str) -> Checked:
    text = "".join(c for c in text.strip() if c not in BLANKS)
    if not text:
        return None, None
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        inside = text[2:-1]
        text = inside if all(c in "0123456789.," for c in inside) else text
    elif text.startswith("'"):
        text = text[1:]
    if re.fullmatch("[0-9]+([.,][0-9]*)?[eE][+-]?[0-9]+", text):
        return None, "EXPONENT_FORM"
    whole, dot, fraction = text.partition(".")
    if dot and set(fraction) <= {"0"}:
        text = whole
    if "," in text and re.fullmatch("[0-9]{1,3}(,[0-9]{3})+", text):
        text = text.replace(",", "")
    if not text or not all(c in "0123456789" for c in text):
        return None, "NOT_DIGITS"
    if len(text) > 12:
        return None, "TOO_LONG"
    number = text.lstrip("0")
    if not number or number in SENTINELS:
        return None, "SENTINEL"
    return text.rjust(12, "0"), None


def nhs_number_in_python(text: str) -> Checked:
    dashes = "-\u2010\u2011\u2012\u2013\u2014\u2015"
    text = text.strip()
    if not text:
        return None, None
    text = "".join(c for c in text if c not in BLANKS + dashes)
    whole, dot, fraction = text.partition(".")
    if dot and set(fraction) <= {"0"}:
        text = whole
    if re.fullmatch("[0-9]+([.,][0-9]*)?[eE][+]?[0-9]+", text):
        return None, "EXPONENT_FORM"
    if not text or not all(c in "0123456789" for c in text):
        return None, "NOT_DIGITS"
    if len(set(text)) == 1:
        return None, "SENTINEL"
    if len(text) != 10:
        return None, "WRONG_LENGTH"
    check = 11 - sum(int(digit) * weight for digit, weight in zip(text, range(10, 1, -1), strict=False)) % 11
    if check == 10 or int(text[9]) != check % 11:
        return None, "CHECK_DIGIT"
    return text, None


NUMBER_LIKE = st.one_of(
    st.text(st.sampled_from("0123456789" * 3 + "., -'\"=eE+x\u00a0\u2013"), max_size=16),
    st.integers(0, 10**13).map(str),
    st.integers(0, 10**12).map(lambda n: f"{n:,}.0"),
    st.integers(0, 10**12).map(lambda n: f"{n:012d}"),
    st.integers(0, 10**12).map(lambda n: f"{n:.5E}"),
    st.integers(0, 10**12).map(lambda n: f'="{n}"'),
    st.sampled_from(sorted(SENTINELS)),
)


@settings(deadline=None, max_examples=25)
@given(st.lists(NUMBER_LIKE, min_size=20, max_size=60))
def test_a_uprn_in_sql_is_what_it_is_in_plain_python(texts: list[str]) -> None:
    assert all_in_sql("uprn", texts) == [uprn_in_python(text) for text in texts]


@settings(deadline=None, max_examples=25)
@given(st.lists(NUMBER_LIKE | st.integers(10**9, 10**10 - 1).map(str), min_size=20, max_size=60))
def test_an_nhs_number_in_sql_is_what_it_is_in_plain_python(texts: list[str]) -> None:
    assert all_in_sql("nhs_number", texts) == [nhs_number_in_python(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("100023336956", "100023336956", None),
        ("10023", "000000010023", None),
        ("000000010023", "000000010023", None),
        (" 100 023 336 956 ", "100023336956", None),
        ("100,023,336,956", "100023336956", None),
        ("100023336956.0", "100023336956", None),
        ("'100023336956", "100023336956", None),
        ('="100023336956"', "100023336956", None),
        ("1.00023E+11", None, "EXPONENT_FORM"),
        ("1.00023336956E+11", None, "EXPONENT_FORM"),
        ("1,00023E+11", None, "EXPONENT_FORM"),
        ("100023336956.5", None, "NOT_DIGITS"),
        ("1,0002", None, "NOT_DIGITS"),
        ("-100023336956", None, "NOT_DIGITS"),
        ("１００", None, "NOT_DIGITS"),
        ("1000233369561", None, "TOO_LONG"),
        ("0", None, "SENTINEL"),
        ("000000000000", None, "SENTINEL"),
        ("999999999999", None, "SENTINEL"),
        ("", None, None),
        ("   ", None, None),
    ],
)
def test_a_uprn_is_canonical_or_refused_with_its_reason(
    text: str, value: str | None, reason: str | None
) -> None:
    assert in_sql("uprn", text) == (value, reason)


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("9434765919", "9434765919", None),  # the example of the NHS Data Dictionary
        ("943 476 5919", "9434765919", None),
        ("943-476-5919", "9434765919", None),
        ("9434765919.0", "9434765919", None),
        ("9434765918", None, "CHECK_DIGIT"),
        ("9434765910", None, "CHECK_DIGIT"),
        ("943476591", None, "WRONG_LENGTH"),
        ("94347659190", None, "WRONG_LENGTH"),
        ("9.43477E+09", None, "EXPONENT_FORM"),
        ("0000000000", None, "SENTINEL"),
        ("9999999999", None, "SENTINEL"),  # its check digit is right
        ("94347659l9", None, "NOT_DIGITS"),
    ],
)
def test_an_nhs_number_is_canonical_or_refused_with_its_reason(
    text: str, value: str | None, reason: str | None
) -> None:
    assert in_sql("nhs_number", text) == (value, reason)


def first_nine_with_check_value_ten() -> Iterator[str]:
    for number in range(943_000_000, 943_000_200):
        nine = str(number)
        total = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True))
        if 11 - total % 11 == 10:
            yield nine


def test_no_tenth_digit_makes_a_number_of_nine_digits_whose_check_value_is_ten() -> None:
    nines = list(first_nine_with_check_value_ten())
    assert len(nines) > 10
    texts = [f"{nine}{digit}" for nine in nines for digit in range(10)]
    assert set(all_in_sql("nhs_number", texts)) == {(None, "CHECK_DIGIT")}


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("M33 4JF", "M33 4JF", None),
        ("m334jf", "M33 4JF", None),
        ("SW1A 1AA", "SW1A 1AA", None),
        ("M1 1AE", "M1 1AE", None),
        ("M33  OJF", "M33 0JF", None),
        ("M33", None, "NOT_A_POSTCODE"),
        ("M33 4J", None, "NOT_A_POSTCODE"),
        ("M33 4CI", None, "NOT_A_POSTCODE"),
        ("", None, None),
    ],
)
def test_a_postcode_is_canonical_or_refused(text: str, value: str | None, reason: str | None) -> None:
    assert in_sql("postcode", text) == (value, reason)
