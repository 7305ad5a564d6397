"""Proof of absence: planted people are nowhere but where they were planted, and tables do not lie open.

Facts: see `pipeline/leakage/absence.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule


@rule(
    id="PSE-03",
    version=2,
    title="No planted identifier is in any output, log, spill or orchestrator database",
    stage="leakage",
    source="governance.md, Threats: byte-scan for canaries; ICO anonymisation guidance",
    remedy="Find the file in the place named, stop the leak, and destroy what holds it; then run again.",
)
def no_canary_escaped(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse one hit, one file that could not be searched, and a search without canaries or files."""
    planted = sum(evidence.counts("canaries").values())
    files, hits = evidence.count("files"), evidence.count("hits")
    unreadable = evidence.count("unreadable")
    observed = (
        f"{planted} canaries, {evidence.count('identifiers')} identifiers, {files} files "
        f"of {evidence.count('bytes')} bytes searched, {hits} hits, {unreadable} unreadable"
    )
    threshold = "a canary of each controller, no hit, every file searched"
    own = {evidence.part} & set(agreement.controllers)  # at a controller the other's canary is nobody
    if (own or set(agreement.controllers)) - set(evidence.counts("canaries")):
        raise NotShown("canaries", "one of each controller")
    if not files:
        raise NotShown("files", "a count above zero")
    if hits:
        return failed("CANARY_FOUND", observed, threshold, "; ".join(evidence.names("hit_places"))[:300])
    if unreadable:
        return failed("SEARCH_INCOMPLETE", observed, threshold, f"{unreadable} files could not be searched")
    return passed(observed, threshold)


@rule(
    id="PSE-07",
    version=1,
    title="No table between two stages rests in clear",
    stage="leakage",
    source="governance.md, Threats: data at rest; UK GDPR art. 32(1)(a)",
    remedy="Remove the table; what wrote it must write through `pipeline/engine/tables.py`, then run again.",
)
def no_table_rests_in_clear(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse one table outside the releases and the private spill that is not encrypted."""
    tables = evidence.count("tables_in_clear")
    observed = f"{tables} of {evidence.count('files')} files are tables in clear"
    if tables:
        return failed("TABLE_IN_CLEAR", observed, "none", f"{tables} tables rest in clear")
    return passed(observed, "none")
