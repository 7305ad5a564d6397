"""Cells before protection: registered tables alone, all of them agreed outputs.

Facts: see `pipeline/aggregate/stage.py`.
"""

from datetime import datetime

from governance.agreement import Agreement
from governance.rules.columns import direct_identifiers, undeclared
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule


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
