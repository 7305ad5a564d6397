"""Cells before protection: registered tables alone, all of them agreed outputs.

Facts: see `pipeline/aggregate/stage.py`.
"""

import re
from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.rules.columns import direct_identifiers, undeclared
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule
from schemas.measure import measures
from schemas.table import tables as registered_tables

#: Attributes that compare the council's list of residents with the NHS's: who is on one and not on the
#: other may have opted out.
_ROSTER = re.compile(r"roster|listed_by_council|opt_?out|listed_records", re.IGNORECASE)


@rule(
    id="AGG-00",
    version=1,
    title="Only registered tables that the agreement names are counted (P0)",
    stage="aggregate",
    source="disclosure-control.md, P0 table registry; UK GDPR art. 5(1)(b), purpose limitation",
    remedy="Add the table to [outputs] of the agreement, with its parties' approval, or leave it out.",
)
def tables_are_registered_and_agreed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse tables outside register or [outputs], undeclared columns, and no cell at all."""
    produced = evidence.names("tables")
    unregistered, cells = evidence.count("unregistered"), evidence.count("cells")
    not_agreed = sorted(set(produced) - set(agreement.outputs))
    columns = {"cell": evidence.names("columns")}
    observed = (
        f"{cells} cells of {len(produced)} tables; {unregistered} unregistered, {len(not_agreed)} not agreed"
    )
    threshold = f"tables among the {len(agreement.outputs)} agreed, at least one cell"
    if unregistered:
        return failed("TABLE_NOT_REGISTERED", observed, threshold, f"{unregistered} tables are unregistered")
    if not_agreed:
        return failed("TABLE_NOT_AGREED", observed, threshold, f"not agreed: {', '.join(not_agreed)}")
    if found := [*direct_identifiers(columns), *undeclared("aggregate", columns)]:
        return failed("COLUMN_NOT_ALLOWED", observed, threshold, f"undeclared: {', '.join(found)}")
    if not cells:
        raise NotShown("cells", "a count above zero")
    return passed(observed, threshold)


@rule(
    id="LNK-05",
    version=1,
    title="No output tells who is on one controller's list and missing from the other's",
    stage="aggregate",
    source="National Data Opt-Out operational policy: an opt-out must not be inferred; governance.md LNK-05",
    remedy="Take the measure or dimension out of the table; roster differences serve quality alone.",
)
def no_roster_difference_is_published(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse tables with a measure, dimension or column made of the difference between the rosters."""
    columns = [name for name in evidence.names("columns") if _ROSTER.search(name)]
    produced = evidence.names("tables")
    of_tables = [
        f"{name}: {thing}"
        for name in produced
        if name in registered_tables()
        for thing in (*registered_tables()[name].dimensions, *registered_tables()[name].measures)
        if _ROSTER.search(f"{thing} {measures().get(thing)!r}")
    ]
    observed = f"{len(produced)} tables, {len(columns) + len(of_tables)} made of roster differences"
    if columns or of_tables:
        told = ", ".join((*columns, *of_tables))
        return failed("ROSTER_DIFFERENCE_PUBLISHED", observed, "none", f"made of rosters: {told}")
    return passed(observed, "none")
