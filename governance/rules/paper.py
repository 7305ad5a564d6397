"""Paper gates: whatever agreement, settings and earlier runs decide is judged before an extract is read.

Later gates judge the same decisions again where they read evidence of a stage, so these rules add no
permission. They spare a night's work, and the reading of personal data, that a missing paper would waste.

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
    source="ICO anonymisation guidance (March 2025), motivated intruder test; governance.md, First project",
    remedy="Have an approver or auditor hold the review (`hearth attack` gives the figures), state it in "
    "[intruder_review] with their id in `by`, and have the agreement signed again. Before the first "
    'publication, review a rehearsal with invented people and state of = "rehearsal" (docs/governance.md).',
    kind="attest",
    waived_by=("PUB-05",),
)
def intruder_review_is_on_record(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a missing review, one by someone who is no principal or has no fitting role; warn if overdue.

    A review of a rehearsal counts for the first publication. Reviews that are held after it are of a release.
    """
    review, days = agreement.intruder_review, agreement.disclosure.intruder_review_days
    published = evidence.optional_text("first_published")
    threshold = f"held within {days} days by {_or(POWERS['review-intrusion'])}, named by their id"
    if not evidence.flag("publishes"):
        return passed(_NOTHING_PUBLISHED, threshold)
    if review is None:
        return failed("INTRUDER_REVIEW_MISSING", "none", threshold, "the agreement states no review")
    observed = f"held on {review.on} of a {review.of}, outcome {review.outcome}"
    if review.on > now.date():
        return failed("INTRUDER_REVIEW_MISSING", observed, threshold, "the review is dated after today")
    if why := _unfit(agreement.principals, review.by, "review-intrusion"):
        return failed("REVIEWER_NOT_FIT", observed, threshold, f"the reviewer {why}")
    if review.of == "rehearsal" and published is not None and date.fromisoformat(published) < review.on:
        return failed(
            "INTRUDER_REVIEW_OF_REHEARSAL",
            observed,
            threshold,
            f"releases are published since {published}, and the review was still of a rehearsal",
        )
    if now.date() - review.on > timedelta(days=days):
        return warned("INTRUDER_REVIEW_OVERDUE", observed, threshold, "the review is overdue")
    return passed(observed, threshold)


