"""Ingests one extract: which rows are kept, and which go to quarantine.

The contract decides. A row in quarantine has one reason, the first of these that applies:

- the reader could not parse the row (see `readers/rows.py` for the reason codes);
- REPEATED_HEADER, TRAILER_ROW, TOTAL_ROW, TEST_RECORD: it is no record (see `row_faults.py`);
- MISSING: a required value is empty; or another reason of `cast.py`, for a column whose contract has
  `on_invalid: quarantine`;
- DUPLICATE_ROW: an earlier row has the same record id, and all rows with that id are equal; the first of
  them is kept;
- DUPLICATE_RECORD_ID: rows with the same record id differ; none is kept, because any of them may be wrong.

Then NHS numbers that contradict people are settled (`consistency/people.py`).

Any other invalid cell becomes NULL in a kept row. It is counted, and listed in quarantine with its line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from governance.errors import Refused
from pipeline.engine.tables import write_query
from pipeline.ingest.consistency.people import settle_people
from pipeline.ingest.converting.cast import CastColumn, cast_column, create_macros
from pipeline.ingest.converting.cell_text import CellText
from pipeline.ingest.converting.row_faults import row_faults
from pipeline.ingest.counting.column_facts import (
    distribution_facts,
    limit_facts,
    newest_birth,
    period_facts,
    wrong_order_facts,
)
from pipeline.ingest.counting.identifier_pattern import count_identifier_patterns
from pipeline.ingest.counting.table_evidence import cell_facts, file_facts, with_repairs_of_text
from pipeline.ingest.header import LINE_NUMBER
from pipeline.ingest.inspection import InspectedExtract
from pipeline.ingest.load import load_records
from pipeline.ingest.rights import PeopleToRemove, remove_on_request
from pipeline.leakage.canary import Canary
from schemas.contract import SQL_TYPES
from schemas.storage.zones import QUARANTINE


@dataclass(frozen=True)
class TableResult:
    """The result for one table. rows: file written -> its rows. facts: see `stage.ingest`."""

    rows: dict[str, int]
    facts: Mapping[str, Any]


def ingest_table(
    connection: duckdb.DuckDBPyConnection,
    extract: InspectedExtract,
    folder: Path,
    canary: Canary,
    people: PeopleToRemove | None = None,
) -> TableResult:
    """Write the kept table and its quarantine.

    folder: receives `<table>.parquet` and `quarantine/<table>.parquet`. people: their rows are removed first,
    on their request. canary: its rows are added after the kept rows, without a line number, and not counted.
    Raises Refused unless every row that was read is kept, in quarantine or removed.
    """
    table = extract.contract.table
    supplied = [c for c in extract.contract.columns if c.name in extract.columns.positions]
    birth = next((column for column in supplied if column.date_kind == "birth"), None)
    casts = [cast_column(column, extract.dates, birth) for column in supplied]
    create_macros(connection, [cast.column.code_list for cast in casts if cast.column.code_list])
    text = CellText(extract.settings.missing_markers)
    rows_in = load_records(connection, extract, [cast.column.name for cast in casts], text)
    removed = remove_on_request(
        connection, table, [cast.column.name for cast in casts], people or PeopleToRemove()
    )
    _check(connection, casts, extract)
    _find_duplicates(connection, casts)
    settled = settle_people(connection, [cast.column.name for cast in casts]) if _lists_people(table) else {}
    kept = _write_kept(connection, extract, casts, canary, folder / f"{table}.parquet")
    (folder / QUARANTINE).mkdir(exist_ok=True, mode=0o700)
    noted = write_query(connection, _quarantine_query(casts), folder / QUARANTINE / f"{table}.parquet")
    by_reason = dict(
        connection.execute(
            "SELECT reason, COUNT(*) FROM verdict WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason"
        ).fetchall()
    )
    quarantined = sum(by_reason.values())
    if rows_in != kept + quarantined + removed or rows_in != extract.rows:
        raise Refused(
            "INGEST_ROWS_UNACCOUNTED",
            f"The rows of {table} do not add up, so the table was not written. Read: {rows_in:,} "
            f"(at inspection {extract.rows:,}); kept: {kept:,}; in quarantine: {quarantined:,}; removed on "
            f"request: {removed:,}.",
            "The file may have changed while it was read: repeat the command. If that does not help, report "
            "it as a defect of Hearth.",
        )
    facts = {
        "rows_in": rows_in,
        "rows_kept": kept,
        "rows_quarantined": quarantined,
        "rows_removed": removed,
        "quarantined_by_reason": by_reason,
        **with_repairs_of_text(cell_facts(connection, casts), text),
        "cells": limit_facts(connection, casts),
        "distribution": distribution_facts(connection, casts),
        "wrong_order": wrong_order_facts(connection, casts),
        "period": period_facts(connection, casts, extract.settings.covers),
        "newest_birth": newest_birth(connection, casts),
        "people": settled,
        "identifier_patterns": count_identifier_patterns(connection, casts),
        **file_facts(extract),
    }
    return TableResult({f"{table}.parquet": kept, f"quarantine/{table}.parquet": noted}, facts)


def _lists_people(table: str) -> bool:
    return table == "nhs_person"


def _check(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn], extract: InspectedExtract) -> None:
    """Create `checked`, one row per row of `record`: row_fault, and each cell's value, reason and repair."""
    names = [cast.column.name for cast in casts]
    header = {name: extract.settings.columns.get(name, name) for name in names}
    faults = row_faults(names, header, sorted(names, key=extract.columns.positions.__getitem__))
    for cast in casts:
        if cast.column.required:
            faults.append(f"CASE WHEN {_quoted(cast.column.name)} IS NULL THEN 'MISSING' END")
        if cast.column.on_invalid == "quarantine":
            faults.append(cast.reason)
    columns = []
    for cast in casts:
        name = cast.column.name
        columns += [f'{cast.value} AS "value {name}"', f'{cast.reason} AS "reason {name}"']
        if cast.repair is not None:
            columns.append(f'{cast.repair} AS "repair {name}"')
    connection.execute(
        f"""
        CREATE TABLE checked AS
        WITH examined AS (
            SELECT
                *,
                {", ".join(f'{cast.first} AS "first {cast.column.name}"' for cast in casts)}
            FROM record
        )
        SELECT
            line_number,
            CASE WHEN fault IS NOT NULL THEN fault ELSE coalesce({", ".join(faults)}) END AS row_fault,
            {", ".join(columns)}
        FROM examined
        """
    )


