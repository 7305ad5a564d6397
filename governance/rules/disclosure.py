"""Disclosure control: no one can be identified from the cells as they were written.

The rules are P0, P1, P4, P5 and P2 of disclosure-control.md. Facts: see `pipeline/disclosure/stage.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule

_SOURCE = "SDC Handbook (2nd ed.); disclosure-control.md"


@rule(
    id="AGG-01",
    version=1,
    title="No published value counts fewer households or people than agreed (P1)",
    stage="disclosure",
    source=f"{_SOURCE} P1; UK LLC and NHS small-number rules",
    remedy="Report this as a defect in Hearth, with the run's id: the disclosure stage must hide such cells. "
    "Do not lower minimum_cell_count in the agreement.",
)
def cells_are_large_enough(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a minimum lower than the agreed one, and any published count below the agreed minimum."""
    used, agreed = (
        evidence.within("profile").count("minimum_cell_count"),
        agreement.thresholds.minimum_cell_count,
    )
    small, rates = evidence.count("published_below_minimum"), evidence.count("rates_below_minimum")
    observed = (
        f"{counted(evidence.count('cells_published'), 'cell')} published, minimum {used}, "
        f"{small + rates:,} below it"
    )
    threshold = f"none below {agreed}"
    if used < agreed:
        return failed("MINIMUM_NOT_AGREED", observed, threshold, f"the stage used a minimum of {used}")
    if small or rates:
        reason = f"{counted(small, 'count')} and {counted(rates, 'rate')} are below the minimum"
        return failed("SMALL_CELL_PUBLISHED", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="AGG-07",
    version=1,
    title="No area with fewer households or persons than its floor has a published value (P0)",
    stage="disclosure",
    source=f"{_SOURCE} P0, area floors (2001 Census: 40 households and 100 persons, 400 and 1,000)",
    remedy="Report this as a defect: the stage must leave such areas out. Never lower the agreed floors.",
)
def areas_are_large_enough(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse floors below the agreement's, and any published value of an area below its floor.

    The values are counted from the written cells, by other code than the one that leaves areas out.
    """
    profile, terms = evidence.within("profile"), agreement.disclosure
    agreed = {
        "floor_households": terms.floor_households,
        "floor_persons": terms.floor_persons,
        "floor_households_multiway": terms.floor_households_multiway,
        "floor_persons_multiway": terms.floor_persons_multiway,
    }
    lower = [name for name, floor in agreed.items() if profile.count(name) < floor]
    below = evidence.count("published_below_floor")
    observed = f"{below} values of areas below their floor, {len(lower)} floors below the agreed ones"
    threshold = (
        f"none; {terms.floor_households} households and {terms.floor_persons} persons, in tables of two "
        f"dimensions {terms.floor_households_multiway} and {terms.floor_persons_multiway}"
    )
    if lower:
        return failed("FLOOR_NOT_AGREED", observed, threshold, f"below the agreement: {', '.join(lower)}")
    if below:
        return failed("AREA_BELOW_FLOOR_PUBLISHED", observed, threshold, f"{below} values are published")
    return passed(observed, threshold)


@rule(
    id="AGG-02",
    version=1,
    title="Published counts are rounded, and published rates are calculated from them (P4)",
    stage="disclosure",
    source=f"{_SOURCE} P4; Government Statistical Service shorthand",
    remedy="Report this as a defect in Hearth's disclosure stage, with the run's id. If the method differs, "
    "check `profile` under [disclosure] and `rounding_base` under [thresholds] of the agreement.",
)
def values_follow_the_agreed_method(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse unrounded values, values further from the count than noise and rounding allow, and ambiguity.

    Each cell must have exactly one value or one reason for having none. A preset may round more
    coarsely than agreed, never more finely.
    """
    profile = evidence.within("profile")
    base = profile.count("rounding_base")
    wrong = {
        name: evidence.count(name)
        for name in (
            "published_unrounded",
            "published_too_far_from_count",
            "cells_without_one_answer",
            "rates_not_from_published_counts",
        )
    }
    observed = (
        f"method {profile.text('name')}, counts rounded to {base}, "
        f"{counted(sum(wrong.values()), 'value breaks', 'values break')} the method"
    )
    exact = agreement.disclosure.profile == "exact-count"
    agreed = 1 if exact else agreement.thresholds.rounding_base
    threshold = (
        f"method {agreement.disclosure.profile}, counts rounded to {agreed} or more coarsely, "
        "no value breaks the method"
    )
    if profile.text("name") != agreement.disclosure.profile or (base != agreed if exact else base < agreed):
        return failed("METHOD_NOT_AGREED", observed, threshold, "the method is not the agreed one")
    if any(wrong.values()):
        reason = ", ".join(f"{name}: {count:,}" for name, count in wrong.items() if count)
        return failed("VALUE_OUT_OF_RULE", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="AGG-03",
    version=1,
    title="No hidden cell can be calculated from everything that is published (P5)",
    stage="disclosure",
    source=f"{_SOURCE} P5, audit by linear programming over all tables jointly",
    remedy="Merge categories or use larger areas for the table in schemas/tables/registry.yaml, or remove it "
    "from [outputs] of the agreement. A table that cannot be protected is not published.",
)
def hidden_cells_cannot_be_recovered(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a hidden cell that the audit could recover, and an audit that did not cover every cell."""
    audited, exposed = evidence.count("audited"), evidence.count("audit_exposed")
    hidden = evidence.count("cells_hidden")
    observed, threshold = (
        f"{counted(hidden, 'cell')} hidden; of {counted(audited, 'hidden count')} tested, "
        f"{exposed:,} can be recovered",
        "every hidden count tested, none can be recovered",
    )
    if exposed:
        return failed(
            "SECONDARY_SUPPRESSION_INCOMPLETE",
            observed,
            threshold,
            f"{counted(exposed, 'hidden cell')} can be recovered from published values",
        )
    if hidden and not audited:
        return failed("AUDIT_INCOMPLETE", observed, threshold, "the hidden cells were not tested")
    return passed(observed, threshold)


@rule(
    id="AGG-04",
    version=1,
    title="No published distribution shows what everyone in a group has in common (P2)",
    stage="disclosure",
    source=f"{_SOURCE} P2, attribute disclosure",
    remedy="Report this as a defect in Hearth, with the run's id: the disclosure stage must hide such a "
    "distribution.",
)
def no_attribute_is_exposed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a sensitive distribution in which nearly all, or none, of a group falls into one category."""
    exposed, hidden = evidence.count("attribute_exposed"), evidence.count("hidden_attribute")
    share = agreement.disclosure.dominant_share
    observed = f"{exposed:,} published, {hidden:,} hidden for this reason"
    threshold = f"none published in which one category has {share:.0%} or more of its group"
    if exposed:
        reason = counted(
            exposed, "published count discloses an attribute", "published counts disclose an attribute"
        )
        return failed("ATTRIBUTE_EXPOSED", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="HHD-02",
    version=2,
    title="Every published group has at least k households and l different sensitive values (k, l)",
    stage="disclosure",
    source="k-anonymity and l-diversity (Sweeney 2002; Machanavajjhala 2007); ICO anonymisation guidance",
    remedy="In [thresholds] of the agreement, raise minimum_cell_count to minimum_quasi_identifier_group "
    "(k); or merge categories of the table in schemas/tables/registry.yaml.",
)
def published_groups_meet_k_and_l(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a published group of fewer than k households, or with fewer than l sensitive values.

    Both are read back from the written cells, whatever minimum the stage used.
    """
    k = agreement.thresholds.minimum_quasi_identifier_group
    values = agreement.thresholds.minimum_sensitive_values
    smallest = evidence.optional_count("smallest_published_group")
    fewest = evidence.optional_count("fewest_sensitive_values")
    if smallest is None and evidence.count("cells_published"):
        raise NotShown("smallest_published_group", "a count where cells are published")
    group = (
        "no group published"
        if smallest is None
        else f"smallest published group: {counted(smallest, 'household')}"
    )
    sensitive = (
        "nothing sensitive published"
        if fewest is None
        else f"at least {counted(fewest, 'sensitive value')} in each"
    )
    observed = f"{group}, {sensitive}"
    threshold = f"at least {k} households (k) and {counted(values, 'sensitive value')} (l) in each group"
    if smallest is not None and smallest < k:
        return failed("BELOW_K", observed, threshold, f"a published group has fewer than {k} households")
    if fewest is not None and fewest < values:
        return failed(
            "BELOW_L", observed, threshold, f"a published group has fewer than {values} sensitive values"
        )
    return passed(observed, threshold)
