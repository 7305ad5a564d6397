"""Windows of measures: an attribute whose window the supplied tables do not cover is withheld.

An attribute counts events in the months up to the reference date, or conditions by that date. If the table
ends earlier, or begins later than the window, its values are too small, so no measure may use it. The reasons
are in `basis`, from which the aggregate stage and the release take them.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import duckdb

from pipeline.period import Period, seen_period
from schemas.attribute import ResidentAttribute, resident_attributes

#: A table may end, or begin, this many days inside a window: the last days are rarely complete.
TOLERANCE_DAYS = 7
#: Registers of conditions and addresses are extracted at most quarterly.
REGISTER_TOLERANCE_DAYS = 92
#: Table -> the column of its dates.
DATED_TABLES = {"nhs_event": "event_date", "nhs_condition": "onset_date", "nhs_resident": "address_start"}
#: An attribute of residents themselves that has a window, the table that it rests on, and its months.
_MOVED_IN = ("moved_in_last_year", "nhs_resident", 12)


def add_windows(
    connection: duckdb.DuckDBPyConnection, declared: Mapping[str, Period], reference_date: date
) -> dict[str, str]:
    """Add the period of each dated table, and each withheld attribute, to `basis`; returns the latter.

    declared: table -> the period that its supplier declared. Returns attribute -> reason.
    """
    present = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    periods: dict[str, Period] = {}
    for table, column in DATED_TABLES.items():
        if table in present:
            period = declared.get(table) or seen_period(connection, table, column)
            if period is not None:
                periods[table] = period
    withheld = withheld_attributes(resident_attributes(), periods, reference_date)
    rows = [("period", table, str(period)) for table, period in sorted(periods.items())]
    rows += [("withheld", name, reason) for name, reason in sorted(withheld.items())]
    if rows:
        connection.executemany("INSERT INTO basis VALUES (?, ?, ?)", rows)
    return withheld


def withheld_attributes(
    attributes: tuple[ResidentAttribute, ...], periods: Mapping[str, Period], reference_date: date
) -> dict[str, str]:
    """Return each attribute whose window is not covered, with the reason in words.

    periods: table -> the period that it covers; a table that is not in it is not judged.
    """
    windows = [(a.name, f"nhs_{a.source}", a.months) for a in attributes]
    found: dict[str, str] = {}
    for name, table, months in (*windows, _MOVED_IN):
        period = periods.get(table)
        reason = None if period is None else _reason(table, months, period, reference_date)
        if reason is not None:
            found[name] = reason
    return found


def _reason(table: str, months: int | None, period: Period, reference_date: date) -> str | None:
    is_event = table == "nhs_event"
    tolerance = timedelta(days=TOLERANCE_DAYS if is_event else REGISTER_TOLERANCE_DAYS)
    if period.last < reference_date - tolerance:
        return f"{table} covers {period}, which ends before the reference date {reference_date}"
    if is_event and months is not None:
        start = _months_before(reference_date, months) + timedelta(days=1)
        if period.first > start + tolerance:
            return f"{table} covers {period}, which begins after the start of the window, {start}"
    return None


def _months_before(day: date, months: int) -> date:
    month = 12 * day.year + day.month - 1 - months
    for last in (day.day, 30, 29, 28):
        try:
            return date(month // 12, month % 12 + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
