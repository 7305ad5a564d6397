"""The report's sentences: what happened, in plain English, from counts."""

from datetime import date, datetime, timedelta

from governance.counted import counted
from governance.linkage_precision import NOT_KNOWN
from governance.report.facts import ReportFacts

_TRUST = {
    0: "The audit log is unaltered, and an outside witness has confirmed all of it.",
    2: "The audit log was CHANGED after it was written and cannot be relied on.",
    3: "The audit log is incomplete.",
    4: "The audit log is unaltered; an outside witness has not confirmed all of it yet.",
}


def summary(facts: ReportFacts) -> tuple[str, ...]:
    """Return the first paragraphs: what happened and what it means, for people who read no further."""
    evaluated = len({line.rule for line in facts.rules})
    stopped = len({line.rule for line in facts.rules if line.verdict in ("fail", "warn")})
    rows = sum(line.rows_in for line in facts.extracts)
    quarantined = sum(line.rows_quarantined for line in facts.extracts)
    run = "the run" if len(facts.runs) == 1 else "a run"
    second = [f"{counted(evaluated, 'rule was', 'rules were')} evaluated; {stopped or 'none'} stopped {run}."]
    if rows:
        received = counted(rows, "row was", "rows were")
        second.insert(0, f"{received} received and {quarantined:,} of them quarantined.")
    second.append(_TRUST[facts.verification.exit_code])
    need = len(facts.attention)
    second.append(
        f"{counted(need, 'matter needs', 'matters need')} attention (see below)."
        if need
        else "Nothing needs attention."
    )
    return _what_happened(facts), " ".join(second)


def _what_happened(facts: ReportFacts) -> str:
    outcomes = [line.outcome for line in facts.runs]
    published, refused = outcomes.count("published"), outcomes.count("refused")
    if len(outcomes) != 1:
        others = len(outcomes) - published - refused
        return (
            f"{counted(len(outcomes), 'run')}: {published} published, {refused} refused by a gate, "
            f"{others} interrupted or failed."
        )
    line = facts.runs[0]
    run = f"The run of {day(line.started)}"
    if line.outcome == "refused":
        return f"{run} was refused by a gate ({line.code}). Nothing was published."
    if line.outcome != "published":
        return f"{run} did not end normally ({line.outcome}). Nothing was published."
    waived = len({item.rule for item in facts.rules if item.verdict == "waived"})
    passed = f"rules passed, {waived} with a waiver." if waived else "rules passed."
    if facts.not_evaluated:
        missing = counted(len(facts.not_evaluated), "rule was", "rules were")
        return f"{run} published a release. {missing} not evaluated. All other {passed}"
    return f"{run} published a release. All {passed}"


def code(facts: ReportFacts) -> tuple[str, ...]:
    """Return, for each version of the code that ran, its digest and whether the agreement approves it."""
    sentences = []
    for digest in dict.fromkeys(line.code_version for line in facts.runs):
        runs = sum(line.code_version == digest for line in facts.runs)
        number = "1 run" if runs == 1 else f"{runs} runs"
        if not digest:
            sentences.append(f"{number}: the log does not show which code ran.")
            continue
        approved = digest in facts.agreement.code_digests
        named = "is approved in the agreement" if approved else "is not approved in the agreement"
        sentences.append(f"{number}: code {digest}, which {named}.")
    return tuple(sentences)


def day(value: date | datetime) -> str:
    """Return a date in the usual British form, such as 30 November 2026."""
    return f"{value.day} {value:%B %Y}"


def linkage(facts: ReportFacts) -> str:
    """Return how many NHS records were linked to a dwelling, and how often that is correct; else empty."""
    found = facts.linkage
    if not found:
        return ""
    precision = NOT_KNOWN if facts.precision is None else facts.precision.words
    return (
        f"{found['linked_records']:,} of {counted(found['nhs_records'], 'NHS record')} "
        f"({found['match_rate']:.1%}) were linked to a council dwelling. {precision}"
    )


def signature(facts: ReportFacts) -> str:
    """Return who signed the agreement, and whether the signatures are valid."""
    signers = ", ".join(facts.agreement.signed_by)
    return {
        "valid": f"It is validly signed by {signers}.",
        "absent": "It is not signed.",
        "broken": "Its signatures are not valid for every controller."
        + (f" Only {signers} signed validly." if signers else ""),
    }[facts.agreement.signature]


