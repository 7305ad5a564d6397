"""Disclosure control: the written cells, read back, tell of nobody.

The rules are P0, P1, P4, P5 and P2 of disclosure-control.md. Facts: see `pipeline/disclosure/stage.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule

_SOURCE = "SDC Handbook (2nd ed.); disclosure-control.md"


@rule(
    id="AGG-01",
    version=1,
    title="No published value counts fewer households or persons than agreed (P1)",
    stage="disclosure",
    source=f"{_SOURCE} P1; UK LLC and NHS small-number rules",
    remedy="Report this as a defect: the stage must hide such cells. Never lower the agreed minimum.",
)
def cells_are_large_enough(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a minimum below the agreement's, and any published count below it."""
    used, agreed = (
        evidence.within("profile").count("minimum_cell_count"),
        agreement.thresholds.minimum_cell_count,
    )
    small, rates = evidence.count("published_below_minimum"), evidence.count("rates_below_minimum")
    observed = (
        f"{evidence.count('cells_published')} cells published, minimum {used}, {small + rates} below it"
    )
    threshold = f"none below {agreed}"
    if used < agreed:
        return failed("MINIMUM_NOT_AGREED", observed, threshold, f"the stage used a minimum of {used}")
    if small or rates:
        return failed(
            "SMALL_CELL_PUBLISHED", observed, threshold, f"{small} counts and {rates} rates are too small"
        )
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
    title="Published values are rounded counts, and rates follow from them (P4)",
    stage="disclosure",
    source=f"{_SOURCE} P4; Government Statistical Service shorthand",
    remedy="Report this as a defect of the disclosure stage, with the run's id.",
)
def values_are_as_the_method_gives_them(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse unrounded values, values out of reach of noise and rounding, and cells without one answer.

    A preset may round more coarsely than agreed, never more finely.
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
    observed = f"{profile.text('name')}, rounded to {base}, {sum(wrong.values())} values out of rule"
    exact = agreement.disclosure.profile == "exact-count"
    agreed = 1 if exact else agreement.thresholds.rounding_base
    threshold = f"{agreement.disclosure.profile}, rounded to at least {agreed}, none out of rule"
    if profile.text("name") != agreement.disclosure.profile or (base != agreed if exact else base < agreed):
        return failed("METHOD_NOT_AGREED", observed, threshold, "the method is not the agreed one")
    if any(wrong.values()):
        told = ", ".join(f"{name}: {count}" for name, count in wrong.items() if count)
        return failed("VALUE_OUT_OF_RULE", observed, threshold, told)
    return passed(observed, threshold)


@rule(
    id="AGG-03",
    version=1,
    title="No hidden cell can be worked out from all that is published (P5)",
    stage="disclosure",
    source=f"{_SOURCE} P5, audit by linear programming over all tables jointly",
    remedy="Merge categories or coarsen the table; what cannot be protected is not published.",
)
def hidden_cells_cannot_be_recovered(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any hidden cell that the audit could recover, and an audit that looked at fewer than all."""
    audited, exposed = evidence.count("audited"), evidence.count("audit_exposed")
    hidden = evidence.count("cells_hidden")
    observed, threshold = (
        f"{audited} audited, {exposed} exposed, {hidden} hidden",
        "none exposed, all audited",
    )
    if exposed:
        return failed(
            "SECONDARY_SUPPRESSION_INCOMPLETE",
            observed,
            threshold,
            f"{exposed} hidden cells can be recovered",
        )
    if hidden and not audited:
        return failed("AUDIT_INCOMPLETE", observed, threshold, "hidden cells were not audited")
    return passed(observed, threshold)


@rule(
    id="AGG-04",
    version=1,
    title="No published distribution tells what everyone in a group has (P2)",
    stage="disclosure",
    source=f"{_SOURCE} P2, attribute disclosure",
    remedy="Report this as a defect: the stage must hide such a distribution.",
)
def no_attribute_is_exposed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any sensitive distribution in which one category holds nearly all, or none, of a group."""
    exposed, hidden = evidence.count("attribute_exposed"), evidence.count("hidden_attribute")
    share = agreement.disclosure.dominant_share
    observed, threshold = f"{exposed} exposed, {hidden} hidden", f"none in which a category reaches {share:g}"
    if exposed:
        return failed(
            "ATTRIBUTE_EXPOSED", observed, threshold, f"{exposed} published counts tell an attribute"
        )
    return passed(observed, threshold)


@rule(
    id="HHD-02",
    version=2,
    title="Every published combination of categories is shared by k households, with l values (k, l)",
    stage="disclosure",
    source="k-anonymity and l-diversity (Sweeney 2002; Machanavajjhala 2007); ICO anonymisation guidance",
    remedy="Raise minimum_cell_count to the agreed k (minimum_quasi_identifier_group), or merge categories.",
)
def published_tier_keeps_k_and_l(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a published group smaller than k, or one that holds fewer than l values of something sensitive.

    Both are read back from the written cells, whatever minimum the stage hid cells below.
    """
    k = agreement.thresholds.minimum_quasi_identifier_group
    values = agreement.thresholds.minimum_sensitive_values
    smallest = evidence.optional_count("smallest_published_group")
    fewest = evidence.optional_count("fewest_sensitive_values")
    if smallest is None and evidence.count("cells_published"):
        raise NotShown("smallest_published_group", "a count where cells are published")
    group = "no group published" if smallest is None else f"smallest published group {smallest}"
    held = "nothing sensitive published" if fewest is None else f"at least {fewest} sensitive values in each"
    observed = f"{group}, {held}"
    threshold = f"k = {k}, l = {values}"
    if smallest is not None and smallest < k:
        return failed("BELOW_K", observed, threshold, f"a published group is smaller than {k}")
    if fewest is not None and fewest < values:
        return failed("BELOW_L", observed, threshold, f"a published group shows fewer than {values} values")
    return passed(observed, threshold)
