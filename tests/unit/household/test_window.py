"""An attribute whose window the tables do not cover is withheld; a stray date does not extend a period."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from pipeline.household.window import add_windows, withheld_attributes
from pipeline.period import Period, period_of_months
from schemas.attribute import resident_attributes

MARCH = 12 * 2026 + 2
#: Those whose window is a year; windows of other lengths follow the same rule.
ATTRIBUTES = tuple(a for a in resident_attributes() if a.months in (None, 12))
EVERY_ONE_OF_EVENTS = {a.name for a in resident_attributes() if a.source == "event"}
OF_EVENTS = {a.name for a in ATTRIBUTES if a.source == "event"}
OF_CONDITIONS = {a.name for a in ATTRIBUTES if a.source == "condition"}


def months(first: int, last: int, rows: int = 100) -> dict[int, int]:
    return dict.fromkeys(range(first, last + 1), rows)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        yield connection


def test_a_period_is_the_whole_months_with_rows() -> None:
    assert period_of_months(months(MARCH - 23, MARCH)) == Period(date(2024, 4, 1), date(2026, 3, 31))


def test_a_stray_date_extends_no_period() -> None:
    strays = {MARCH - 200: 1, MARCH + 3: 9, MARCH + 60: 1}
    assert period_of_months(months(MARCH - 23, MARCH) | strays) == Period(date(2024, 4, 1), date(2026, 3, 31))


def test_a_month_that_has_just_begun_is_covered_from_a_tenth_of_the_usual_rows() -> None:
    for rows, last in ((10, date(2026, 4, 30)), (9, date(2026, 3, 31))):
        period = period_of_months(months(MARCH - 23, MARCH) | {MARCH + 1: rows})
        assert period is not None
        assert period.last == last


def test_few_rows_show_no_period() -> None:
    assert period_of_months({MARCH: 49}) is None
    assert period_of_months({MARCH: 50}) == Period(date(2026, 3, 1), date(2026, 3, 31))


@pytest.mark.parametrize(("day", "is_covered"), [(date(2026, 4, 7), True), (date(2026, 4, 8), False)])
def test_events_that_end_before_the_window_does_withhold_what_counts_them(
    day: date, is_covered: bool
) -> None:
    periods = {"nhs_event": Period(date(2024, 4, 1), date(2026, 3, 31))}
    assert set(withheld_attributes(ATTRIBUTES, periods, day)) == (set() if is_covered else OF_EVENTS)


@pytest.mark.parametrize(("first", "is_covered"), [(date(2025, 4, 8), True), (date(2025, 4, 9), False)])
def test_events_that_begin_after_the_window_does_withhold_what_counts_them(
    first: date, is_covered: bool
) -> None:
    periods = {"nhs_event": Period(first, date(2026, 3, 31))}
    found = withheld_attributes(ATTRIBUTES, periods, date(2026, 3, 31))
    assert set(found) == (set() if is_covered else OF_EVENTS)


def test_a_register_may_be_a_quarter_old(connection: duckdb.DuckDBPyConnection) -> None:
    periods = {
        "nhs_condition": Period(date(1970, 1, 1), date(2026, 3, 31)),
        "nhs_resident": Period(date(1990, 1, 1), date(2026, 3, 31)),
    }
    assert withheld_attributes(ATTRIBUTES, periods, date(2026, 7, 1)) == {}
    late = withheld_attributes(ATTRIBUTES, periods, date(2026, 7, 2))
    assert set(late) == OF_CONDITIONS | {"moved_in_last_year"}


def test_the_end_of_a_month_is_the_end_of_a_window_of_months() -> None:
    periods = {"nhs_event": Period(date(2023, 3, 8), date(2024, 2, 29))}
    assert withheld_attributes(ATTRIBUTES, periods, date(2024, 2, 29)) == {}


def test_the_periods_and_the_reasons_are_in_the_basis(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE TABLE nhs_event AS SELECT DATE '2024-04-01' + CAST(n AS INTEGER) AS event_date "
        "FROM range(0, 730) t(n)"
    )
    found = add_windows(connection, {}, date(2026, 6, 30))
    assert set(found) == EVERY_ONE_OF_EVENTS
    rows = connection.execute("SELECT * FROM basis ORDER BY ALL").fetchall()
    assert rows[0] == ("period", "nhs_event", "2024-04-01 to 2026-03-31 (seen in the data)")
    assert {(aspect, name) for aspect, name, _ in rows[1:]} == {
        ("withheld", name) for name in EVERY_ONE_OF_EVENTS
    }
    assert "ends before the reference date 2026-06-30" in rows[1][2]


def test_a_declared_period_goes_before_what_the_rows_show(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE TABLE nhs_event AS SELECT DATE '2024-04-01' + CAST(n AS INTEGER) AS event_date "
        "FROM range(0, 730) t(n)"
    )
    declared = {"nhs_event": Period(date(2024, 4, 1), date(2026, 1, 31), is_declared=True)}
    assert set(add_windows(connection, declared, date(2026, 3, 31))) == EVERY_ONE_OF_EVENTS