def _find_duplicates(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn]) -> None:
    """Create `verdict`, one row for each row of `record`: the reason for quarantine, NULL for a kept row."""
    key = next(cast.column.name for cast in casts if cast.column.unique)
    cells = ", ".join(_quoted(cast.column.name) for cast in casts)
    connection.execute(
        f"""
        CREATE TABLE duplicate AS
        WITH repeated AS (
            SELECT "value {key}" AS record_key
            FROM checked
            WHERE row_fault IS NULL
            GROUP BY record_key
            HAVING COUNT(*) > 1
        )
        SELECT
            "value {key}" AS record_key,
            MIN(line_number) AS first_line,
            COUNT(DISTINCT ROW({cells})) AS versions
        FROM checked
        JOIN record USING (line_number)
        WHERE row_fault IS NULL
          AND "value {key}" IN (SELECT record_key FROM repeated)
        GROUP BY record_key
        """
    )
    connection.execute(
        f"""
        CREATE TABLE verdict AS
        SELECT
            line_number,
            CASE
                WHEN row_fault IS NOT NULL THEN row_fault
                WHEN versions > 1 THEN 'DUPLICATE_RECORD_ID'
                WHEN line_number > first_line THEN 'DUPLICATE_ROW'
            END AS reason
        FROM checked
        LEFT JOIN duplicate
            ON record_key = "value {key}"
           AND row_fault IS NULL
        """
    )


def _write_kept(
    connection: duckdb.DuckDBPyConnection,
    extract: InspectedExtract,
    casts: list[CastColumn],
    canary: Canary,
    path: Path,
) -> int:
    """Write the kept rows and, after them, the planted ones; returns the number of kept rows."""
    planted = canary.rows().get(extract.contract.table, [])
    query = _kept_query(extract, casts)
    if not planted:
        return write_query(connection, query, path)
    connection.register("planted", pa.Table.from_pylist(planted))
    try:
        with_canary = f"SELECT * FROM ({query}) UNION ALL BY NAME SELECT * FROM planted"
        written = write_query(
            connection, f"SELECT * FROM ({with_canary}) ORDER BY line_number NULLS LAST", path
        )
    finally:
        connection.unregister("planted")
    return written - len(planted)


def _kept_query(extract: InspectedExtract, casts: list[CastColumn]) -> str:
    """Return SQL for the kept rows: every column of the contract, typed; NULL in columns not supplied."""
    present = {cast.column.name for cast in casts}
    columns = [
        f'"value {column.name}" AS "{column.name}"'
        if column.name in present
        else f'CAST(NULL AS {SQL_TYPES[column.logical_type]}) AS "{column.name}"'
        for column in extract.contract.columns
        if column.name != LINE_NUMBER
    ]
    return (
        f"SELECT {', '.join(columns)}, line_number FROM checked JOIN verdict USING (line_number) "
        "WHERE verdict.reason IS NULL ORDER BY line_number"
    )


def _quarantine_query(casts: list[CastColumn]) -> str:
    """Return SQL for one row per row in quarantine, and one row per invalid cell of a kept row.

    column_name: the contract column of the cell; NULL for a whole row. columns: contract columns of the
    cells, in their order; NULL if the row could not be parsed. cells: as supplied, trimmed.
    """
    names = [cast.column.name for cast in casts]
    listed = ", ".join(f"'{name}'" for name in names)
    cells = ", ".join(_quoted(name) for name in names)
    notes = " UNION ALL ".join(
        f"""
        SELECT
            line_number,
            '{name}' AS column_name,
            "reason {name}" AS reason,
            ['{name}'] AS columns,
            ["{name}"] AS cells
        FROM checked
        JOIN record USING (line_number)
        JOIN verdict USING (line_number)
        WHERE verdict.reason IS NULL
          AND "reason {name}" IS NOT NULL
        """
        for name in names
    )
    return f"""
        SELECT
            line_number,
            CAST(NULL AS VARCHAR) AS column_name,
            reason,
            CASE WHEN fault IS NULL THEN [{listed}] END AS columns,
            CASE WHEN fault IS NULL THEN [{cells}] ELSE cells END AS cells
        FROM verdict
        JOIN record USING (line_number)
        WHERE reason IS NOT NULL
        UNION ALL
        {notes}
        ORDER BY line_number, column_name NULLS FIRST
    """


def _quoted(name: str) -> str:
    return f'"{name}"'
