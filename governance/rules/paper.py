"""Paper gates: all that agreement, settings and earlier runs decide is judged before an extract is read.

Later gates judge the same decisions again with the evidence of their stage, so these rules permit nothing
more. They refuse before personal data is read for a run that a missing paper would stop.

Facts of the evidence (stage "run"), in addition to those of `governance/rules/run.py`:
  publishes             whether the run ends in a release; false at a controller and for training
  first_published       day on which this workspace first published a release; null where it never did
  disclosure_criteria   the method's numbers, as they will be stored with the release
  model_digest          digest of the linkage model; null where the run uses none
  extracts              names of the extract tables that hearth.toml lists
  mapped_columns        extract table -> contract columns that hearth.toml maps
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import approvers_of, release_specification
from governance.agreement.terms import OptOutCheck, Principal
from governance.counted import counted
from governance.principals.roles import POWERS, may
from governance.principals.run_authorisation import authorised_by
from governance.retention.holdings import CLASSES
from governance.rules.ingest import latest_check, opt_out_columns
from governance.rules.invented import people_are_invented
from governance.rules.registry import Shown, Verdict, failed, passed, rule, warned
from schemas.contract import contracts

_NOTHING_PUBLISHED = "this run publishes nothing"


@rule(
    id="PRE-07",
    version=1,
    title="A motivated-intruder review is on record, by a principal who neither runs nor releases",
    stage="run",
    source="ICO anonymisation guidance (March 2025), motivated intruder test",
    remedy="Have an approver or auditor carry out the review (`hearth attack` gives the figures). Enter it "
    "under [intruder_review] with their id in `by`, and have the agreement signed again. Before the first "
    'publication, review a rehearsal with invented people and enter of = "rehearsal". A rehearsal runs under '
    "a waiver of PUB-05. docs/governance.md, The first project, lists the steps.",
    kind="attest",
    waived_by=("PUB-05",),
)
def intruder_review_is_on_record(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a missing review, and a reviewer who is no principal or has no fitting role; warn if overdue.

    A review of a rehearsal counts for the first publication. Reviews after it are of a release. With invented
    people a missing review is a warning, so that a rehearsal can run under a signed waiver.
    """
    review, days = agreement.intruder_review, agreement.disclosure.intruder_review_days
    published = evidence.optional_text("first_published")
    roles = _or(POWERS["review-intrusion"])
    threshold = f"within {counted(days, 'day')}, by a principal with the role {roles}"
    if not evidence.flag("publishes"):
        return passed(_NOTHING_PUBLISHED, threshold)
    is_invented = people_are_invented(evidence)
    if review is None and is_invented:
        return warned("INTRUDER_REVIEW_MISSING", "none", threshold, "the agreement has no review")
    if review is None:
        return failed("INTRUDER_REVIEW_MISSING", "none", threshold, "the agreement has no review")
    observed = f"review of a {review.of} on {review.on}, outcome {review.outcome}"
    if review.on > now.date():
        return failed("INTRUDER_REVIEW_MISSING", observed, threshold, "the review is dated after today")
    why = _unfit(agreement.principals, review.by, "review-intrusion")
    if why and not (is_invented and _no_one_may(agreement, "review-intrusion")):
        return failed("REVIEWER_NOT_FIT", observed, threshold, f"the reviewer {why}")
    if review.of == "rehearsal" and published is not None and date.fromisoformat(published) < review.on:
        return failed(
            "INTRUDER_REVIEW_OF_REHEARSAL",
            observed,
            threshold,
            f"the review is of a rehearsal, and the first release was published before it, on {published}",
        )
    if now.date() - review.on > timedelta(days=days):
        return warned("INTRUDER_REVIEW_OVERDUE", observed, threshold, "the review is overdue")
    return passed(observed, threshold)


