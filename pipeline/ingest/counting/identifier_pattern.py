"""Counts cells that look like an identifier in columns that should not contain any (rule ING-06).

A supplier who types a note, a telephone number or a patient's number into a code column sends more than was
agreed. The cell is not a code, number or date, so it becomes NULL; this module counts, by column and pattern,
that it was sent. In text columns accepted cells are examined too, because the contract restricts them only by
a pattern.
"""

from collections.abc import Sequence

import duckdb

from pipeline.ingest.converting.cast import CastColumn

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
    connection: duckdb.DuckDBPyConnection, casts: Sequence[CastColumn]
) -> dict[str, dict[str, int]]:
    """Return column -> pattern -> number of cells that look like an identifier, in rows that could be parsed.

    Only columns and patterns with a hit are in the result. Columns that the contract classifies as direct
    identifiers are not examined.
    """
    found: dict[str, dict[str, int]] = {}
    for cast in casts:
        if cast.column.classification == "direct_identifier":
            continue
        name = cast.column.name
        is_free_text = cast.column.logical_type == "string" and cast.column.code_list is None
        counts = ", ".join(
            f"COUNT(*) FILTER (WHERE {pattern.format('cell')})" for pattern in _PATTERNS.values()
        )
        row = connection.execute(
            f"""
            WITH doubtful AS (
                SELECT record."{name}" AS cell
                FROM record
                JOIN checked USING (line_number)
                WHERE record."{name}" IS NOT NULL
                  AND ("reason {name}" IS NOT NULL OR {is_free_text})
            )
            SELECT {counts}
            FROM doubtful
            """
        ).fetchall()[0]
        hits = {pattern: count for pattern, count in zip(_PATTERNS, row, strict=True) if count}
        if hits:
            found[name] = hits
    return found
