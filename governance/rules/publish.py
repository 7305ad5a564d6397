"""The finished release, read back before it is published, and the people who signed for it.

Facts: see `pipeline/publish/stage.py`.
"""

from datetime import datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import approvers_of, release_specification
from governance.counted import counted
from governance.principals.roles import may
from governance.principals.run_authorisation import authorised_by
from governance.rules.invented import people_are_invented
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule, warned


@rule(
    id="PUB-01",
    version=2,
    title="A releaser signed this release, and two other people approved its specification",
    stage="publish",
    source="OpenSAFELY and UK LLC output checking (two checkers); Five Safes, safe outputs",
    remedy="Run with a releaser's key (`hearth run --key`, or signing_keys in hearth.toml). Have two "
    "approvers each run `hearth governance approve` with the specification named above.",
)
def release_is_signed_and_approved(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a release without a releaser's signature or without two approvals of its specification.

    Neither approver may be the run's operator or its releaser. An approval covers later runs with the
    same specification. In single-operator custody, where people are invented, no approver is needed, and no
    releaser if the agreement names none.
    """
    specification = release_specification(agreement, evidence.table("disclosure_criteria"))
    run = evidence.run
    run_id, mandates = run.text("run_id"), run.table("mandates")
    operator, releaser = (authorised_by(agreement, run_id, action, mandates) for action in ("run", "release"))
    own = {person.id for person in (operator, releaser) if person is not None}
    approvers = [name for name in approvers_of(agreement, specification, now.date()) if name not in own]
    signed = "no releaser's signature" if releaser is None else f"release signed by {releaser.id}"
    observed = f"specification {specification}, {counted(len(approvers), 'approval')}, {signed}"
    threshold = "a releaser's signature; approvals from two other people, neither of them the operator"
    is_invented = people_are_invented(run)
    has_releaser = any(may(person, "release") for person in agreement.principals)
    if releaser is None and (not is_invented or has_releaser):
        return failed("RELEASER_NOT_AUTHENTICATED", observed, threshold, "no releaser signed the release")
    if len(approvers) >= 2:
        return passed(f"{observed} (approved by {', '.join(approvers)})", threshold)
    if is_invented:
        return passed(f"{observed} (no approval needed: single operator, invented people)", threshold)
    return failed(
        "RELEASE_NOT_APPROVED",
        observed,
        threshold,
        f"{len(approvers)} of 2 approvers signed specification {specification}",
    )


@rule(
    id="PUB-02",
    version=1,
    title="The release's files contain nothing but the published values",
    stage="publish",
    source="disclosure-control.md, side channels; governance.md PUB-02",
    remedy="Report this as a defect in Hearth's publish stage, with the run's id. Nothing was published.",
)
def files_contain_only_published_values(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse undeclared files or metadata, and Parquet statistics that cover rows not in the file."""
    files, keys = evidence.names("undeclared_files"), evidence.names("undeclared_metadata_keys")
    beyond, parquet_files = evidence.count("statistics_beyond_data"), evidence.count("parquet_files")
    observed = (
        f"{counted(parquet_files, 'Parquet file')}, {counted(len(files), 'undeclared file')}, "
        f"{counted(len(keys), 'undeclared metadata key')}"
    )
    threshold = "no undeclared file or metadata key; Parquet statistics cover the published rows only"
    if not parquet_files:
        raise NotShown("parquet_files", "a count above zero")
    if files or keys:
        return failed("METADATA_UNDECLARED", observed, threshold, f"undeclared: {', '.join((*files, *keys))}")
    if beyond:
        reason = f"the statistics of {counted(beyond, 'column')} include values that are not published"
        return failed("STATISTICS_BEYOND_DATA", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="PUB-03",
    version=1,
    title="Published tables have exactly the columns of the output contract",
    stage="publish",
    source="disclosure-control.md, What the published Parquet carries; columns are an allow-list",
    remedy="Declare the column with its purpose in schemas/contracts/published, or report this as a defect "
    "in Hearth's publish stage.",
)
def columns_are_the_contract(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse columns that are not in the contract, and missing columns."""
    undeclared, missing = evidence.names("undeclared_columns"), evidence.names("missing_columns")
    observed = f"{counted(len(undeclared), 'column')} not in the contract, {len(missing)} missing"
    threshold = "none"
    if undeclared:
        return failed(
            "COLUMN_NOT_ALLOWED", observed, threshold, f"not in the contract: {', '.join(undeclared)}"
        )
    if missing:
        return failed("COLUMN_MISSING", observed, threshold, f"missing: {', '.join(missing)}")
    return passed(observed, threshold)


@rule(
    id="PUB-04",
    version=1,
    title="Every published table is registered, agreed, in the catalogue, and documented as protected",
    stage="publish",
    source="disclosure-control.md P0 and P7; ICO anonymisation guidance (records)",
    remedy="Register the table in schemas/tables/registry.yaml and add it to `tables` under [outputs] of the "
    "agreement. If criteria or catalogue are missing, report a defect in Hearth's publish stage.",
)
def release_is_registered(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse tables missing from register, agreement or catalogue, and a release without its criteria."""
    tables = evidence.names("tables")
    outside = {
        "not registered": evidence.names("unregistered_tables"),
        "not in the agreement": tuple(sorted(set(tables) - set(agreement.outputs))),
        "not in the catalogue": evidence.names("tables_without_catalogue_entry"),
    }
    criteria = evidence.table("disclosure_criteria")
    observed = (
        f"{counted(len(tables), 'table')}, "
        f"{counted(len(criteria), 'disclosure criterion', 'disclosure criteria')} stored"
    )
    threshold = "each table registered, agreed and in the catalogue; disclosure criteria stored"
    if not tables or not criteria:
        raise NotShown("tables and disclosure_criteria", "at least one of each")
    if reason := "; ".join(f"{what}: {', '.join(names)}" for what, names in outside.items() if names):
        return failed("RELEASE_NOT_REGISTERED", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="PUB-05",
    version=1,
    title="A motivated-intruder review of the published tables is in date",
    stage="publish",
    source="ICO anonymisation guidance (March 2025), motivated intruder test",
    remedy="Carry out the review (`hearth attack` produces the figures) and record its date, reviewer and "
    "outcome under [intruder_review] of the agreement.",
    kind="attest",
)
def intruder_review_is_in_date(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Warn if the review is overdue or has never been done."""
    review, days = agreement.intruder_review, agreement.disclosure.intruder_review_days
    observed = "no review recorded" if review is None else f"done on {review.on}, outcome {review.outcome}"
    threshold = f"done in the last {counted(days, 'day')}"
    if review is None or review.on > now.date() or now.date() - review.on > timedelta(days=days):
        return warned("INTRUDER_REVIEW_OVERDUE", observed, threshold, "the review is overdue")
    return passed(observed, threshold)


@rule(
    id="AGG-05",
    version=2,
    title="Published values are fixed within an epoch; later changes reflect enough households (P6)",
    stage="publish",
    source="disclosure-control.md P6 and P7, epoch freeze and ledger",
    remedy="Report this as a defect in Hearth, with the run's id. Publish a correction as a new epoch.",
)
def epoch_is_frozen(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a changed value within an epoch, and a new value based on too few changed households."""
    changed, entries = evidence.count("values_changed_within_epoch"), evidence.count("ledger_entries")
    smallest = evidence.optional_count("smallest_change")
    used = evidence.count("minimum_changed_households")
    terms = agreement.disclosure
    agreed = (
        terms.minimum_changed_households_exact
        if terms.profile == "exact-count"
        else terms.minimum_changed_households
    )
    first = evidence.optional_text("epoch_first_release")
    start = "starting with this release" if first is None else f"started by release {first}"
    smallest_change = "none" if smallest is None else counted(smallest, "household")
    observed = (
        f"epoch {evidence.text('epoch')}, {start}; {counted(changed, 'value')} changed within it; "
        f"{counted(entries, 'ledger entry', 'ledger entries')} verified; "
        f"smallest change between epochs: {smallest_change}"
    )
    threshold = (
        f"no value changed within an epoch; between epochs a change of 0 or at least {agreed} households"
    )
    if changed:
        reason = f"{counted(changed, 'value')} changed within the epoch"
        return failed("EPOCH_NOT_FROZEN", observed, threshold, reason)
    if used < agreed:
        reason = f"the stage used a minimum of {counted(used, 'household')}"
        return failed("METHOD_NOT_AGREED", observed, threshold, reason)
    if smallest is not None and 0 < smallest < agreed:
        reason = f"an area's values changed because of {counted(smallest, 'household')}"
        return failed("TOO_FEW_CHANGED", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="AGG-06",
    version=1,
    title="No attack on the finished release files succeeds",
    stage="publish",
    source="disclosure-control.md P5, on the bytes about to ship; ICO anonymisation guidance (March 2025)",
    remedy="Remove the table that the attack names from [outputs] of the agreement, or use larger areas for "
    "it in schemas/tables/registry.yaml. Run `hearth attack` to repeat the attack.",
)
def no_attack_succeeds(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a single success, and a release on which no attack was tried."""
    attacks = [(item.text("name"), item.text("verdict")) for item in evidence.rows("attacks")]
    tried = [name for name, verdict in attacks if verdict != "not run"]
    succeeded = [name for name, verdict in attacks if verdict == "succeeded"]
    successes = evidence.count("attack_successes")
    observed = (
        f"{counted(len(tried), 'attack')} tried ({', '.join(tried)}), "
        f"{counted(successes, 'success', 'successes')}"
    )
    threshold = "no success"
    if not tried:
        raise NotShown("attacks", "at least one that was tried")
    if successes or succeeded:
        reason = f"attacks succeeded {counted(successes, 'time')}"
        return failed("ATTACK_SUCCEEDED", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="PUB-06",
    version=2,
    title="The linkage quality report follows the disclosure rules and stays fixed within the epoch",
    stage="publish",
    source="GUILD (Gilbert 2018); disclosure-control.md, P1, P4 and P6: data-quality figures are outputs too",
    remedy="Report this as a defect in Hearth, with the run's id. Nothing was published. If the "
    "epoch's first release has an unknown label, run `hearth releases correct`.",
)
def quality_report_is_protected(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a small or unrounded count, an unknown label, a page that differs, and a changed report."""
    report = evidence.within("quality_report")
    small, unrounded = report.count("below_minimum"), report.count("not_rounded")
    observed = (
        f"{counted(report.count('counts'), 'count')}, {report.count('withheld'):,} withheld, "
        f"{small:,} too small, {unrounded:,} not rounded"
    )
    threshold = (
        "every count large enough and rounded; every label from a list; page and file show the same figures; "
        "no change within an epoch"
    )
    if small:
        reason = counted(small, "count is too small", "counts are too small")
        return failed("QUALITY_COUNT_TOO_SMALL", observed, threshold, reason)
    if unrounded:
        reason = counted(unrounded, "count is not rounded", "counts are not rounded")
        return failed("QUALITY_COUNT_UNROUNDED", observed, threshold, reason)
    if unknown := report.count("labels_unknown"):
        names = counted(unknown, "name of a group is", "names of groups are")
        reason = f"{names} neither a code nor of the format of their column"
        return failed("QUALITY_LABEL_UNKNOWN", observed, threshold, reason)
    if report.flag("page_differs"):
        return failed(
            "QUALITY_PAGE_DIFFERS", observed, threshold, "the page and the file show different figures"
        )
    if not report.is_null("repeats") and not report.flag("repeats"):
        reason = "the report differs from the one published earlier in this epoch"
        return failed("QUALITY_NOT_FROZEN", observed, threshold, reason)
    return passed(observed, threshold)
