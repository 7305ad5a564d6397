"""What the evidence shows of each column: invalid and missing cells with their shapes, and the distribution.

Counts, shares, reasons, codes of code lists and shapes; never a cell. A shape is a cell with 9 for each digit
and A for each letter, such as `99/99/9999`. Rules ING-05 and ING-11 judge these facts.
"""

from datetime import date
from typing import Any

import duckdb

from pipeline.ingest.converting.cast import CastColumn
from pipeline.ingest.converting.row_faults import NO_RECORDS
from pipeline.period import seen_period

#: Shapes that are shown of a column.
_SHAPES = 2
_LONGEST_SHAPE = 24
#: Rows that could be parsed and are records: no repeated header, trailer, total or test record.
_IS_RECORD = f"fault IS NULL AND coalesce(row_fault NOT IN {NO_RECORDS}, TRUE)"
#: A category of fewer cells is not named in the distribution.
FEWEST_IN_A_CATEGORY = 100
#: Texts that mean "missing" where they are no code, date or number.
MARKERS = (
    "N/A", "#N/A", "NA", "NULL", "NONE", "NAN", "NIL", "-", "--", ".", "?", "UNKNOWN", "NOT KNOWN",
    "NOT RECORDED", "(BLANK)", "BLANK", "TBC", "<NULL>",
)  # fmt: skip
#: Those of them that are no one's name.
_MARKERS_IN_TEXT = ("N/A", "#N/A", "-", "--", ".", "?", "(BLANK)", "<NULL>")


def limit_facts(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn]) -> dict[str, Any]:
    """Return column -> rows, stated, invalid, missing, reasons, shapes, markers, of all parsed rows.

    stated: cells that are not empty and no default value; invalid: those of them without a value, by reason;
    missing: the others. shapes: the commonest shapes of invalid cells. markers: how often a text that usually
    means "missing" is in the column.
    """
    return {cast.column.name: _limits(connection, cast) for cast in casts}


def _limits(connection: duckdb.DuckDBPyConnection, cast: CastColumn) -> dict[str, Any]:
    name = cast.column.name
    rows, filled, invalid = connection.execute(
        f"""
        SELECT COUNT(*), COUNT("value {name}"), COUNT("reason {name}")
        FROM checked
        JOIN record USING (line_number)
        WHERE {_IS_RECORD}
        """
    ).fetchall()[0]
    facts: dict[str, Any] = {
        "rows": rows,
        "stated": filled + invalid,
        "invalid": invalid,
        "missing": rows - filled - invalid,
        "reasons": {},
        "shapes": [],
        "markers": _markers(connection, cast),
    }
    if invalid:
        facts["reasons"] = dict(
            connection.execute(
                f"""
                SELECT "reason {name}", COUNT(*) FROM checked JOIN record USING (line_number)
                WHERE {_IS_RECORD} AND "reason {name}" IS NOT NULL
                GROUP BY ALL ORDER BY ALL
                """
            ).fetchall()
        )
        facts["shapes"] = [f"`{shape}`" for shape in _shapes(connection, name)]
    return facts


def _shapes(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    rows = connection.execute(
        f"""
        WITH shape AS (
            SELECT
                regexp_replace(regexp_replace("{name}", '[0-9]', '9', 'g'), '\\p{{L}}', 'A', 'g') AS shape
            FROM checked
            JOIN record USING (line_number)
            WHERE {_IS_RECORD}
              AND "reason {name}" IS NOT NULL
        )
        SELECT regexp_replace(left(shape, {_LONGEST_SHAPE}), '[^9A -~]', '.', 'g') AS shown
        FROM shape
        GROUP BY shown
        ORDER BY COUNT(*) DESC, shown
        LIMIT {_SHAPES}
        """
    ).fetchall()
    return [row[0] for row in rows]


def _markers(connection: duckdb.DuckDBPyConnection, cast: CastColumn) -> dict[str, int]:
    name = cast.column.name
    is_text = cast.column.logical_type == "string" and cast.column.code_list is None
    condition = "true" if is_text else f'"reason {name}" IS NOT NULL'
    rows = connection.execute(
        f"""
        SELECT upper("{name}") AS marker, COUNT(*)
        FROM checked
        JOIN record USING (line_number)
        WHERE {condition}
          AND list_contains($markers, upper("{name}"))
        GROUP BY marker
        ORDER BY marker
        """,
        {"markers": list(_MARKERS_IN_TEXT if is_text else MARKERS)},
    ).fetchall()
    return dict(rows)


def distribution_facts(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn]) -> dict[str, Any]:
    """Return column -> filled, top, first_of_january and shares, over the kept rows, for columns of values.

    top: cells with the commonest value. first_of_january: for dates, cells on that day of any year; otherwise
    null. shares: category -> share of the filled cells, to three places; a code, a flag, a whole number up
    to 10, a band of ten, or the decade of a birth. Categories of few cells are left out.
    """
    return {
        cast.column.name: _distribution(connection, cast)
        for cast in casts
        if cast.column.form is None
        and (cast.column.code_list is not None or cast.column.logical_type != "string")
    }


