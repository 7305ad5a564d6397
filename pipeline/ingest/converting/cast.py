"""Converts a cell of text to a typed value, or to the reason why that is impossible, in SQL.

The column's contract decides. No expression can raise an error, because DuckDB would quote the cell in it.
Reason codes of cells:

EXPONENT_FORM, NOT_DIGITS, TOO_LONG, SENTINEL, WRONG_LENGTH, CHECK_DIGIT, NOT_A_POSTCODE
                       identifiers: see sql/uprn.sql, sql/nhs_number.sql, sql/postcode.sql
UNKNOWN_CODE           the code list has no such spelling
NOT_A_WHOLE_NUMBER, NOT_A_NUMBER, NOT_A_FLAG
OUT_OF_RANGE           beyond the contract's minimum or maximum
PATTERN                a text that does not match the contract's pattern
TOO_LONG               a text longer than the contract's maximum length
MISSING                a required value is empty
dates                  see date_cast.py

Repairs are counted; see repairs.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import duckdb

from pipeline.ingest.converting.date_cast import DateTerms, date_sql
from pipeline.ingest.converting.repairs import (
    code_repairs,
    flag_repairs,
    number_repairs,
    text_repairs,
    ungrouped,
    whole,
)
from schemas.code_list import SPELLING_SQL, load_code_list
from schemas.contract import Column

_MACRO_FILES = ("uprn.sql", "nhs_number.sql", "postcode.sql")
_FLAGS = dict.fromkeys(("y", "yes", "1", "true", "t"), True) | dict.fromkeys(
    ("n", "no", "0", "false", "f"), False
)


@dataclass(frozen=True)
class CastColumn:
    """SQL expressions that convert one column, in two steps so that nothing expensive is computed twice.

    first: first step, computed from the cell's trimmed text, which is in a column of the column's own name.
    The others are computed from that text and from the first step, in a column `first <column>`:
    value: the typed value, NULL if there is none. reason: the reason code of a cell that is not empty and has
    no value, otherwise NULL. repair: how the cell was repaired, NULL if it was not; None if cells of this
    column are never repaired.
    """

    column: Column
    first: str
    value: str
    reason: str
    repair: str | None = None


def create_macros(connection: duckdb.DuckDBPyConnection, code_lists: Sequence[str]) -> None:
    """Create the macros and the maps of code lists that the expressions use.

    code_lists: names, in any order; duplicates are allowed.
    """
    for name in _MACRO_FILES:
        connection.execute((files("pipeline.ingest.converting") / "sql" / name).read_text("utf-8"))
    for name in sorted(set(code_lists)):
        spellings = load_code_list(name).spellings
        connection.execute(
            f'CREATE TABLE "code {name}" AS SELECT MAP($spellings::VARCHAR[], $codes::VARCHAR[]) AS codes',
            {"spellings": list(spellings), "codes": list(spellings.values())},
        )


def cast_column(column: Column, dates: DateTerms, birth: Column | None = None) -> CastColumn:
    """Return the SQL that converts the cells of a column as its contract requires.

    dates: how columns of type date are read. birth: the row's birth date, if the extract supplies one.
    """
    cell = f'"{column.name}"'
    if column.form is not None:
        reason = f'"first {column.name}"'
        return CastColumn(
            column,
            first=f"{column.form}_reason({cell})",
            value=f"CASE WHEN {reason} IS NULL THEN {column.form}_canonical({cell}) END",
            reason=reason,
            repair=f"CASE WHEN {reason} IS NULL THEN {column.form}_repair({cell}) END",
        )
    if column.code_list is not None:
        return _cast_code(column, cell)
    if column.logical_type == "string":
        return _cast_text(column, cell)
    if column.logical_type == "date":
        sql = date_sql(column, dates, birth)
        return CastColumn(column, sql.first, sql.value, sql.reason, sql.repair)
    if column.logical_type == "boolean":
        words, flags = ", ".join(map(_text, _FLAGS)), ", ".join(map(str, _FLAGS.values()))
        spelt = SPELLING_SQL.format(whole(cell))
        return _cast(column, f"MAP([{words}], [{flags}])[{spelt}]", "NOT_A_FLAG", flag_repairs(cell))
    bare = f"CASE WHEN regexp_matches({cell}, '[0-9][, ][0-9]{{3}}') THEN {ungrouped(cell)} ELSE {cell} END"
    if column.logical_type == "integer":
        digits = f"regexp_extract({bare}, '^([+-]?[0-9]{{1,18}})(?:\\.0*)?$', 1)"
        value = f"TRY_CAST(nullif({digits}, '') AS BIGINT)"
        return _cast(column, value, "NOT_A_WHOLE_NUMBER", number_repairs(cell, is_integer=True))
    number = f"nullif(regexp_extract({bare}, '^[+-]?[0-9]{{1,15}}(?:\\.[0-9]{{0,15}})?$'), '')"
    value = f"TRY_CAST({number} AS DOUBLE)"
    return _cast(column, value, "NOT_A_NUMBER", number_repairs(cell, is_integer=False))


def _cast_code(column: Column, cell: str) -> CastColumn:
    plain = whole(cell)
    fewer = f"regexp_extract({plain}, '^0+([0-9]+)$', 1)"
    more = f"CASE WHEN regexp_full_match({plain}, '[0-9]') THEN concat('0', {plain}) END"
    as_written = _code(column, plain)
    other = f"coalesce({_code(column, fewer)}, {_code(column, more)})"
    value = f"coalesce({as_written}, {other})"
    return _cast(column, value, "UNKNOWN_CODE", code_repairs(cell, as_written))


def _code(column: Column, cell: str) -> str:
    codes = f'(SELECT codes FROM "code {column.code_list}")'
    spelt = SPELLING_SQL.format(cell)
    if column.code_match == "spelling":
        return f"{codes}[{spelt}]"
    is_class = f"regexp_full_match(upper({cell}), '[A-Z]{{1,2}}([0-9]{{2}}[A-Z]{{0,2}})?')"
    wider = ", ".join(f"{codes}[left({spelt}, {length})]" for length in (4, 2, 1))
    return f"coalesce({codes}[{spelt}], CASE WHEN {is_class} THEN coalesce({wider}) END)"


def _cast_text(column: Column, cell: str) -> CastColumn:
    if column.pattern is not None:
        value = f"CASE WHEN regexp_full_match(upper({cell}), {_text(column.pattern)}) THEN upper({cell}) END"
        return _cast(column, value, "PATTERN")
    one_line = f"regexp_replace({cell}, '\\s+', ' ', 'g')"
    value = one_line
    if column.maximum_length is not None:
        value = f"CASE WHEN length({cell}) <= {column.maximum_length} THEN {one_line} END"
    return _cast(column, value, "TOO_LONG", text_repairs(cell, f'"first {column.name}"'))


def _cast(column: Column, first: str, reason: str, repairs: str = "") -> CastColumn:
    """Return a column whose first step is already the value, if it is within the contract's bounds.

    reason: the code of a cell from which the first step makes no value. repairs: WHEN clauses for a cell with
    a value.
    """
    value = f'"first {column.name}"'
    bounds = _bounds(column, value)
    return CastColumn(
        column,
        first=first,
        value=value if bounds == "true" else f"CASE WHEN {bounds} THEN {value} END",
        reason=(
            f"CASE WHEN {value} IS NULL AND \"{column.name}\" IS NOT NULL THEN '{reason}' "
            f"WHEN NOT ({bounds}) THEN 'OUT_OF_RANGE' END"
        ),
        repair=f"CASE WHEN {value} IS NULL OR NOT ({bounds}) THEN NULL {repairs} END" if repairs else None,
    )


def _bounds(column: Column, value: str) -> str:
    tests = [
        f"{value} {operator} {bound}"
        for operator, bound in ((">=", column.minimum), ("<=", column.maximum))
        if bound is not None
    ]
    return " AND ".join(tests) or "true"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
