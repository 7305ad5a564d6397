"""Which days a date column can have: plausible ones, in the century that they must be of, and no default."""

from typing import Any

import pytest


def days(bench: Any, column: str, cells: list[str], *formats: str, **settings: Any) -> Any:
    """Ingest one date column of patients on the reference date 2026-03-31; return days and the result."""
    rows = "".join(f"{n},{cell}\n" for n, cell in enumerate(cells))
    bench.put("nhs_person", f"record_id,{column}\n{rows}", date_formats=formats or ("%Y-%m-%d",), **settings)
    result = bench.ingest("nhs_person", "nhs")
    return [None if row[column] is None else str(row[column]) for row in result.kept], result


def test_a_birth_in_a_year_of_two_digits_is_never_in_the_future(bench: Any) -> None:
    cells = ["01/02/57", "31/03/26", "01/04/26", "29/02/68", "01/02/69"]
    found, result = days(bench, "birth_date", cells, "%d/%m/%y")
    assert found == ["1957-02-01", "2026-03-31", "1926-04-01", "1968-02-29", "1969-02-01"]
    assert result.facts["repaired"] == {"birth_date": {"TWO_DIGIT_YEAR": 5}}


def test_years_of_two_and_of_four_digits_can_be_in_one_column(bench: Any) -> None:
    cells = ["01/02/57", "01/02/1957", "02/01/2057"]
    found, result = days(bench, "birth_date", cells, "%d/%m/%y", "%d/%m/%Y")
    assert found == ["1957-02-01", "1957-02-01", None]
    assert result.facts["invalid"] == {"birth_date": {"AFTER_REFERENCE": 1}}
    assert result.facts["repaired"] == {"birth_date": {"TWO_DIGIT_YEAR": 1}}


def test_an_end_in_a_year_of_two_digits_can_be_in_the_future(bench: Any) -> None:
    found, _ = days(bench, "address_end", ["01/02/27", "01/02/99"], "%d/%m/%y")
    assert found == ["2027-02-01", "1999-02-01"]


def test_a_birth_is_plausible_from_an_age_of_115_to_the_reference_date(bench: Any) -> None:
    cells = ["1910-03-31", "1910-04-01", "2026-03-31", "2026-04-01"]
    found, result = days(bench, "birth_date", cells)
    assert found == [None, "1910-04-01", "2026-03-31", None]
    assert result.facts["invalid"] == {"birth_date": {"AFTER_REFERENCE": 1, "OVER_AGE": 1}}


@pytest.mark.parametrize("column", ["birth_date", "address_start", "death_date", "registration_end"])
def test_a_default_value_is_missing_in_every_date_column(bench: Any, column: str) -> None:
    cells = ["1900-01-01", "1899-12-30", "9999-12-31", "0000-00-00", "9999-99-99", "2020-01-01"]
    found, result = days(bench, column, cells)
    assert found == [None] * 5 + ["2020-01-01"]
    assert (result.facts["invalid"], result.facts["rows_quarantined"]) == ({}, 0)
    assert result.facts["repaired"] == {column: {"DEFAULT_DATE": 5}}


def test_default_values_are_reported_column_by_column(bench: Any) -> None:
    days(bench, "birth_date", ["1900-01-01", "1980-01-02", "1900-01-01"])
    assert "nhs_person: 2 default values of birth_date were read as missing" in bench.reports


def test_the_first_day_of_computers_is_a_birthday_and_no_day_of_death(bench: Any) -> None:
    assert days(bench, "birth_date", ["1970-01-01"])[0] == ["1970-01-01"]
    assert days(bench, "death_date", ["1970-01-01"])[0] == [None]


def test_a_declared_default_is_missing_in_its_column_only(bench: Any) -> None:
    rows = "record_id,birth_date,address_start\n1,1980-01-01,1980-01-01\n"
    bench.put("nhs_person", rows, default_values={"birth_date": ("1980-01-01",)})
    result = bench.ingest("nhs_person", "nhs")
    assert [str(result.kept[0][name]) for name in ("birth_date", "address_start")] == ["None", "1980-01-01"]
    assert result.facts["repaired"] == {"birth_date": {"DEFAULT_DATE": 1}}


def test_a_death_before_the_birth_sets_its_row_aside(bench: Any) -> None:
    rows = "1,1950-06-01,1950-05-31\n2,1950-06-01,1950-06-01\n3,,1950-05-31\n4,1950-06-01,\n"
    bench.put("nhs_person", f"record_id,birth_date,death_date\n{rows}")
    result = bench.ingest("nhs_person", "nhs")
    assert [row["record_id"] for row in result.kept] == ["2", "3", "4"]
    assert result.facts["quarantined_by_reason"] == {"BEFORE_BIRTH": 1}


@pytest.mark.parametrize("column", ["death_date", "address_end", "registration_end"])
def test_a_row_whose_end_cannot_be_read_is_set_aside_and_not_counted_as_still_there(
    bench: Any, column: str
) -> None:
    found, result = days(bench, column, ["31/12/2025", "2025-12-31", ""])
    assert found == ["2025-12-31", None]
    assert result.facts["quarantined_by_reason"] == {"NOT_A_DATE": 1}


def test_midnight_is_no_time_of_day_and_any_other_time_is_refused(bench: Any) -> None:
    cells = ["2024-03-01 00:00:00", "2024-03-01T00:00:00.000", "2024-03-01 13:05:00", "2024-03-01T23:00"]
    found, result = days(bench, "address_start", cells)
    assert found == ["2024-03-01", "2024-03-01", None, None]
    assert result.facts["repaired"] == {"address_start": {"MIDNIGHT": 2}}
    assert result.facts["invalid"] == {"address_start": {"TIME_OF_DAY": 2}}


def test_other_dates_are_within_a_lifetime_and_not_far_in_the_future(bench: Any) -> None:
    cells = ["1910-03-30", "1910-03-31", "2031-03-31", "2031-04-01"]
    assert days(bench, "address_start", cells)[0] == [None, "1910-03-31", "2031-03-31", None]
    assert days(bench, "address_end", ["2126-03-31", "2126-04-01"])[0] == ["2126-03-31"]
