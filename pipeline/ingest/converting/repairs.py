"""The one repair policy for codes, flags, numbers, texts and dates, in SQL. Each repair is counted.

ZERO_FRACTION          1.0 is 1, as data frames write whole numbers of a column with gaps
LEADING_ZEROS          01 is 1, and 1 is 01 where the code list has only that
THOUSANDS_SEPARATOR    1,234 is 1234
BLANKS                 1 234 is 1234; in a text, several blanks are one
DEFAULT_DATE           a default value of a date is missing (`date_cast.py`)
TWO_DIGIT_YEAR         the century of a year with two digits was chosen
MIDNIGHT               a time of midnight was removed from a day
SAME_PERSON            the NHS number is that of an equal row (`consistency/people.py`)

The clauses are tested in their order, for a cell that has a value. Identifiers have macros of their own
(`sql/`).
"""

#: The repair of a default value in a date column.
DEFAULT_DATE = "DEFAULT_DATE"
#: The repair of an NHS number by that of a row with the same name, birth date and dwelling.
SAME_PERSON = "SAME_PERSON"


def is_whole(cell: str) -> str:
    """Return SQL for whether the cell is a whole number with a fraction of zero."""
    return f"regexp_full_match({cell}, '[0-9]+[.]0+')"


def whole(cell: str) -> str:
    """Return SQL for the cell without a fraction of zero; otherwise 1.0 would be spelt as 10."""
    return f"CASE WHEN {is_whole(cell)} THEN regexp_replace({cell}, '[.]0+$', '') ELSE {cell} END"


def ungrouped(cell: str) -> str:
    """Return SQL for a number without the separators of its thousands; the cell, if it has none in place."""
    return (
        f"CASE WHEN regexp_full_match({cell}, '[+-]?[0-9]{{1,3}}([, ][0-9]{{3}})+([.][0-9]*)?') "
        f"THEN regexp_replace({cell}, '[, ]', '', 'g') ELSE {cell} END"
    )


def without_midnight(cell: str) -> str:
    """Return SQL for the cell without a time of midnight, as databases and data frames add it to a day."""
    midnight = "[ T]00:00(:00([.]0+)?)?$"
    return f"CASE WHEN contains({cell}, ':') THEN regexp_replace({cell}, '{midnight}', '') ELSE {cell} END"


def flag_repairs(cell: str) -> str:
    """Return the clauses for a flag."""
    return f"WHEN {is_whole(cell)} THEN 'ZERO_FRACTION'"


def code_repairs(cell: str, code_as_written: str) -> str:
    """Return the clauses for a code. code_as_written: SQL, the code without any change to leading zeros."""
    return f"WHEN {is_whole(cell)} THEN 'ZERO_FRACTION' WHEN {code_as_written} IS NULL THEN 'LEADING_ZEROS'"


def number_repairs(cell: str, *, is_integer: bool) -> str:
    """Return the clauses for a number."""
    grouped = (
        f"WHEN contains({cell}, ',') THEN 'THOUSANDS_SEPARATOR' "
        f"WHEN regexp_matches({cell}, '[0-9] [0-9]') THEN 'BLANKS' "
    )
    if not is_integer:
        return grouped
    return (
        f"{grouped} WHEN contains({cell}, '.') THEN 'ZERO_FRACTION' "
        f"WHEN regexp_matches({cell}, '^[+-]?0[0-9]') THEN 'LEADING_ZEROS'"
    )


def text_repairs(cell: str, one_line: str) -> str:
    """Return the clause for a text. one_line: SQL, the text with single blanks."""
    return f"WHEN {one_line} <> {cell} THEN 'BLANKS'"


def date_repair(cell: str, is_default: str, reason: str, has_short_year: str) -> str:
    """Return how the cell of a date was repaired. The others are SQL for a truth, a reason and a truth."""
    return (
        f"CASE WHEN {cell} IS NULL THEN NULL WHEN {is_default} THEN '{DEFAULT_DATE}' "
        f"WHEN ({reason}) IS NOT NULL THEN NULL WHEN {has_short_year} THEN 'TWO_DIGIT_YEAR' "
        f"WHEN {without_midnight(cell)} <> {cell} THEN 'MIDNIGHT' END"
    )
