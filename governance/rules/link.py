"""Linkage: of everyone, by the approved model, of the agreed quality, and fair between groups.

Facts: see `pipeline/group/stage.py`, `pipeline/link/stage.py` and `pipeline/quality/stage.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.linkage_precision import (
    LEAST_KAPPA,
    LEAST_REVIEWERS,
    MINIMUM_REVIEWED_LINKS,
    precision_of,
    review_that_counts,
)
from governance.rules.invented import people_are_invented
from governance.rules.registry import Shown, Verdict, failed, passed, rule


@rule(
    id="LNK-07",
    version=1,
    title="Grouping keeps every record and counts no one twice",
    stage="group",
    source="GUILD (Gilbert 2018), step 1: what was prepared for linkage is accounted for",
    remedy="Report this as a defect in Hearth, with the counts: Hearth forms the groups, not a supplier.",
)
def grouping_keeps_every_record(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse groups and dwellings that do not contain each incoming row exactly once."""
    records, grouped = evidence.count("nhs_records"), evidence.count("grouped_records")
    properties, dwellings = evidence.count("council_properties"), evidence.count("dwellings")
    listed = evidence.count("listed_people")
    placed, nowhere = evidence.count("listed_at_dwellings"), evidence.count("listed_nowhere")
    observed = (
        f"{grouped:,} of {counted(records, 'NHS record')} in "
        f"{counted(evidence.count('address_groups'), 'address group')}; "
        f"{counted(dwellings, 'dwelling')} from {counted(properties, 'property', 'properties')}; "
        f"of {counted(listed, 'person', 'people')} on the council's lists {placed:,} at a dwelling, "
        f"{nowhere:,} at no known dwelling"
    )
    threshold = "every record in one group, every property one dwelling, every listed person counted once"
    differences = (grouped - records, dwellings - properties, placed + nowhere - listed)
    if any(differences):
        reason = ", ".join(
            f"{difference:+,} {what}"
            for difference, what in zip(differences, ("records", "dwellings", "listed people"), strict=True)
            if difference
        )
        return failed("GROUPING_DIFFERS", observed, threshold, f"the counts differ: {reason}")
    return passed(observed, threshold)