@rule(
    id="PRE-08",
    version=1,
    title="Two people approved what will be published, and a releaser signed for the run",
    stage="run",
    source="OpenSAFELY and UK LLC output checking (two checkers); Five Safes, safe outputs",
    remedy="Run with a releaser's key (--key, or signing_keys in hearth.toml). Have two approvers each run "
    "`hearth governance approve` with the specification that `hearth governance check` prints.",
    kind="attest",
)
def release_is_approved(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a run whose release PUB-01 would refuse because a signature is missing."""
    threshold = "a releaser's signature; approvals from two other people, neither of them the operator"
    if not evidence.flag("publishes"):
        return passed(_NOTHING_PUBLISHED, threshold)
    specification = release_specification(agreement, evidence.table("disclosure_criteria"))
    run_id, mandates = evidence.text("run_id"), evidence.table("mandates")
    operator, releaser = (authorised_by(agreement, run_id, action, mandates) for action in ("run", "release"))
    own = {person.id for person in (operator, releaser) if person is not None}
    approvers = [name for name in approvers_of(agreement, specification, now.date()) if name not in own]
    signed = "no releaser's signature" if releaser is None else f"release signed by {releaser.id}"
    observed = f"specification {specification}, {counted(len(approvers), 'approval')}, {signed}"
    is_invented = people_are_invented(evidence)
    if len(approvers) < 2 and not is_invented:
        reason = f"{len(approvers)} of 2 approvers signed specification {specification}"
        return failed("RELEASE_NOT_APPROVED", observed, threshold, reason)
    if releaser is None and not (is_invented and _no_one_may(agreement, "release")):
        return failed("RELEASER_NOT_AUTHENTICATED", observed, threshold, "no releaser signed for the run")
    if len(approvers) >= 2:
        return passed(f"{observed} (approved by {', '.join(approvers)})", threshold)
    return passed(f"{observed} (no approval needed: single operator, invented people)", threshold)


@rule(
    id="PRE-09",
    version=1,
    title="The agreement records who removed opt-outs, and they are a principal of the controller",
    stage="run",
    source="National Data Opt-Out operational policy; NHS (General Practice) Type 1 opt-out",
    remedy="Have the supplier remove opt-outs. Enter the check under [[opt_outs.checks]], with the id of one "
    "of the controller's principals in `attested_by`, and have the agreement signed again.",
    kind="attest",
)
def opt_outs_are_attested(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a required check that is missing, has no counts, or is attested by no fitting principal.

    With invented people any name will do if the agreement names no one who may attest.
    ING-07 judges later whether a check is recent enough for the extract.
    """
    needed = _needed_checks(agreement)
    found = {name: latest_check(agreement, name, "nhs", now) for name in needed}
    entered = sum(check is not None for check in found.values())
    observed = f"{counted(len(needed), 'register applies', 'registers apply')}, {counted(entered, 'check')}"
    threshold = "a dated check for each register that applies, attested by a principal of the controller"
    national = found.get("national-data-opt-out")
    if "national-data-opt-out" in found and national is None:
        return failed(
            "OPT_OUT_CHECK_MISSING", observed, threshold, "the National Data Opt-Out check is missing"
        )
    if national is not None and (national.residents_in is None or national.residents_out is None):
        return failed(
            "OPT_OUT_CHECK_UNCOUNTED", observed, threshold, "the National Data Opt-Out check has no counts"
        )
    if "type-1" in found and found["type-1"] is None:
        return failed("TYPE_1_NOT_ATTESTED", observed, threshold, "the Type 1 check is missing")
    allowed = people_are_invented(evidence) and _no_one_may(agreement, "attest-opt-outs")
    for check in found.values():
        if check is not None and not allowed and (why := _unfit_attestor(agreement.principals, check)):
            reason = f"the person who attests {check.register} {why}"
            return failed("ATTESTOR_NOT_FIT", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="PRE-10",
    version=1,
    title="The run will use the approved linkage model",
    stage="run",
    source="architecture.md, Linkage 3; ONS and GUILD guidance on linkage documentation",
    remedy="Enter the model's digest, which `hearth governance check` prints, under [linkage_model] of the "
    "agreement and have it signed again. Or set `model` in hearth.toml to the approved file.",
)
def model_will_be_the_approved_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a run whose model LNK-02 would refuse. A run that trains a model uses none yet."""
    used, approved = evidence.optional_text("model_digest"), agreement.model_digest
    threshold = "an approved model" if approved is None else f"model {approved[:16]}"
    if not evidence.flag("publishes"):
        return passed(_NOTHING_PUBLISHED, threshold)
    if used is None:
        return failed("MODEL_NOT_APPROVED", "no model", threshold, "the run has no model")
    observed = f"model {used[:16]}"
    if approved is None and people_are_invented(evidence):
        return passed(f"{observed} (not approved; allowed: single operator, invented people)", threshold)
    if approved is None:
        return failed("MODEL_NOT_APPROVED", observed, threshold, "the agreement approves no model")
    if used != approved:
        return failed("MODEL_NOT_APPROVED", observed, threshold, "the model is not the approved one")
    return passed(observed, threshold)


@rule(
    id="PRE-11",
    version=1,
    title="Each kind of data that a run makes has a retention class",
    stage="run",
    source="UK GDPR art. 5(1)(e), storage limitation; NHS Records Management Code",
    remedy="Add the missing class under [[retention]], with its days, and have the agreement signed again.",
)
def every_kind_has_a_retention_class(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse an agreement that lacks a class which RET-01 would need on the day after the run."""
    wanted = sorted(set(CLASSES.values()))
    missing = [name for name in wanted if name not in agreement.retention]
    observed, threshold = f"{len(wanted) - len(missing)} of {len(wanted)} classes", ", ".join(wanted)
    if missing:
        return failed("RETENTION_UNCLASSIFIED", observed, threshold, f"missing: {', '.join(missing)}")
    return passed(observed, threshold)


@rule(
    id="PRE-12",
    version=1,
    title="Every extract that hearth.toml lists is agreed, column by column, and none is an opt-out",
    stage="run",
    source="UK GDPR art. 5(1)(b) and (c); Caldicott Principle 3; National Data Opt-Out operational policy",
    remedy="Correct the name of the table (schemas/contracts/extract lists them), or remove it from "
    "hearth.toml. Otherwise agree a purpose for the table or column under [datasets] of the agreement.",
)
def extracts_are_agreed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a listed table or mapped column without a purpose, another controller's, and opt-out columns."""
    listed, mapped = evidence.names("extracts"), evidence.table("mapped_columns")
    known = {contract.table: contract.controller for contract in contracts("extract")}
    not_agreed = [name for name in listed if name not in agreement.dataset_terms]
    purposeless = [
        f"{table}.{column}"
        for table, columns in mapped.items()
        for column in columns
        if table in agreement.datasets and column not in agreement.datasets[table]
    ]
    foreign = [
        name
        for name, terms in agreement.dataset_terms.items()
        if name in known and terms.controller != known[name]
    ]
    kept = opt_out_columns(agreement)
    observed = (
        f"{counted(len(listed), 'extract')}, {len(not_agreed)} not agreed, "
        f"{counted(len(purposeless), 'column')} without purpose"
    )
    threshold = "each with a purpose, from the controller that its contract names; no opt-out as a column"
    if not_agreed:
        reason = f"not under [datasets] of the agreement: {', '.join(not_agreed)}"
        return failed("EXTRACT_NOT_AGREED", observed, threshold, reason)
    if purposeless:
        reason = f"no purpose: {', '.join(purposeless)}"
        return failed("COLUMN_WITHOUT_PURPOSE", observed, threshold, reason)
    if foreign:
        reason = f"tables of another controller: {', '.join(foreign)}"
        return failed("TABLE_OF_ANOTHER_CONTROLLER", observed, threshold, reason)
    if kept:
        return failed("OPT_OUT_KEPT", observed, threshold, f"opt-out columns: {', '.join(kept)}")
    return passed(observed, threshold)


@rule(
    id="PRE-13",
    version=1,
    title="The controllers compared their linkage keys, and the agreement records the check values",
    stage="run",
    source="governance.md, Keys: check values compared before exchange",
    remedy="Run `hearth keys check-value --compare` at both controllers, and enter the values under "
    "[linkage_key] of the agreement.",
    kind="attest",
)
def keys_were_compared(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse, where controllers share a key, an agreement without its check values."""
    agreed, custody = len(agreement.linkage_check_values), evidence.text("custody")
    observed = f"custody {custody}, {counted(agreed, 'check value')}"
    threshold = "at least one, except in single-operator custody"
    if not agreed and custody != "single-operator":
        return failed("KEY_NOT_COMPARED", observed, threshold, "the agreement has no check values")
    return passed(observed, threshold)


def _needed_checks(agreement: Agreement) -> list[str]:
    needed = ["national-data-opt-out"] if agreement.confidentiality.route == "section-251" else []
    return [*needed, "type-1"] if agreement.opt_outs.gp_data else needed


def _no_one_may(agreement: Agreement, action: str) -> bool:
    return not any(may(person, action) for person in agreement.principals)


def _unfit(principals: Iterable[Principal], name: str, action: str) -> str:
    """Return why a person may not do an action, or "". The name may be free text, so it is not repeated."""
    person = next((item for item in principals if item.id == name), None)
    if person is None:
        return "is not the id of a principal of the agreement"
    if not may(person, action):
        return f"({person.id}) has the role {', '.join(person.roles)}, not {_or(POWERS[action])}"
    if may(person, "run") or may(person, "release"):
        return f"({person.id}) may also run or release"
    return ""


def _unfit_attestor(principals: Iterable[Principal], check: OptOutCheck) -> str:
    person = next((item for item in principals if item.id == check.attested_by), None)
    if person is None:
        return "is not the id of a principal of the agreement"
    if person.party != check.controller:
        return f"({person.id}) is of {person.party}, not of {check.controller}"
    if not may(person, "attest-opt-outs"):
        needed = _or(POWERS["attest-opt-outs"])
        return f"({person.id}) has the role {', '.join(person.roles)}, not {needed}"
    return ""


def _or(roles: Iterable[str]) -> str:
    return " or ".join(sorted(roles))
