"""The facts about one extract in the evidence: counts and names of columns, never a cell.

`stage.ingest` lists them; the ING rules in `governance/rules/ingest.py` judge them.
"""

from collections.abc import Mapping
from typing import Any

import duckdb

from pipeline.ingest.converting.cast import CastColumn
from pipeline.ingest.converting.cell_text import CellText
from pipeline.ingest.counting.nhs_number_range import TEST_PREFIX
from pipeline.ingest.inspection import InspectedExtract


def cell_facts(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn]) -> dict[str, Any]:
    """Return counts over the kept rows: filled, invalid and repaired cells, validity, suspected rounding."""
    filled: dict[str, int] = {}
    invalid: dict[str, dict[str, int]] = {}
    repaired: dict[str, dict[str, int]] = {}
    for cast in casts:
        name = cast.column.name
        repair = "NULL" if cast.repair is None else f'"repair {name}"'
        counted = connection.execute(
            f"""
            SELECT "reason {name}", {repair} AS repair, COUNT("value {name}"), COUNT(*)
            FROM checked
            JOIN verdict USING (line_number)
            WHERE verdict.reason IS NULL
            GROUP BY ALL
            ORDER BY ALL
            """
        ).fetchall()
        filled[name] = sum(row[2] for row in counted)
        for reason, repair_code, _, count in counted:
            if reason is not None:
                invalid.setdefault(name, {})[reason] = invalid.get(name, {}).get(reason, 0) + count
            if repair_code is not None:
                repaired.setdefault(name, {})[repair_code] = (
                    repaired.get(name, {}).get(repair_code, 0) + count
                )
    return {
        "filled": filled,
        "invalid": invalid,
        "repaired": repaired,
        "validity": {
            cast.column.name: _validity(filled[cast.column.name], invalid.get(cast.column.name, {}))
            for cast in casts
            if cast.column.form in ("uprn", "nhs_number")
        },
        "nhs_numbers": _nhs_numbers(connection, casts),
        "rounding_suspected": {
            cast.column.name: _suspected_of_rounding(connection, cast.column.name)
            for cast in casts
            if cast.column.form == "uprn"
        },
    }


def with_repairs_of_text(facts: dict[str, Any], text: CellText) -> dict[str, Any]:
    """Return the facts with the repairs that were made before cells were judged, and lost letters."""
    repaired = {name: dict(repairs) for name, repairs in facts["repaired"].items()}
    for (name, repair), count in sorted(text.repaired.items()):
        repaired.setdefault(name, {})[repair] = count
    return facts | {"repaired": repaired, "replacement_characters": dict(sorted(text.replaced.items()))}


def _suspected_of_rounding(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Return the number of UPRNs of twelve digits that end in six zeros.

    A spreadsheet that shows a UPRN as 1.00023E+11 saves it as such a number. It looks like a valid UPRN, and
    one valid UPRN in a million ends in six zeros by chance. More than that means the column is damaged.
    """
    query = (
        f"""SELECT COUNT(*) FROM checked WHERE regexp_full_match("value {name}", '[1-9][0-9]{{5}}000000')"""
    )
    return int(connection.execute(query).fetchall()[0][0])


def _nhs_numbers(connection: duckdb.DuckDBPyConnection, casts: list[CastColumn]) -> dict[str, Any] | None:
    """Return the valid NHS numbers of all rows that were read, those in quarantine included.

    None for a table without such a column.
    """
    columns = [cast.column.name for cast in casts if cast.column.form == "nhs_number"]
    if not columns:
        return None
    stated = " + ".join(f'COUNT("value {name}")' for name in columns)
    outside = " + ".join(
        f"""COUNT(*) FILTER (NOT starts_with("value {name}", '{TEST_PREFIX}'))""" for name in columns
    )
    counted = connection.execute(f"SELECT {stated}, {outside} FROM checked").fetchall()[0]
    share = round(counted[1] / counted[0], 6) if counted[0] else 0.0
    return {
        "stated": counted[0],
        "outside_test_range": counted[1],
        "share_outside_test_range": share,
    }


def _validity(filled: int, invalid: Mapping[str, int]) -> dict[str, Any]:
    wrong = sum(invalid.values())
    stated = filled + wrong
    return {"stated": stated, "valid": filled, "invalid_share": round(wrong / stated, 6) if stated else 0.0}


def file_facts(extract: InspectedExtract) -> dict[str, Any]:
    """Return the facts about the file and its header."""
    manifest = extract.manifest
    return {
        "file_sha256": extract.sha256,
        "file_bytes": extract.bytes,
        "manifest": None
        if manifest is None
        else {
            "sequence": manifest.sequence,
            "supplied": None if manifest.supplied is None else manifest.supplied.isoformat(),
            "signed_by": manifest.signed_by,
            "signature": manifest.signature,
        },
        "columns_read": sorted(extract.columns.positions),
        "columns_absent": sorted(extract.columns.absent),
        "columns_ignored": len(extract.columns.ignored),
        "header_case_differences": sorted(extract.columns.case_differences),
    }
