"""Retention: nothing is kept beyond its day, what ended is certified, and rights are heard.

Facts: see `governance/retention/evidence.py`; RET-04 reads what ingest shows (`pipeline/ingest/stage.py`).
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.rules.registry import Shown, Verdict, failed, passed, rule

_SOURCE = "UK GDPR art. 5(1)(e), storage limitation; NHS Records Management Code"


@rule(
    id="RET-01",
    version=1,
    title="Every artefact has a retention class, and none is overdue",
    stage="retention",
    source=_SOURCE,
    remedy="Run `hearth retention dispose`, or agree a class in [[retention]].",
)
def nothing_is_overdue(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse an artefact without a class and one past its day of disposal."""
    held, overdue = evidence.count("holdings"), evidence.names("overdue")
    unclassified = evidence.names("unclassified")
    observed = f"{held} artefacts, {len(unclassified)} without class, {len(overdue)} overdue"
    threshold = "a class for each, none overdue"
    if unclassified:
        return failed("RETENTION_UNCLASSIFIED", observed, threshold, f"no class: {', '.join(unclassified)}")
    if overdue:
        return failed("RETENTION_OVERDUE", observed, threshold, f"overdue: {', '.join(overdue)}")
    return passed(observed, threshold)


@rule(
    id="RET-02",
    version=1,
    title="Every disposal is certified by two people, and what it names is gone",
    stage="retention",
    source=f"{_SOURCE}; BS EN 15713 (certificates of destruction)",
    remedy="Have a second person run `hearth retention witness`; dispose again of what is still there.",
)
def disposals_are_certified(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a disposal without a certificate that holds, without a second person, or not carried out.

    In single-operator custody outside production there is no second person to ask for.
    """
    disposals = evidence.count("disposals")
    uncertified, present = evidence.names("uncertified"), evidence.names("still_present")
    unwitnessed = evidence.names("unwitnessed")
    observed = (
        f"{disposals} disposals, {len(uncertified)} uncertified, {len(unwitnessed)} without a second person, "
        f"{len(present)} still present"
    )
    threshold = "each certified by two people and gone"
    if uncertified:
        return failed("DISPOSAL_UNCERTIFIED", observed, threshold, f"uncertified: {', '.join(uncertified)}")
    if present:
        return failed("DISPOSAL_NOT_DONE", observed, threshold, f"still present: {', '.join(present)}")
    alone = evidence.run.text("custody") == "single-operator" and not evidence.run.flag("production")
    if unwitnessed and not alone:
        return failed("DISPOSAL_UNWITNESSED", observed, threshold, f"one signature: {', '.join(unwitnessed)}")
    return passed(observed, threshold)


@rule(
    id="RET-03",
    version=1,
    title="Databases and spill are removed, not emptied",
    stage="retention",
    source="DuckDB storage (deleted rows stay in the file); governance.md, residue after delete",
    remedy="Remove the files named; they are no part of any artefact.",
)
def no_residue_is_left(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any database file or spill folder that an ended run left behind."""
    databases, spills = evidence.names("database_files"), evidence.names("spill_folders")
    observed = f"{len(databases)} database files, {len(spills)} spill folders"
    if databases or spills:
        return failed("RESIDUE_LEFT", observed, "none", f"left behind: {', '.join((*databases, *spills))}")
    return passed(observed, "none")


@rule(
    id="RET-04",
    version=2,
    title="Every erasure and objection on record is in effect before the next release",
    stage="ingest",
    source="UK GDPR art. 17 and 21; one calendar month (art. 12(3))",
    remedy="Restore the requests file of the controller's clear zone, then run again.",
)
def requests_are_in_effect(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse where the log records a request for a controller's data that its ingest did not apply.

    Requests are compared by their commitments: one cannot stand in for another.
    """
    on_record, applied = evidence.requests_on_record, set(evidence.names("requests_applied"))
    removed, missing = evidence.count("rows_removed_on_request"), len(on_record - applied)
    observed = f"{len(on_record)} requests on record, {missing} not applied, {removed} rows removed"
    threshold = "every request on record applied"
    if missing:
        return failed("REQUEST_NOT_APPLIED", observed, threshold, f"{missing} are not in effect")
    return passed(observed, threshold)
