"""Linking: of everybody, by the approved model, as well as agreed, for every group alike.

Facts: see `pipeline/group/stage.py`, `pipeline/link/stage.py` and `pipeline/quality/stage.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.rules.registry import Shown, Verdict, failed, passed, rule


@rule(
    id="LNK-07",
    version=1,
    title="Grouping loses nobody and counts nobody twice",
    stage="group",
    source="GUILD (Gilbert 2018), step 1: what was prepared for linkage is accounted for",
    remedy="Report the counts as a defect; the units were made by the programme, not by a supplier.",
)
def grouping_loses_nobody(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse units whose people are not, one for one, the rows that came in."""
    records, grouped = evidence.count("nhs_records"), evidence.count("grouped_records")
    properties, dwellings = evidence.count("council_properties"), evidence.count("dwellings")
    listed = evidence.count("listed_people")
    placed, nowhere = evidence.count("listed_at_dwellings"), evidence.count("listed_nowhere")
    observed = (
        f"{grouped} of {records} NHS records in {evidence.count('address_groups')} address groups, "
        f"{dwellings} dwellings of {properties} properties, "
        f"{placed} of {listed} listed people at a dwelling and {nowhere} at none that is known"
    )
    threshold = "every record in one group, every property a dwelling, every listed person counted once"
    apart = (grouped - records, dwellings - properties, placed + nowhere - listed)
    if any(apart):
        told = ", ".join(f"{number:+d}" for number in apart)
        return failed("GROUPING_DIFFERS", observed, threshold, f"records, dwellings, listed people: {told}")
    return passed(observed, threshold)


@rule(
    id="LNK-01",
    version=2,
    title="The process that links can reach neither a linkage key nor the clear zone",
    stage="link",
    source="Trusted research environments; split-file method (SAIL); governance.md, Keys",
    remedy="Link in an environment that receives pseudonymised packages only; set custody to at-source.",
)
def linking_reaches_no_identifier(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a key or clear table in reach; one operator outside production, with invented people, may."""
    keys, clear = evidence.count("keys_in_reach"), evidence.count("clear_files_in_reach")
    unknown = evidence.count("not_examined")
    observed, threshold = f"{keys} linkage keys and {clear} clear files in reach", "none"
    if unknown:
        observed += f", {unknown} files too many to examine"
    if keys or clear or unknown:
        if evidence.run.text("custody") == "single-operator" and not evidence.run.flag("production"):
            return passed(f"{observed} (permitted: single operator, not in production)", threshold)
        return failed("IDENTIFIERS_IN_REACH", observed, threshold, observed)
    return passed(observed, threshold)


@rule(
    id="LNK-02",
    version=1,
    title="The linkage model is the one the agreement approved",
    stage="link",
    source="architecture.md, Linkage 3; ONS and GUILD guidance on linkage documentation",
    remedy="Have the new model approved: put its digest into [linkage_model] of the agreement and sign it.",
)
def model_is_the_approved_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse another model than the approved one, and outside the sample project one that nobody approved."""
    used, approved = evidence.text("model_digest"), agreement.model_digest
    observed = f"model {used[:16]}"
    threshold = "an approved model" if approved is None else f"model {approved[:16]}"
    if approved is None:
        if evidence.run.text("custody") == "single-operator" and not evidence.run.flag("production"):
            return passed(f"{observed} (none approved; single operator, not in production)", threshold)
        return failed("MODEL_NOT_APPROVED", observed, threshold, "the agreement approves no model")
    if used != approved:
        return failed("MODEL_NOT_APPROVED", observed, threshold, "the model is another than the approved one")
    return passed(observed, threshold)


@rule(
    id="LNK-03",
    version=3,
    title="Linkage is as good as agreed, overall and by group",
    stage="link",
    source="GUILD (Gilbert 2018); ONS linkage quality; field-notes.md, published figures",
    remedy="Look at `hearth evaluate` and the reasons of the unlinked; train a model, or agree another band.",
)
def linkage_is_good_enough(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a match rate outside the agreed band, too low an estimated precision, too wide a gap."""
    agreed = agreement.thresholds
    rate = evidence.rate("match_rate")
    # with UPRNs alone nothing speaks for or against a link but the UPRN itself
    precision = evidence.rate("estimated_precision") if evidence.count("people_compared") else None
    told = "cannot be estimated without names or birth dates" if precision is None else f"{precision:.4f}"
    gaps = {
        f"{group.text('attribute')} {group.text('category')}": rate
        - group.count("linked") / group.count("records")
        for group in evidence.rows("subgroups")
        if group.count("records") >= agreed.minimum_subgroup_residents
    }
    widest = max(gaps, key=lambda name: gaps[name], default=None)
    observed = f"match rate {rate:.4f}, estimated precision {told}, " + (
        "no group large enough to judge"
        if widest is None
        else f"widest gap of {len(gaps)} groups {gaps[widest]:.4f} ({widest})"
    )
    threshold = (
        f"match rate {agreed.minimum_match_rate:g} to {agreed.maximum_match_rate:g}, "
        f"precision at least {agreed.minimum_estimated_precision:g}, "
        f"no group's rate more than {agreed.maximum_subgroup_gap:g} below"
    )
    if not agreed.minimum_match_rate <= rate <= agreed.maximum_match_rate:
        return failed("MATCH_RATE_OUT_OF_BAND", observed, threshold, "the match rate is outside the band")
    if precision is not None and precision < agreed.minimum_estimated_precision:
        return failed("PRECISION_TOO_LOW", observed, threshold, "the estimated precision is too low")
    if worse := [name for name, gap in gaps.items() if gap > agreed.maximum_subgroup_gap]:
        return failed("SUBGROUP_LINKED_WORSE", observed, threshold, f"linked worse: {', '.join(worse)}")
    return passed(observed, threshold)


@rule(
    id="LNK-06",
    version=1,
    title="Every record has a link or a reason, and truth is known of invented people alone",
    stage="quality",
    source="GUILD (Gilbert 2018), linkage step; governance.md, Keys: nobody who links knows who is linked",
    remedy="Report the counts as a defect; remove truth from [project] where the people are real.",
)
def every_record_is_accounted_for(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse what has neither link nor reason, a link without its scores, a truth of real people."""
    records, dwellings = evidence.count("nhs_records"), evidence.count("dwellings")
    lost = evidence.count("unexplained_records") + evidence.count("unexplained_dwellings")
    incomplete, true_pairs = evidence.count("incomplete_links"), evidence.optional_count("true_pairs")
    observed = (
        f"{records} NHS records and {dwellings} dwellings, {lost} without link or reason, "
        f"{incomplete} links without their scores, "
        + ("no truth" if true_pairs is None else f"{true_pairs} true pairs of invented people")
    )
    threshold = "a link or a reason for each, every score, no truth but of invented people"
    if lost:
        return failed("UNEXPLAINED", observed, threshold, f"{lost} have neither a link nor a reason")
    if incomplete:
        return failed("LINK_WITHOUT_SCORES", observed, threshold, f"{incomplete} links lack a score")
    invented = evidence.run.text("custody") == "single-operator" and not evidence.run.flag("production")
    if true_pairs is not None and not invented:
        return failed("TRUTH_OF_REAL_PEOPLE", observed, threshold, "true pairs of real people were at hand")
    return passed(observed, threshold)