def _distribution(connection: duckdb.DuckDBPyConnection, cast: CastColumn) -> dict[str, Any]:
    value = f'"value {cast.column.name}"'
    category = _category(cast, value)
    is_date = cast.column.logical_type == "date"
    january = f"COUNT(*) FILTER (month({value}) = 1 AND day({value}) = 1)" if is_date else "0"
    kept = "checked JOIN verdict USING (line_number) WHERE verdict.reason IS NULL"
    filled, first_of_january = connection.execute(f"SELECT COUNT({value}), {january} FROM {kept}").fetchall()[
        0
    ]
    top = connection.execute(
        f"SELECT coalesce(MAX(cells), 0) FROM "
        f"(SELECT COUNT(*) AS cells FROM {kept} AND {value} IS NOT NULL GROUP BY {value})"
    ).fetchall()[0][0]
    shares: dict[str, float] = {}
    if category is not None:
        counted = connection.execute(
            f"SELECT {category} AS category, COUNT(*) AS cells FROM {kept} AND {value} IS NOT NULL "
            "GROUP BY category ORDER BY category"
        ).fetchall()
        shares = {str(name): round(n / filled, 3) for name, n in counted if n >= FEWEST_IN_A_CATEGORY}
    return {
        "filled": filled,
        "top": top,
        "first_of_january": first_of_january if is_date else None,
        "shares": shares,
    }


def _category(cast: CastColumn, value: str) -> str | None:
    """Return SQL for the category of a value; None for dates other than births, whose years move on."""
    column = cast.column
    if column.code_list is not None:
        return value
    if column.logical_type == "boolean":
        return f"CASE WHEN {value} THEN 'yes' ELSE 'no' END"
    if column.logical_type == "integer":
        return f"CASE WHEN {value} > 10 THEN 'over 10' ELSE CAST({value} AS VARCHAR) END"
    if column.logical_type == "number":
        return f"CAST(CAST(floor({value} / 10) * 10 AS BIGINT) AS VARCHAR)"
    return f"concat(year({value}) // 10, '0s')" if column.date_kind == "birth" else None


def period_facts(
    connection: duckdb.DuckDBPyConnection,
    casts: list[CastColumn],
    declared: tuple[date, date] | None,
) -> dict[str, str | None]:
    """Return the first and last day that the rows show, and those that the supplier stated, or nulls.

    seen_first, seen_last: of whole months, from the events, or else from the starts of spells.
    """
    kinds = [cast.column for cast in casts if cast.column.date_kind in ("event", "start")]
    column = next(iter(sorted(kinds, key=lambda found: found.date_kind != "event")), None)
    seen = None if column is None else seen_period(connection, "checked", f"value {column.name}")
    first, last = declared or (None, None)
    days = {
        "seen_first": seen and seen.first,
        "seen_last": seen and seen.last,
        "declared_first": first,
        "declared_last": last,
    }
    return {name: day.isoformat() if day else None for name, day in days.items()}


def wrong_order_facts(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn]) -> dict[str, Any]:
    """Return end column -> rows with both dates of a spell, and those that end before they start."""
    named = {cast.column.name for cast in casts if cast.column.date_kind in ("start", "end")}
    found: dict[str, Any] = {}
    for end in sorted(name for name in named if name.endswith("_end")):
        start = f"{end.removesuffix('_end')}_start"
        if start in named:
            both, wrong = connection.execute(
                f"""
                SELECT COUNT(*), COUNT(*) FILTER ("value {end}" < "value {start}")
                FROM checked
                WHERE "value {start}" IS NOT NULL
                  AND "value {end}" IS NOT NULL
                """
            ).fetchall()[0]
            found[end] = {"both": both, "wrong": wrong}
    return found


def newest_birth(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn]) -> dict[str, Any] | None:
    """Return people (rows with a birth date), born (the newest day) and after_reference; None without births.

    after_reference: rows whose birth is after the reference date, so that it became NULL.
    """
    births = [cast.column.name for cast in casts if cast.column.date_kind == "birth"]
    if not births:
        return None
    people, born, after = connection.execute(
        f"""
        SELECT
            COUNT("value {births[0]}"),
            MAX("value {births[0]}"),
            COUNT(*) FILTER ("reason {births[0]}" = 'AFTER_REFERENCE')
        FROM checked
        JOIN verdict USING (line_number)
        WHERE verdict.reason IS NULL
        """
    ).fetchall()[0]
    return {"people": people + after, "born": born and born.isoformat(), "after_reference": after}