@rule(
    id="LNK-01",
    version=2,
    title="The linking process can read neither a linkage key nor the clear zone",
    stage="link",
    source="Trusted research environments; split-file method (SAIL); governance.md, Keys",
    remedy='Link in an environment that receives only pseudonymised packages, and set custody = "at-source" '
    "under [project] in hearth.toml.",
)
def linking_process_cannot_read_identifiers(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a linkage key or clear file that the process can read.

    Single-operator custody outside production is allowed to, because its people are invented.
    """
    keys, clear = evidence.count("keys_in_reach"), evidence.count("clear_files_in_reach")
    unknown = evidence.count("not_examined")
    observed = f"{counted(keys, 'linkage key')} and {counted(clear, 'clear file')} can be read"
    if unknown:
        observed += f"; {counted(unknown, 'file')} beyond the limit were not examined"
    threshold = "none"
    if keys or clear or unknown:
        if people_are_invented(evidence.run):
            return passed(f"{observed} (allowed: single operator, invented people)", threshold)
        return failed("IDENTIFIERS_IN_REACH", observed, threshold, observed)
    return passed(observed, threshold)


@rule(
    id="LNK-02",
    version=1,
    title="The linkage model is the one that the agreement approves",
    stage="link",
    source="architecture.md, Linkage 3; ONS and GUILD guidance on linkage documentation",
    remedy="Have the new model approved: set approved_digest under [linkage_model] of the agreement to its "
    "digest and have the agreement signed (`hearth governance sign`).",
)
def model_is_the_approved_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a model other than the approved one. Only a sample project may use a model without approval."""
    used, approved = evidence.text("model_digest"), agreement.model_digest
    observed = f"model {used[:16]}"
    threshold = "an approved model" if approved is None else f"model {approved[:16]}"
    if approved is None:
        if people_are_invented(evidence.run):
            return passed(f"{observed} (not approved; allowed: single operator, invented people)", threshold)
        return failed("MODEL_NOT_APPROVED", observed, threshold, "the agreement approves no model")
    if used != approved:
        return failed("MODEL_NOT_APPROVED", observed, threshold, "the model is not the approved one")
    return passed(observed, threshold)


@rule(
    id="LNK-03",
    version=4,
    title="As many records are linked as agreed, overall and in every group",
    stage="link",
    source="GUILD (Gilbert 2018); ONS linkage quality; field-notes.md, published figures",
    remedy="Run `hearth evaluate` and check why records were not linked. Train a model (`hearth train`), or "
    "agree other limits under [thresholds] of the agreement.",
)
def enough_records_are_linked(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a match rate outside the agreed limits, and a group that is linked much less often."""
    agreed = agreement.thresholds
    rate = evidence.rate("match_rate")
    gaps = {
        f"{group.text('attribute')} {group.text('category')}": rate
        - group.count("linked") / group.count("records")
        for group in evidence.rows("subgroups")
        if group.count("records") >= agreed.minimum_subgroup_residents
    }
    widest = max(gaps, key=lambda name: gaps[name], default=None)
    observed = f"match rate {rate:.2%}, " + (
        "no group is large enough to compare"
        if widest is None
        else f"largest gap among {counted(len(gaps), 'group')}: {100 * gaps[widest]:.2f} points ({widest})"
    )
    threshold = (
        f"match rate {agreed.minimum_match_rate:.2%} to {agreed.maximum_match_rate:.2%}, "
        f"no group more than {100 * agreed.maximum_subgroup_gap:g} points below the overall match rate"
    )
    if not agreed.minimum_match_rate <= rate <= agreed.maximum_match_rate:
        reason = "the match rate is outside the agreed limits"
        return failed("MATCH_RATE_OUT_OF_BAND", observed, threshold, reason)
    if worse := [name for name, gap in gaps.items() if gap > agreed.maximum_subgroup_gap]:
        reason = f"far fewer records are linked in {', '.join(worse)}"
        return failed("SUBGROUP_LINKED_WORSE", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="LNK-10",
    version=1,
    title="Verdicts of people change links only if reviewers agree, and each verdict is accounted for",
    stage="link",
    source="GUILD (Gilbert 2018); J. Cohen (1960); R. Landis, G. Koch (1977); governance.md, Two people",
    remedy="Have the pairs reviewed again by two reviewers (`hearth review pairs`), and import their files "
    "together (`hearth review verdicts`). A new verdict replaces an earlier one.",
)
def verdicts_rest_on_agreement(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse verdicts of one reviewer, of reviewers who hardly agree, and verdicts that are not counted."""
    verdicts, links = evidence.count("verdicts"), evidence.count("verdict_links")
    apart, not_applied = evidence.count("verdict_non_links"), evidence.count("verdicts_not_applied")
    threshold = (
        f"at least {LEAST_REVIEWERS} reviewers of each pair, kappa at least {LEAST_KAPPA:g}, every verdict"
        " applied or counted as not applied"
    )
    if not verdicts:
        return passed("no verdicts", threshold)
    reviewers = evidence.count("verdict_reviewers")
    kappa = None if evidence.is_null("verdict_kappa") else evidence.rate("verdict_kappa")
    observed = (
        f"{counted(verdicts, 'verdict')} of at least {counted(reviewers, 'reviewer')}, "
        f"kappa {'not defined (all gave one answer)' if kappa is None else f'{kappa:.2f}'}: "
        f"{links:,} linked, {apart:,} not linked, {not_applied:,} not applied"
    )
    if links + apart + not_applied != verdicts:
        reason = "some verdicts were neither applied nor counted as not applied"
        return failed("VERDICTS_UNACCOUNTED", observed, threshold, reason)
    if reviewers < LEAST_REVIEWERS:
        return failed("VERDICTS_OF_ONE_REVIEWER", observed, threshold, "a pair was decided by one reviewer")
    if kappa is not None and kappa < LEAST_KAPPA:
        reason = "the reviewers agree hardly more than by chance"
        return failed("VERDICTS_WITHOUT_AGREEMENT", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="LNK-08",
    version=1,
    title="Enough of the links are correct, by measurement where there is one",
    stage="quality",
    source="GUILD (Gilbert 2018); ONS linkage quality; governance.md, Nothing is its own witness",
    remedy=f"Have {MINIMUM_REVIEWED_LINKS} or more links reviewed (`hearth review export`, then "
    "`hearth review import`); the review replaces the estimate. If links are wrong, train a model "
    "(`hearth train`), or agree another limit under [thresholds] of the agreement.",
)
def enough_links_are_correct(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a measured precision below the agreed one or, without measurement, too low an estimate."""
    agreed = agreement.thresholds
    measured = {
        item.text("unit"): (item.count("right"), item.count("links"))
        for item in evidence.rows("measured")
        if item.count("links")
    }
    review = review_that_counts(evidence.review, evidence.text("model_digest"), now)
    people_compared = evidence.count("people_compared")
    estimate = (
        (evidence.rate("estimated_precision"), evidence.rate("estimated_precision_low"))
        if people_compared and not measured and review is None
        else None
    )
    found = precision_of(measured, review, estimate)
    threshold = (
        f"at least {agreed.minimum_measured_precision:.2%} measured or, if not measured, at least "
        f"{agreed.minimum_estimated_precision:.2%} by the lower bound of the estimate"
    )
    if found is None:
        # links by UPRN without names or birth dates have no second piece of evidence to estimate from
        return passed("not measured, and not estimated without names or birth dates", threshold)
    is_estimate = found.basis == "estimate"
    least = agreed.minimum_estimated_precision if is_estimate else agreed.minimum_measured_precision
    observed = f"{found.value:.2%} by {found.basis}. {found.words}"
    if found.value < least:
        reason = f"the {'estimated' if is_estimate else 'measured'} precision is too low"
        return failed("PRECISION_TOO_LOW", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="LNK-06",
    version=1,
    title="Every record has a link or a reason, and true links are known for invented people only",
    stage="quality",
    source="GUILD (Gilbert 2018), linkage step; governance.md, Keys: those who link cannot identify people",
    remedy="If the people are real, remove `truth` from [project] in hearth.toml. Otherwise report this as a "
    "defect in Hearth, with the counts.",
)
def every_record_is_accounted_for(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a record with neither link nor reason, a link without scores, and true links of real people."""
    records, dwellings = evidence.count("nhs_records"), evidence.count("dwellings")
    lost = evidence.count("unexplained_records") + evidence.count("unexplained_dwellings")
    incomplete, true_pairs = evidence.count("incomplete_links"), evidence.optional_count("true_pairs")
    observed = (
        f"{counted(records, 'NHS record')} and {counted(dwellings, 'dwelling')}, "
        f"{lost:,} with neither link nor reason, {counted(incomplete, 'link')} without scores, "
        + ("no true links known" if true_pairs is None else f"{counted(true_pairs, 'true link')} known")
    )
    threshold = "a link or a reason for each, scores for every link, true links of invented people only"
    if lost:
        reason = counted(lost, "record or dwelling has", "records or dwellings have")
        return failed("UNEXPLAINED", observed, threshold, f"{reason} neither a link nor a reason")
    if incomplete:
        reason = counted(incomplete, "link has", "links have")
        return failed("LINK_WITHOUT_SCORES", observed, threshold, f"{reason} no scores")
    invented = people_are_invented(evidence.run)
    if true_pairs is not None and not invented:
        reason = "the true links of real people were available to the run"
        return failed("TRUTH_OF_REAL_PEOPLE", observed, threshold, reason)
    return passed(observed, threshold)