def opt_outs(facts: ReportFacts) -> str:
    """Return how opt-outs were handled, and why."""
    route = facts.agreement.confidentiality.route
    applies = (
        "The confidentiality route is section 251, so the supplier must apply the National Data Opt-Out "
        "before sending the extract."
        if route == "section-251"
        else f"The confidentiality route is {route}, so the National Data Opt-Out does not apply."
    )
    type_1 = (
        "The extract comes from GP records, so Type 1 opt-outs must be removed at source."
        if facts.agreement.opt_outs.gp_data
        else "The extract does not come from GP records, so Type 1 opt-outs do not apply."
    )
    return (
        f"{applies} {type_1} No column records an opt-out (rule ING-09), and no output compares the two "
        "controllers' lists of residents (rule LNK-05)."
    )


def requests(facts: ReportFacts) -> str:
    """Return how many people's requests are applied."""
    removed = sum(line.rows_removed for line in facts.extracts)
    if not facts.requests:
        return "No erasure or objection is on record."
    return (
        f"{counted(facts.requests, 'erasure or objection is', 'erasures and objections are')} on record. "
        f"The newest run removed {counted(removed, 'row')} because of them. The log does not identify these "
        "people; a receipt proves that its request is recorded (`hearth retention prove`)."
    )


def suppression(facts: ReportFacts) -> str:
    """Return what was hidden, and with which method."""
    found = facts.disclosure
    if not found:
        return "This workspace no longer has the run's counts of cells. Rules AGG-01 to AGG-06 state them."
    rest = found["cells"] - found["cells_published"] - found["cells_hidden"]
    others = (
        f" The other {rest:,} are not applicable or belong to tables that were not produced." if rest else ""
    )
    profile = found["profile"]
    return (
        f"{counted(found['cells'], 'cell was', 'cells were')} checked: {found['cells_published']:,} are "
        f"published and {found['cells_hidden']:,} are hidden.{others} A cell is hidden if it counts fewer "
        f"than {profile['minimum_cell_count']} households or people, if its distribution would disclose an "
        f"attribute ({counted(found['hidden_attribute'], 'count')}), or if it could be calculated from other "
        f"cells. Published counts are multiples of {profile['rounding_base']} (method {profile['name']}, "
        f"epoch {found['epoch']})."
    )


def intruder(facts: ReportFacts) -> str:
    """Return when and by whom the last motivated-intruder review was done, and what it found."""
    review, days = facts.agreement.intruder_review, facts.agreement.disclosure.intruder_review_days
    if review is None:
        return f"The agreement records no review. One is due every {counted(days, 'day')} (rule PUB-05)."
    found = {
        "no-disclosure": "It recognised no one and learnt nothing about anyone",
        "disclosure-mended": "It disclosed something, which has been corrected since",
    }[review.outcome]
    return (
        f"The last review was done on {day(review.on)} by {review.by}. {found}. "
        f"The next is due by {day(review.on + timedelta(days=days))}."
    )


def person_rows(facts: ReportFacts, controller: str) -> int | None:
    """Return the number of rows in a controller's person tables; None if the run's counts are missing."""
    rows = [
        line.rows_in
        for line in facts.extracts
        if line.controller == controller and line.table.endswith("_person")
    ]
    return sum(rows) if rows else None


def reconciliation(facts: ReportFacts) -> str:
    """Return how the dated opt-out counts compare with the rows received."""
    sentences = []
    for check in facts.agreement.opt_outs.checks:
        rows = person_rows(facts, check.controller)
        if check.residents_out is None or rows is None:
            continue
        fewer = check.residents_out - rows
        comparison = (
            f"That is {fewer:,} fewer than the remaining residents. Ask the supplier why."
            if fewer > 0
            else "That is enough: a person with several addresses has several rows."
        )
        removal = f"{day(check.applied_on)} removed {counted(check.removed or 0, 'resident')}"
        received = counted(rows, "person row was", "person rows were")
        sentences.append(
            f"The check of {removal}; {check.residents_out:,} remained. {received} received. {comparison}"
        )
    if not sentences:
        return (
            "The supplier confirms the removal without counts, so it cannot be compared with the rows "
            "received. To compare them, record residents_in and residents_out under [[opt_outs.checks]] of "
            "the agreement."
        )
    return " ".join(sentences)
