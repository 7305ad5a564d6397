"""The report's sentences: what happened, in plain English, from counts."""

from datetime import date, datetime, timedelta

from governance.report.facts import ReportFacts


def summary(facts: ReportFacts) -> tuple[str, ...]:
    """Return the first paragraphs: what happened and what it means, for someone who reads no further."""
    outcomes = [line.outcome for line in facts.runs]
    published, refused = outcomes.count("published"), outcomes.count("refused")
    if len(outcomes) == 1:
        line = facts.runs[0]
        ended = {
            "published": "was published: every rule was asked and none stood in the way"
            if not facts.unasked
            else f"was published; {len(facts.unasked)} rules were not asked in it, the others let it pass",
            "refused": f"was refused by a gate ({line.code}), so nothing was published",
        }.get(line.outcome, f"did not end as it should ({line.outcome}), so nothing was published")
        first = f"The run of {day(line.started)} {ended}."
    else:
        others = len(outcomes) - published - refused
        first = (
            f"{len(outcomes)} runs: {published} published, {refused} refused by a gate, "
            f"{others} cut short or faulty."
        )
    rows = sum(line.rows_in for line in facts.extracts)
    aside = sum(line.rows_quarantined for line in facts.extracts)
    stopped = [line for line in facts.rules if line.verdict in ("fail", "warn")]
    asked = len({line.rule for line in facts.rules})
    second = (f"{rows:,} rows came in" if rows else f"{asked} rules gave their verdict") + (
        f", {aside:,} of them went to quarantine, and {asked} rules gave their verdict" if rows else ""
    )
    second += f"; {len(stopped)} stopped the run." if stopped else "; none stopped the run."
    trust = {
        0: "The record of all this is intact and countersigned by a witness.",
        2: "The record of all this was CHANGED after it was written and cannot be relied on.",
        3: "The record of all this lacks parts that must be there.",
        4: "The record of all this is intact; a witness has not countersigned all of it yet.",
    }[facts.verification.exit_code]
    need = len(facts.attention)
    last = "Nothing needs attention." if not need else f"{need} matters need attention; they come next."
    return first, f"{second} {trust} {last}" if need != 1 else f"{second} {trust} One matter needs attention."


def day(value: date | datetime) -> str:
    """Return a date as it is written in English."""
    return f"{value.day} {value:%B %Y}"


def linkage(facts: ReportFacts) -> str:
    """Return how many NHS records were placed; empty without figures."""
    found = facts.linkage
    if not found:
        return ""
    precision = found.get("estimated_precision")
    told = "" if precision is None else f"; by the model's estimate {precision:.1%} of the links are right"
    return (
        f"{found['linked_records']:,} of {found['nhs_records']:,} NHS records "
        f"({found['match_rate']:.1%}) were placed in a council dwelling{told}."
    )


def opt_outs(facts: ReportFacts) -> str:
    """Return how opt-outs were handled, and why so."""
    route = facts.agreement.confidentiality.route
    applies = (
        "Because the confidentiality route is section 251, the National Data Opt-Out was to be applied "
        "before the extract was sent."
        if route == "section-251"
        else f"The confidentiality route is {route}, so the National Data Opt-Out does not apply."
    )
    type_1 = (
        "The extract comes from GP records, so Type 1 opt-outs were to be removed at source."
        if facts.agreement.opt_outs.gp_data
        else "The extract does not come from GP records, so Type 1 opt-outs do not arise."
    )
    return (
        f"{applies} {type_1} No opt-out is kept as a column, and no output tells who is on one "
        "controller's list and missing from the other's (rules ING-09 and LNK-05)."
    )


def requests(facts: ReportFacts) -> str:
    """Return how many people's requests are in effect."""
    removed = sum(line.rows_removed for line in facts.extracts)
    if not facts.requests:
        return "No erasure or objection is on record."
    some = (
        "One erasure or objection is"
        if facts.requests == 1
        else f"{facts.requests} erasures and objections are"
    )
    return (
        f"{some} on record; the newest run left out {removed:,} rows for such requests. Each is a "
        "commitment in the log that its receipt proves (hearth retention prove), and names nobody."
    )


def suppression(facts: ReportFacts) -> str:
    """Return what was hidden, and by which method."""
    found = facts.disclosure
    if not found:
        return (
            "The counts of this period's cells are not in this workspace; rules AGG-01 to AGG-06 state them."
        )
    profile = found["profile"]
    return (
        f"{found['cells']:,} cells were judged: {found['cells_published']:,} carry a value and "
        f"{found['cells_hidden']:,} are hidden. A cell is hidden below {profile['minimum_cell_count']} "
        "households or persons, where a distribution would tell an attribute "
        f"({found['hidden_attribute']:,} counts), or where it could be worked out from others. Values are "
        f"multiples of {profile['rounding_base']} (method {profile['name']}, epoch {found['epoch']})."
    )


def intruder(facts: ReportFacts) -> str:
    """Return when and by whom the last motivated-intruder review was held, and what it found."""
    review, days = facts.agreement.intruder_review, facts.agreement.disclosure.intruder_review_days
    if review is None:
        return f"The agreement states no review; one is due every {days} days (rule PUB-05)."
    found = {
        "no-disclosure": "nobody was recognised and nothing was learnt of anybody",
        "disclosure-mended": "something was disclosed, and has been mended since",
    }[review.outcome]
    return (
        f"The last review was held on {day(review.on)} by {review.by}: {found}. "
        f"The next is due by {day(review.on + timedelta(days=days))}."
    )


def person_rows(facts: ReportFacts, controller: str) -> int | None:
    """Return how many rows a controller's person tables brought; None where no run's counts are at hand."""
    rows = [
        line.rows_in
        for line in facts.extracts
        if line.controller == controller and line.table.endswith("_person")
    ]
    return sum(rows) if rows else None


def reconciliation(facts: ReportFacts) -> str:
    """Return what the dated counts say beside the rows that came in."""
    told = []
    for check in facts.agreement.opt_outs.checks:
        rows = person_rows(facts, check.controller)
        if check.residents_out is None or rows is None:
            continue
        fits = (
            "no fewer than the residents left, as is right where someone has several addresses"
            if rows >= check.residents_out
            else f"{check.residents_out - rows:,} fewer than the residents left: ask the supplier why"
        )
        told.append(
            f"By the check of {day(check.applied_on)} {check.removed or 0:,} residents were removed and "
            f"{check.residents_out:,} left; {rows:,} person rows came in, {fits}."
        )
    if not told:
        return (
            "The supplier attests the removal without counting, so there is nothing to reconcile; counts in "
            "[[opt_outs.checks]] (residents_in, residents_out) would be set against the rows that came in."
        )
    return " ".join(told)
