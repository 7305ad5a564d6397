"""Identifiers that stand where none should (rule ING-06).

A supplier who writes a note, a telephone number or a patient's number into a code column has
told more than was agreed. Such cells never pass (a code list, pattern or number is all that a
column lets through), but that they came at all is counted, by column and pattern.
"""

from collections.abc import Sequence

import duckdb

from schemas.contract import Column

#: Pattern -> SQL over a trimmed cell named {0}.
_PATTERNS = {
    "nhs_number": "regexp_full_match({0}, '[0-9]{{3}}[ -]?[0-9]{{3}}[ -]?[0-9]{{4}}')"
    " AND nhs_number_reason({0}) IS NULL",
    "uprn": "regexp_full_match({0}, '[0-9]{{11,12}}(\\.0)?')",
    "postcode": "regexp_matches(upper({0}), '\\b[A-Z]{{1,2}}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{{2}}\\b')",
    "email": "regexp_matches({0}, '[^@\\s]+@[^@\\s]+\\.[A-Za-z]{{2,}}')",
    "telephone": "regexp_full_match({0}, '(\\+44|0)[ ()-]*([0-9][ ()-]*){{9,10}}')",
}


def count_identifier_patterns(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[Column]
) -> dict[str, dict[str, int]]:
    """Return column -> pattern -> cells of `record` that look like an identifier; none where none does.

    Columns that are direct identifiers by contract are not looked at.
    """
    looked_at = [column.name for column in columns if column.classification != "direct_identifier"]
    if not looked_at:
        return {}
    counts = [
        f"COUNT(*) FILTER (WHERE {pattern.format(chr(34) + name + chr(34))})"
        for name in looked_at
        for pattern in _PATTERNS.values()
    ]
    row = iter(connection.execute(f"SELECT {', '.join(counts)} FROM record").fetchall()[0])
    found = {name: {pattern: next(row) for pattern in _PATTERNS} for name in looked_at}
    return {
        name: {pattern: count for pattern, count in patterns.items() if count}
        for name, patterns in found.items()
        if any(patterns.values())
    }
