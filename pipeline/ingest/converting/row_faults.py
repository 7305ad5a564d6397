"""Rows that are no records, in SQL: a header line again, a trailer, a total, a test patient.

REPEATED_HEADER  at least half of the cells are the names of their columns
TRAILER_ROW      the first cell announces the end or the number of rows, and most cells are empty
TOTAL_ROW        the first cell announces a total, and most cells are empty
TEST_RECORD      the name is that of a test patient or of no one, such as Test Patient, ZZZTest, XX-DUMMY
"""

from collections.abc import Mapping, Sequence

#: The reasons of this module.
NO_RECORDS = ("REPEATED_HEADER", "TRAILER_ROW", "TOTAL_ROW", "TEST_RECORD")
_TRAILER = (
    "(trailer|trl|footer|ftr|eof|end of (file|report|extract|data)|(record|row) ?count"
    "|no[.]? of (records|rows)|[0-9,]+ (rows?|records?)( (affected|selected|exported))?)"
)
_TOTAL = "(grand |sub)?totals?"
_AROUND = "[^A-Za-z0-9]*{0}[^A-Za-z]*"
#: Words that no one has as both names.
_TEST_WORDS = (
    "TEST", "TESTER", "TESTING", "PATIENT", "TESTPATIENT", "PATIENTTEST", "DUMMY", "DUMMYPATIENT",
    "DONOTUSE", "UNKNOWN", "NOTKNOWN", "TESTRECORD",
)  # fmt: skip
#: A name with such a beginning is one on its own.
_TEST_NAME = (
    "(ZZ+|XX+)[^A-Z]*(TEST|DUMMY|DONOTUSE|PATIENT).*|XX+TESTPATIENT.*|TESTPATIENT|DONOTUSE|DUMMYPATIENT"
)


def row_faults(columns: Sequence[str], header: Mapping[str, str], order: Sequence[str]) -> list[str]:
    """Return SQL for the reasons of rows that are no records, each NULL for a record.

    columns: contract columns that are read. header: their names in the file. order: those columns as they are
    in the file.
    """
    faults = [_repeated_header(columns, header), *_ends(columns, order[0])]
    names = [name for name in ("forename", "surname") if name in columns]
    if names:
        faults.append(_test_record(names))
    return faults


def _repeated_header(columns: Sequence[str], header: Mapping[str, str]) -> str:
    tests = [f"lower(\"{name}\") = '{_quoted(header[name].lower())}'" for name in columns]
    named = " + ".join(f"CAST(coalesce({test}, false) AS INTEGER)" for test in tests)
    least = max(2, (len(columns) + 1) // 2) if len(columns) > 1 else 1
    return f"CASE WHEN {named} >= {least} THEN 'REPEATED_HEADER' END"


def _ends(columns: Sequence[str], first: str) -> list[str]:
    filled = " + ".join(f'CAST("{name}" IS NOT NULL AS INTEGER)' for name in columns)
    most = max(1, len(columns) // 2)
    return [
        f"CASE WHEN regexp_full_match(lower(\"{first}\"), '{_AROUND.format(pattern)}') "
        f"AND {filled} <= {most} THEN '{reason}' END"
        for pattern, reason in ((_TRAILER, "TRAILER_ROW"), (_TOTAL, "TOTAL_ROW"))
    ]


def _test_record(names: Sequence[str]) -> str:
    words = ", ".join(f"'{word}'" for word in _TEST_WORDS)
    single = " OR ".join(
        f"coalesce(regexp_full_match(upper(\"{name}\"), '{_TEST_NAME}'), false)" for name in names
    )
    letters = [f"regexp_replace(upper(\"{name}\"), '[^A-Z]', '', 'g')" for name in names]
    both = " AND ".join(f"coalesce({only} IN ({words}), false)" for only in letters)
    return f"CASE WHEN {single}{f' OR ({both})' if len(names) > 1 else ''} THEN 'TEST_RECORD' END"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
