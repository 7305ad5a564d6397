"""Retention: nothing is kept too long, disposals are certified, and people's requests are applied.

Facts: see `governance/retention/evidence.py`, and for RET-04 `pipeline/ingest/stage.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.rules.invented import people_are_invented
from governance.rules.registry import Shown, Verdict, failed, passed, rule

_SOURCE = "UK GDPR art. 5(1)(e), storage limitation; NHS Records Management Code"


@rule(
    id="RET-01",
    version=1,
    title="Every artefact has a retention class, and none is overdue for disposal",
    stage="retention",
    source=_SOURCE,
    remedy="Run `hearth retention dispose --overdue`. If a class is missing, agree one under [[retention]] "
    "of the agreement.",
)
def nothing_is_overdue(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse an artefact without a class, and an artefact past its disposal date."""
    artefacts, overdue = evidence.count("holdings"), evidence.names("overdue")
    unclassified = evidence.names("unclassified")
    observed = (
        f"{counted(artefacts, 'artefact')}, {len(unclassified)} without a retention class, "
        f"{len(overdue)} overdue"
    )
    threshold = "a retention class for each, none overdue"
    if unclassified:
        reason = f"no retention class: {', '.join(unclassified)}"
        return failed("RETENTION_UNCLASSIFIED", observed, threshold, reason)
    if overdue:
        return failed("RETENTION_OVERDUE", observed, threshold, f"overdue: {', '.join(overdue)}")
    return passed(observed, threshold)


@rule(
    id="RET-02",
    version=1,
    title="Every disposal is certified by two people, and its files are gone",
    stage="retention",
    source=f"{_SOURCE}; BS EN 15713 (certificates of destruction)",
    remedy="Have a second person run `hearth retention witness`. If files are still present, run "
    "`hearth retention dispose` again.",
)
def disposals_are_certified(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a disposal without a valid certificate, without a second signature, or not carried out.

    In single-operator custody, with invented people, no second signature is needed.
    """
    disposals = evidence.count("disposals")
    uncertified, present = evidence.names("uncertified"), evidence.names("still_present")
    unwitnessed = evidence.names("unwitnessed")
    observed = (
        f"{counted(disposals, 'disposal')}, {len(uncertified)} without a valid certificate, "
        f"{len(unwitnessed)} without a second signature, {len(present)} with files still present"
    )
    threshold = "each certified by two people, no files present"
    if uncertified:
        reason = f"no valid certificate: {', '.join(uncertified)}"
        return failed("DISPOSAL_UNCERTIFIED", observed, threshold, reason)
    if present:
        return failed("DISPOSAL_NOT_DONE", observed, threshold, f"still present: {', '.join(present)}")
    if unwitnessed and not people_are_invented(evidence.run):
        reason = f"only one signature: {', '.join(unwitnessed)}"
        return failed("DISPOSAL_UNWITNESSED", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="RET-03",
    version=1,
    title="Database files and temporary files of ended runs are removed",
    stage="retention",
    source="DuckDB storage (deleted rows stay in the file); governance.md, residue after delete",
    remedy="Delete the files named; no artefact needs them. Deleted rows survive in a database file until "
    "the file itself is removed.",
)
def no_residue_is_left(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a database file or spill folder (temporary files) left by an ended run."""
    databases, spills = evidence.names("database_files"), evidence.names("spill_folders")
    observed = (
        f"{counted(len(databases), 'database file')}, {counted(len(spills), 'folder')} of temporary files"
    )
    if databases or spills:
        return failed("RESIDUE_LEFT", observed, "none", f"not removed: {', '.join((*databases, *spills))}")
    return passed(observed, "none")


@rule(
    id="RET-04",
    version=2,
    title="Every recorded erasure and objection is applied before the next release",
    stage="ingest",
    source="UK GDPR art. 17 and 21; one calendar month (art. 12(3))",
    remedy="Restore `rights_requests.jsonl` in the controller's folder of the clear zone from its copy, then "
    "run `hearth run` again.",
)
def requests_are_applied(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse if the log records a request for a controller's data that ingest did not apply.

    Requests are compared by their commitments, so one request cannot replace another.
    """
    on_record, applied = evidence.requests_on_record, set(evidence.names("requests_applied"))
    removed, missing = evidence.count("rows_removed_on_request"), len(on_record - applied)
    observed = (
        f"{counted(len(on_record), 'request')} on record, {missing} not applied, "
        f"{counted(removed, 'row')} removed"
    )
    threshold = "every request on record applied"
    if missing:
        reason = counted(missing, "request was", "requests were")
        return failed("REQUEST_NOT_APPLIED", observed, threshold, f"{reason} not applied")
    return passed(observed, threshold)