@rule(
    id="PRE-08",
    version=1,
    title="What will be published is approved by two people, and a releaser signed for the run",
    stage="run",
    source="OpenSAFELY and UK LLC output checking (two checkers); Five Safes, safe outputs",
    remedy="Run with a releaser's key (--key, or signing_keys in hearth.toml). Have two approvers each run "
    "`hearth governance approve` with the specification that `hearth governance check` prints.",
    kind="attest",
)
def release_is_approved(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a run whose release PUB-01 would refuse because a signature is missing."""
    threshold = "a releaser; two approvers, neither of whom runs or releases"
    if not evidence.flag("publishes"):
        return passed(_NOTHING_PUBLISHED, threshold)
    specification = release_specification(agreement, evidence.table("disclosure_criteria"))
    run_id, mandates = evidence.text("run_id"), evidence.table("mandates")
    operator, releaser = (authorised_by(agreement, run_id, action, mandates) for action in ("run", "release"))
    own = {person.id for person in (operator, releaser) if person is not None}
    approvers = [name for name in approvers_of(agreement, specification, now.date()) if name not in own]
    observed = (
        f"specification {specification}, approved by {len(approvers)}, released by "
        f"{'no one' if releaser is None else releaser.id}"
    )
    invented = people_are_invented(evidence)
    if len(approvers) < 2 and not invented:
        told = f"{len(approvers)} of 2 approvers signed specification {specification}"
        return failed("RELEASE_NOT_APPROVED", observed, threshold, told)
    if releaser is None and (not invented or any(may(person, "release") for person in agreement.principals)):
        return failed("RELEASER_NOT_AUTHENTICATED", observed, threshold, "no releaser signed for the run")
    if len(approvers) >= 2:
        return passed(f"{observed} ({', '.join(approvers)})", threshold)
    return passed(f"{observed} (no approver needed: single operator, invented people)", threshold)


@rule(
    id="PRE-09",
    version=1,
    title="Opt-outs are attested in the agreement, by a principal of the controller",
    stage="run",
    source="National Data Opt-Out operational policy; NHS (General Practice) Type 1 opt-out",
    remedy="Have the supplier apply the opt-outs and state it in [[opt_outs.checks]], with the id of one of "
    "the controller's principals in `attested_by`; then have the agreement signed again.",
    kind="attest",
)
def opt_outs_are_attested(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a required check that is not stated, has no counts, or is attested by no principal.

    ING-07 judges later whether a check is recent enough for the extract.
    """
    needed = _needed_checks(agreement)
    found = {name: latest_check(agreement, name, "nhs", now) for name in needed}
    stated = sum(check is not None for check in found.values())
    observed = f"{len(needed)} registers apply, {stated} checks stated"
    threshold = "a dated check for each register that applies, attested by a principal of the controller"
    national = found.get("national-data-opt-out")
    if "national-data-opt-out" in found and national is None:
        return failed(
            "OPT_OUT_CHECK_MISSING", observed, threshold, "no National Data Opt-Out check is stated"
        )
    if national is not None and (national.residents_in is None or national.residents_out is None):
        return failed(
            "OPT_OUT_CHECK_UNCOUNTED", observed, threshold, "the National Data Opt-Out check has no counts"
        )
    if "type-1" in found and found["type-1"] is None:
        return failed("TYPE_1_NOT_ATTESTED", observed, threshold, "no one attests the removal of Type 1")
    for check in found.values():
        if check is not None and (why := _unfit_attestor(agreement.principals, check)):
            return failed("ATTESTOR_NOT_FIT", observed, threshold, f"who attests {check.register} {why}")
    return passed(observed, threshold)


@rule(
    id="PRE-10",
    version=1,
    title="The linkage model that the run will use is approved",
    stage="run",
    source="architecture.md, Linkage 3; ONS and GUILD guidance on linkage documentation",
    remedy="Put the model's digest into [linkage_model] of the agreement and have it signed, or set `model` "
    "in hearth.toml to the approved file.",
)
def model_will_be_the_approved_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a run whose model LNK-02 would refuse. A run that only trains a model uses none yet."""
    used, approved = evidence.optional_text("model_digest"), agreement.model_digest
    threshold = "an approved model" if approved is None else f"model {approved[:16]}"
    if not evidence.flag("publishes"):
        return passed(_NOTHING_PUBLISHED, threshold)
    if used is None:
        return failed("MODEL_NOT_APPROVED", "no model", threshold, "the run has no model")
    observed = f"model {used[:16]}"
    if approved is None and people_are_invented(evidence):
        return passed(f"{observed} (none approved; single operator, invented people)", threshold)
    if used != approved:
        told = "no model" if approved is None else "another model"
        return failed("MODEL_NOT_APPROVED", observed, threshold, f"the agreement approves {told}")
    return passed(observed, threshold)


@rule(
    id="PRE-11",
    version=1,
    title="Every kind of data that a run makes has a retention class",
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
        return failed("RETENTION_UNCLASSIFIED", observed, threshold, f"no class: {', '.join(missing)}")
    return passed(observed, threshold)


@rule(
    id="PRE-12",
    version=1,
    title="Every extract that hearth.toml lists is agreed, column by column, and none is an opt-out",
    stage="run",
    source="UK GDPR art. 5(1)(b) and (c); Caldicott Principle 3; National Data Opt-Out operational policy",
    remedy="Agree a purpose for the table or column in [datasets], or remove it from hearth.toml.",
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
    observed = f"{len(listed)} extracts listed, {len(not_agreed)} not agreed, {len(purposeless)} columns not"
    threshold = "each with a purpose, from the controller that its contract names; no opt-out as a column"
    for code, names, told in (
        ("EXTRACT_NOT_AGREED", not_agreed, "not in [datasets]"),
        ("COLUMN_WITHOUT_PURPOSE", purposeless, "no purpose for"),
        ("TABLE_OF_ANOTHER_CONTROLLER", foreign, "another controller's"),
        ("OPT_OUT_KEPT", kept, "opt-outs in"),
    ):
        if names:
            return failed(code, observed, threshold, f"{told}: {', '.join(names)}")
    return passed(observed, threshold)


@rule(
    id="PRE-13",
    version=1,
    title="The controllers compared their linkage keys, and the agreement records the check values",
    stage="run",
    source="governance.md, Keys: check values compared before exchange",
    remedy="Run `hearth keys check-value --compare` at both controllers, and state the values in "
    "[linkage_key] of the agreement.",
    kind="attest",
)
def keys_were_compared(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse, where controllers share a key, an agreement without its check values."""
    agreed, custody = len(agreement.linkage_check_values), evidence.text("custody")
    observed, threshold = (
        f"custody {custody}, {agreed} check values",
        "at least one, unless one operator has all",
    )
    if not agreed and custody != "single-operator":
        return failed("KEY_NOT_COMPARED", observed, threshold, "the agreement states no check values")
    return passed(observed, threshold)


def _needed_checks(agreement: Agreement) -> list[str]:
    needed = ["national-data-opt-out"] if agreement.confidentiality.route == "section-251" else []
    return [*needed, "type-1"] if agreement.opt_outs.gp_data else needed


def _unfit(principals: Iterable[Principal], name: str, action: str) -> str:
    """Return why a person may not answer for an action, or nothing. Free text is not repeated."""
    person = next((item for item in principals if item.id == name), None)
    if person is None:
        return "is not the id of a principal of the agreement"
    if not may(person, action):
        return f"({person.id}) is {', '.join(person.roles)}, not {_or(POWERS[action])}"
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
        return f"({person.id}) is {', '.join(person.roles)}, not {_or(POWERS['attest-opt-outs'])}"
    return ""


def _or(roles: Iterable[str]) -> str:
    return " or ".join(sorted(roles))
