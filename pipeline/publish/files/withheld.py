"""Measures that are withheld because their window is not covered, and what a release says of them."""

import duckdb

from pipeline.household.basis import basis_of
from schemas.condition import attributes_in
from schemas.dimension import dimensions
from schemas.measure import measures
from schemas.table import tables


def withheld_measures(table_id: str, reasons: dict[str, str]) -> dict[str, str]:
    """Return the title of each withheld measure of a table, with the reason.

    Where a dimension is withheld, that is the whole table, under its own title.
    """
    table = tables()[table_id]
    of_table = {name for dimension in table.dimensions for name in dimensions()[dimension].attributes}
    if outside := sorted(of_table & reasons.keys()):
        return {table.title: reasons[outside[0]]}
    found: dict[str, str] = {}
    for name in table.measures:
        measure = measures()[name]
        used = attributes_in(measure.include) | attributes_in(measure.count)
        if outside := sorted(used & reasons.keys()):
            found[measure.title] = reasons[outside[0]]
    return found


def sentence_of_table(table_id: str, reasons: dict[str, str]) -> str:
    """Return what a table's description adds, with a blank before it; "" if no measure is withheld."""
    withheld = withheld_measures(table_id, reasons)
    if not withheld:
        return ""
    because = "; ".join(dict.fromkeys(withheld.values()))
    return f" Not in this release: {'; '.join(withheld)}, because {because}."


def section_of_release(connection: duckdb.DuckDBPyConnection, outputs: tuple[str, ...]) -> str:
    """Return the section of the release's README on withheld measures; "" if there are none."""
    reasons = basis_of(connection, "withheld")
    found: dict[str, str] = {}
    for table_id in sorted(set(outputs) & set(tables())):
        found |= withheld_measures(table_id, reasons)
    if not found:
        return ""
    listed = "\n".join(f"- {title}: {reason}." for title, reason in sorted(found.items()))
    return f"\n## Measures withheld\n\nTheir window is not covered by the extracts.\n\n{listed}\n"
