"""Converts a cell of text to a day, or to the reason why that is impossible, in SQL.

A date column has a kind (`dateKind` in its contract), and the kind has plausible bounds:

birth   not after the reference date, and an age of at most 115 years
death   within the lifetime of someone aged 115, not before the birth in the same row
start, event   within the lifetime of someone aged 115, and at most 5 years after the reference date
end     as start, but up to 100 years after the reference date (a lease ends later)

A default value is missing, in every date column: a day that systems enter for "unknown" or "no end"
(DEFAULT_DAYS), a cell of zeros or nines, or a text that hearth.toml lists under `default_values`. It is
counted as DEFAULT_DATE. A year of two digits is one of the hundred years up to the latest plausible day, and
is counted as TWO_DIGIT_YEAR. Reason codes:

NOT_A_DATE       fits none of the declared formats, or is not a day of the calendar
TIME_OF_DAY      has a time of day other than midnight
AMBIGUOUS_DATE   fits several declared formats, which give different days
AFTER_REFERENCE  a birth after the reference date
OVER_AGE         a birth of someone older than 115
BEFORE_BIRTH     a death before the birth
OUT_OF_RANGE     another day outside the bounds
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipeline.ingest.converting.repairs import date_repair, without_midnight
from schemas.contract import Column

MAXIMUM_AGE_YEARS = 115
#: Days that systems enter for "unknown" or "no end".
DEFAULT_DAYS = (
    "0001-01-01", "1111-11-11", "1753-01-01", "1800-01-01", "1899-12-30", "1899-12-31", "1900-01-01",
    "1901-01-01", "2999-12-31", "9998-12-31", "9999-01-01", "9999-09-09", "9999-12-30", "9999-12-31",
)  # fmt: skip
#: The first day that computers count from. People are born on it, but it is no plausible end or death.
_FIRST_DAY_OF_COMPUTERS = "1970-01-01"
_YEARS_AFTER = {"birth": 0, "death": 5, "start": 5, "event": 5, "end": 100}


@dataclass(frozen=True)
class DateTerms:
    """How the dates of an extract are read.

    formats: strptime formats, at least one. defaults: column -> texts that the supplier enters for "missing".
    """

    formats: tuple[str, ...]
    reference_date: date
    defaults: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def bounds(self, kind: str) -> tuple[date, date]:
        """Return the first and last plausible day of a kind of date."""
        earliest = _years_later(self.reference_date, -MAXIMUM_AGE_YEARS - 1)
        if kind == "birth":
            return date.fromordinal(earliest.toordinal() + 1), self.reference_date
        return earliest, _years_later(self.reference_date, _YEARS_AFTER[kind])


@dataclass(frozen=True)
class DateSql:
    """SQL expressions for one date column; see `cast.CastColumn` for the steps."""

    first: str
    value: str
    reason: str
    repair: str


def date_sql(column: Column, terms: DateTerms, birth: Column | None) -> DateSql:
    """Return the expressions. birth: the row's birth date, if the extract has one."""
    cell = f'"{column.name}"'
    kind = column.date_kind or "event"
    earliest, latest = (_day(bound) for bound in terms.bounds(kind))
    day = first_day(column, terms)
    reasons = [
        f"WHEN {day} IS NULL THEN CASE WHEN regexp_matches({cell}, '[0-9][ T][0-9]{{1,2}}:[0-9]{{2}}') "
        "THEN 'TIME_OF_DAY' ELSE 'NOT_A_DATE' END",
    ]
    if len(terms.formats) > 1:
        reasons.append(f"WHEN len(\"first {column.name}\") > 1 THEN 'AMBIGUOUS_DATE'")
    if kind == "birth":
        reasons.append(
            f"WHEN {day} > {latest} THEN 'AFTER_REFERENCE' WHEN {day} < {earliest} THEN 'OVER_AGE'"
        )
    reasons.append(f"WHEN NOT ({day} BETWEEN {earliest} AND {latest}) THEN 'OUT_OF_RANGE'")
    if column.minimum is not None:
        reasons.append(f"WHEN {day} < {_text(str(column.minimum))}::DATE THEN 'OUT_OF_RANGE'")
    if kind == "death" and birth is not None:
        born, (_, last_birth) = first_day(birth, terms), terms.bounds("birth")
        reasons.append(f"WHEN {day} < {born} AND {born} <= {_day(last_birth)} THEN 'BEFORE_BIRTH'")
    is_default = _is_default(column, terms, cell, day)
    reason = f"CASE WHEN {cell} IS NULL OR {is_default} THEN NULL {' '.join(reasons)} END"
    short_years = [
        f"try_strptime({without_midnight(cell)}, {_text(form)}) IS NOT NULL"
        for form in terms.formats
        if "%y" in form
    ]
    return DateSql(
        first=_first(terms, cell, latest),
        value=f"CASE WHEN ({reason}) IS NULL AND NOT ({is_default}) THEN {day} END",
        reason=reason,
        repair=date_repair(cell, is_default, reason, " OR ".join(short_years) or "false"),
    )


def first_day(column: Column, terms: DateTerms) -> str:
    """Return the day of a column after the first step: NULL if there is none, any of several."""
    return f'"first {column.name}"' if len(terms.formats) == 1 else f'"first {column.name}"[1]'


def _first(terms: DateTerms, cell: str, latest: str) -> str:
    """Return the first step: the day, or with several formats the list of different days."""
    text = without_midnight(cell)
    has_short_years = any("%y" in form for form in terms.formats)
    readings = []
    for form in terms.formats:
        read = f"CAST(try_strptime({text}, {_text(form)}) AS DATE)"
        if "%y" in form:
            read = (
                f"CASE WHEN {read} > {latest} THEN CAST({read} - INTERVAL 100 YEAR AS DATE) ELSE {read} END"
            )
        elif has_short_years:
            read = f"CASE WHEN year({read}) >= 1000 THEN {read} END"
        readings.append(read)
    return readings[0] if len(readings) == 1 else f"list_distinct([{', '.join(readings)}])"


def _is_default(column: Column, terms: DateTerms, cell: str, day: str) -> str:
    """Return SQL for whether a cell means "missing"; never NULL for a cell that is not empty."""
    days = list(DEFAULT_DAYS)
    if column.date_kind in ("death", "end"):
        days.append(_FIRST_DAY_OF_COMPUTERS)
    listed = ", ".join(f"DATE '{day}'" for day in days)
    tests = [
        f"coalesce({day} IN ({listed}), false)",
        f"regexp_full_match({cell}, '0[0/ .:-]*0|9[9/ .-]{{4,}}9')",
    ]
    if texts := terms.defaults.get(column.name):
        tests.append(f"{cell} IN ({', '.join(map(_text, texts))})")
    return f"({' OR '.join(tests)})"


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def _day(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
