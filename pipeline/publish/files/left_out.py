"""Measures that a release leaves out, and what it says of them: one wording, whatever the reason.

The reasons are in `basis` (aspect `not_produced`), by measure, or by table where a dimension is left out. A
measure is left out if its status is known of too few, or if the extracts do not cover its window.
"""

from collections.abc import Mapping

import duckdb

from pipeline.household.basis import basis_of
from schemas.measure import measures
from schemas.table import tables

ASPECT = "not_produced"


def left_out_of(table_id: str, reasons: Mapping[str, str]) -> dict[str, str]:
    """Return the title of each measure of a registered table that is left out, with the reason.

    Where the whole table is, that is its own title. reasons: measure or table -> reason.
    """
    table = tables()[table_id]
    if table_id in reasons:
        return {table.title: reasons[table_id]}
    return {measures()[name].title: reasons[name] for name in table.measures if name in reasons}


def sentence_of_table(table_id: str, reasons: Mapping[str, str]) -> str:
    """Return what a table's description adds, with a blank before it; "" if no measure is left out."""
    found = left_out_of(table_id, reasons)
    if not found:
        return ""
    because = "; ".join(dict.fromkeys(found.values()))
    return f" Not produced: {'; '.join(found)}, because {because}."


def section_of_release(connection: duckdb.DuckDBPyConnection, outputs: tuple[str, ...]) -> str:
    """Return the section of the release's README on measures that are left out; "" if there are none."""
    reasons = basis_of(connection, ASPECT)
    found: dict[str, str] = {}
    for table_id in sorted(set(outputs) & set(tables())):
        found |= left_out_of(table_id, reasons)
    if not found:
        return ""
    listed = "\n".join(f"- {title}: {reason}." for title, reason in sorted(found.items()))
    return f"\n## Measures not produced\n\n{listed}\n"
