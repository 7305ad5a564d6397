"""The release as it lies there, read again before it appears; and the people who answer for it.

Facts: see `pipeline/publish/stage.py`.
"""

from datetime import datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import approvers_of, release_specification
from governance.principals.roles import may
from governance.principals.run_authorisation import authorised_by
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule, warned


@rule(
    id="PUB-01",
    version=2,
    title="A releaser signed for this release, and two other people approved its specification",
    stage="publish",
    source="OpenSAFELY and UK LLC output checking (two checkers); Five Safes, safe outputs",
    remedy="Run with a releaser's key (--key, or signing_keys in hearth.toml); have two approvers each run "
    "`hearth governance approve` with the specification named above.",
)
def two_people_approved(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a release that no releaser signed for, or whose specification fewer than two approvers signed.

    Neither approver may be the run's operator or its releaser; later nights ride on their approval.
    In single-operator custody outside production, where people are invented, no approver is asked for,
    and no releaser where the agreement names none.
    """
    specification = release_specification(
        agreement, evidence.names("tables"), evidence.table("disclosure_criteria")
    )
    run = evidence.run
    run_id, mandates = run.text("run_id"), run.table("mandates")
    operator, releaser = (authorised_by(agreement, run_id, action, mandates) for action in ("run", "release"))
    own = {person.id for person in (operator, releaser) if person is not None}
    approvers = [name for name in approvers_of(agreement, specification, now.date()) if name not in own]
    by = "nobody" if releaser is None else releaser.id
    observed = f"specification {specification}, approved by {len(approvers)}, released by {by}"
    threshold = "a releaser; two approvers, neither of whom runs or releases it"
    alone = run.text("custody") == "single-operator" and not run.flag("production")
    if releaser is None and (not alone or any(may(person, "release") for person in agreement.principals)):
        return failed("RELEASER_NOT_AUTHENTICATED", observed, threshold, "no releaser signed for it")
    if len(approvers) >= 2:
        return passed(f"{observed} ({', '.join(approvers)})", threshold)
    if alone:
        return passed(f"{observed} (no approver asked for: single operator, not in production)", threshold)
    return failed(
        "RELEASE_NOT_APPROVED",
        observed,
        threshold,
        f"{len(approvers)} of 2 approvers signed specification {specification}",
    )


@rule(
    id="PUB-02",
    version=1,
    title="Files, footers and statistics hold nothing but what is published",
    stage="publish",
    source="disclosure-control.md, side channels; governance.md PUB-02",
    remedy="Report this as a defect of the publish stage; a release is written from a fresh table.",
)
def files_hold_nothing_else(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse undeclared files, undeclared metadata keys, and footer statistics of rows that are not there."""
    files, keys = evidence.names("undeclared_files"), evidence.names("undeclared_metadata_keys")
    beyond, parquet_files = evidence.count("statistics_beyond_data"), evidence.count("parquet_files")
    observed = f"{parquet_files} Parquet files, {len(files)} undeclared files, {len(keys)} undeclared keys"
    threshold = "no undeclared file or key, statistics of the rows alone"
    if not parquet_files:
        raise NotShown("parquet_files", "a count above zero")
    if files or keys:
        told = ", ".join((*files, *keys))
        return failed("METADATA_UNDECLARED", observed, threshold, f"undeclared: {told}")
    if beyond:
        return failed(
            "STATISTICS_BEYOND_DATA", observed, threshold, f"the statistics of {beyond} columns tell more"
        )
    return passed(observed, threshold)


@rule(
    id="PUB-03",
    version=1,
    title="Published tables have exactly the columns of the output contract",
    stage="publish",
    source="disclosure-control.md, What the published Parquet carries; columns are an allow-list",
    remedy="Mend the stage, or declare the column in schemas/contracts/published with its purpose.",
)
def columns_are_the_contract(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse columns outside the contract and contract columns that are missing."""
    undeclared, missing = evidence.names("undeclared_columns"), evidence.names("missing_columns")
    observed = f"{len(undeclared)} undeclared columns, {len(missing)} missing"
    threshold = "none"
    if undeclared:
        return failed("COLUMN_NOT_ALLOWED", observed, threshold, f"undeclared: {', '.join(undeclared)}")
    if missing:
        return failed("COLUMN_MISSING", observed, threshold, f"missing: {', '.join(missing)}")
    return passed(observed, threshold)


@rule(
    id="PUB-04",
    version=1,
    title="Every table is registered and agreed, and carries how it was protected",
    stage="publish",
    source="disclosure-control.md P0 and P7; ICO anonymisation guidance (records)",
    remedy="Register the table, name it in [outputs], and let publish store the criteria and the catalogue.",
)
def release_is_registered(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse tables outside register, agreement or catalogue, and a release without its criteria."""
    tables = evidence.names("tables")
    outside = {
        "unregistered": evidence.names("unregistered_tables"),
        "outside the agreement": tuple(sorted(set(tables) - set(agreement.outputs))),
        "without catalogue entry": evidence.names("tables_without_catalogue_entry"),
    }
    criteria = evidence.table("disclosure_criteria")
    observed = f"{len(tables)} tables, {len(criteria)} criteria stored"
    threshold = "each table registered, agreed and catalogued; criteria stored"
    if not tables or not criteria:
        raise NotShown("tables and disclosure_criteria", "at least one of each")
    if told := "; ".join(f"{what}: {', '.join(names)}" for what, names in outside.items() if names):
        return failed("RELEASE_NOT_REGISTERED", observed, threshold, told)
    return passed(observed, threshold)


@rule(
    id="PUB-05",
    version=1,
    title="A motivated intruder tried the published tables within the last 12 months",
    stage="publish",
    source="ICO anonymisation guidance (March 2025), motivated intruder test",
    remedy="Hold the review (`hearth attack` gives the figures) and state it in [intruder_review].",
    kind="attest",
)
def intruder_review_held(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Warn where the review is overdue, or was never held."""
    review, days = agreement.intruder_review, agreement.disclosure.intruder_review_days
    observed = "never held" if review is None else f"held on {review.on}, outcome {review.outcome}"
    threshold = f"held within {days} days"
    if review is None or review.on > now.date() or now.date() - review.on > timedelta(days=days):
        return warned("INTRUDER_REVIEW_OVERDUE", observed, threshold, "the review is overdue")
    return passed(observed, threshold)


@rule(
    id="AGG-05",
    version=2,
    title="Values stand within an epoch, and after it change only where enough households did (P6)",
    stage="publish",
    source="disclosure-control.md P6 and P7, epoch freeze and ledger",
    remedy="Publish corrections as a new epoch; report a change within one, or by too few, as a defect.",
)
def epoch_is_frozen(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse values unlike the epoch's first release, and areas renewed by fewer households than agreed."""
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
    observed = (
        f"epoch {evidence.text('epoch')}, {'opened by this release' if first is None else f'of {first}'}, "
        f"{changed} values changed, {entries} ledger entries verified, smallest change "
        f"{'none' if smallest is None else f'{smallest} households'}"
    )
    threshold = f"no value changed within an epoch; at its boundary by 0 or at least {agreed} households"
    if changed:
        return failed("EPOCH_NOT_FROZEN", observed, threshold, f"{changed} values changed")
    if used < agreed:
        return failed("METHOD_NOT_AGREED", observed, threshold, f"the stage used a minimum of {used}")
    if smallest is not None and 0 < smallest < agreed:
        return failed("TOO_FEW_CHANGED", observed, threshold, f"{smallest} households renewed an area")
    return passed(observed, threshold)


@rule(
    id="AGG-06",
    version=1,
    title="No attack on the finished files succeeds",
    stage="publish",
    source="disclosure-control.md P5, on the bytes about to ship; ICO anonymisation guidance (March 2025)",
    remedy="Leave out or coarsen the table that the attack names; `hearth attack` repeats it.",
)
def no_attack_succeeds(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse one success, and a release that nothing was tried on."""
    attacks = [(item.text("name"), item.text("verdict")) for item in evidence.rows("attacks")]
    tried = [name for name, verdict in attacks if verdict != "not run"]
    succeeded = [name for name, verdict in attacks if verdict == "succeeded"]
    successes = evidence.count("attack_successes")
    observed = f"{len(tried)} attacks ({', '.join(tried)}), {successes} successes"
    if not tried:
        raise NotShown("attacks", "at least one that was tried")
    if successes or succeeded:
        return failed("ATTACK_SUCCEEDED", observed, "none", f"attacks succeeded {successes} times")
    return passed(observed, "none")


@rule(
    id="PUB-06",
    version=2,
    title="The report on linkage quality keeps the disclosure rules, and freezes with the release",
    stage="publish",
    source="GUILD (Gilbert 2018); disclosure-control.md, P1, P4 and P6: data-quality figures are outputs too",
    remedy="Report it as a defect; nothing was released. If the epoch's first release has an unknown label, "
    "publish a [correction] (hearth.toml).",
)
def quality_report_is_protected(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a count too small or not rounded, a label from no list, other figures, a report not frozen."""
    report = evidence.within("quality_report")
    small, unrounded = report.count("below_minimum"), report.count("not_rounded")
    observed = f"{report.count('counts')} counts, {report.count('withheld')} withheld, {small} too small"
    threshold = (
        "every count large enough and rounded; every label from a list; the page is that of the figures; "
        "frozen in its epoch"
    )
    if small:
        return failed("QUALITY_COUNT_TOO_SMALL", observed, threshold, f"{small} counts are too small")
    if unrounded:
        return failed("QUALITY_COUNT_UNROUNDED", observed, threshold, f"{unrounded} counts are not rounded")
    if unknown := report.count("labels_unknown"):
        return failed(
            "QUALITY_LABEL_UNKNOWN",
            observed,
            threshold,
            f"{unknown} names of groups are neither codes nor of the format of their column",
        )
    if report.flag("page_differs"):
        return failed(
            "QUALITY_PAGE_DIFFERS", observed, threshold, "the page shows other figures than the file"
        )
    if not report.is_null("repeats") and not report.flag("repeats"):
        return failed("QUALITY_NOT_FROZEN", observed, threshold, "the epoch's report was not repeated")
    return passed(observed, threshold)
