"""The model card: what an approver reads before they add a model's digest to the agreement."""

from pathlib import Path

from pipeline.link.comparison import SCORECARDS, TOO_WEAK_TO_LINK, Comparison
from pipeline.link.model import Scorecard
from pipeline.link.training.fitting import Fit
from pipeline.link.training.training import Training
from pipeline.link.training.uncertainty import Intervals, Sensitivity

_PURPOSE = {
    "recorded": "Does an NHS address group belong to a dwelling near its recorded address?",
    "moved": "Do members who are not listed at their recorded address live at another dwelling?",
    "residence": "Does this member of a linked group live there, or is the registration out of date?",
}


#: A level that fewer true, or fewer other, training candidates reached is marked: its weight rests on few.
THIN = 10


def write_model_card(path: Path, training: Training) -> None:
    """Write the card as Markdown; it contains counts and weights, and no data of any record."""
    model = training.model
    lines = [
        "# Linkage model",
        "",
        f"Digest: `{model.digest}`",
        "",
        "The agreement approves the model by this digest. A run with any other model is refused.",
        "",
        "## Trained on",
        "",
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in model.trained_on.items()),
        "",
        "m and u are shares among *candidates* (pairs that a blocking rule found), not among all pairs:",
        "m is the share of true candidates at a level, u the share of the others. The match weight is",
        "fitted jointly over the comparisons, so it is log2(m/u) corrected for the dependence between",
        "them. The weights and the prior add up to log2 of the odds that a candidate is true.",
        "",
        "The standard error of a weight follows from the information matrix of the fit and takes candidates",
        "as independent. The interval (95%) does not: whole populations are drawn with replacement and all",
        f"is fitted again. A level marked `thin` was reached by fewer than {THIN} true or other candidates;",
        "its weight is drawn towards that of independent comparisons.",
    ]
    for name, card in model.scorecards.items():
        lines += _card_section(name, card, training)
    lines += [
        "",
        "## Rules in addition to the weights",
        "",
        f"- A pair at level `{'` or `'.join(TOO_WEAK_TO_LINK)}` is never linked. If its",
        "  weight is enough for a link, it goes to clerical review instead.",
        "- Rare names count for more because of what is compared; there is no term-frequency adjustment.",
        "  A single name that more than six people of a postcode sector share has no token of its own.",
        "",
        "## Limits",
        "",
        "- If the council lists no one at a dwelling, only its UPRN and address are compared.",
        "- The weights suit another council only if it keeps its lists in a similar way. Compare the share",
        "  of candidates at each level with this card, and train again if the shares differ.",
        "- No tie is decided by the order of pseudonyms, so training with another key gives the same digest.",
        "- The model uses no ethnic group, sex or illness. The quality report shows the gaps between groups.",
        "",
    ]
    path.write_text("\n".join(lines), "utf-8")


def _card_section(name: str, card: Scorecard, training: Training) -> list[str]:
    fitted, start = training.fits.get(name), training.starts.get(name)
    lines = ["", f"## Scorecard `{name}`", "", _PURPOSE[name], ""]
    lines.append(f"- prior: {card.prior:g} (match weight {card.prior_match_weight:+.2f})")
    lines.append(
        f"- match weight: a member stays from {card.upper_match_weight:+g} on, and is split off below"
        if name == "residence"
        else f"- match weights: accepted from {card.upper_match_weight:+g}, clerical review from"
        f" {card.lower_match_weight:+g}, least margin over the second best {card.margin_match_weight:g}"
    )
    if fitted is not None:
        true = sum(cell.true for cell in fitted.cells)
        other = sum(cell.other for cell in fitted.cells)
        lines.append(f"- candidates: {true:,} true, {other:,} other")
        lines.append(
            f"- fit: {'converged' if fitted.converged else 'DID NOT CONVERGE'}, steps: {fitted.steps}"
        )
        lines += _accepted(card, fitted)
    if start is not None:
        lines.append(f"- fits from two starting points differ by at most {start:.1e}")
    for comparison in SCORECARDS[name]:
        lines += _level_table(card, comparison, fitted, training.intervals.get(name))
    return lines + _sensitivity([row for row in training.sensitivity if row.scorecard == name])


def _accepted(card: Scorecard, fitted: Fit) -> list[str]:
    """Return the line on precision and recall at the acceptance threshold, among the training candidates."""
    accepted_true = accepted_other = all_true = 0
    for cell in fitted.cells:
        weight = card.weight_of(cell.levels)
        all_true += cell.true
        if weight >= card.upper_match_weight:
            accepted_true += cell.true
            accepted_other += cell.other
    accepted = accepted_true + accepted_other
    if not accepted or not all_true:
        return []
    return [
        f"- at the acceptance threshold, among the training candidates: precision"
        f" {accepted_true / accepted:.4f}, recall {accepted_true / all_true:.4f}"
    ]


def _level_table(
    card: Scorecard, comparison: Comparison, fitted: Fit | None, intervals: Intervals | None
) -> list[str]:
    if fitted is None:
        rows = [
            f"| {level.meaning} | `{level.id}` | {p.m:.6f} | {p.u:.6f} | {p.match_weight:+.2f} |"
            for level in comparison.levels
            for p in (card.levels[comparison.name][level.id],)
        ]
        head = ["| Level | id | m | u | match weight |", "|---|---|---:|---:|---:|"]
        return ["", f"### `{comparison.name}`: {comparison.meaning}", "", *head, *rows]
    counts = _counts(fitted, comparison.name, list(card.levels))
    rows = []
    for level in comparison.levels:
        p = card.levels[comparison.name][level.id]
        true, other = counts.get(level.id, (0, 0))
        error = fitted.standard_errors[comparison.name][level.id]
        low, high = (None, None) if intervals is None else intervals[comparison.name][level.id]
        interval = "" if low is None else f"{low:+.2f} to {high:+.2f}"
        thin = "thin" if min(true, other) < THIN else ""
        rows.append(
            f"| {level.meaning} | `{level.id}` | {p.m:.6f} | {p.u:.6f} | {true:,} | {other:,} |"
            f" {p.match_weight:+.2f} | {error:.2f} | {interval} | {thin} |"
        )
    head = [
        "| Level | id | m | u | true | other | match weight | standard error | 95% interval | |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    return ["", f"### `{comparison.name}`: {comparison.meaning}", "", *head, *rows]


def _counts(fitted: Fit, comparison: str, names: list[str]) -> dict[str | None, tuple[int, int]]:
    """Return the true and the other training candidates at each level."""
    position = names.index(comparison)
    counts: dict[str | None, tuple[int, int]] = {}
    for cell in fitted.cells:
        true, other = counts.get(cell.levels[position], (0, 0))
        counts[cell.levels[position]] = (true + cell.true, other + cell.other)
    return counts


def _sensitivity(rows: list[Sensitivity]) -> list[str]:
    """Return the table of links against each limit, for the training populations."""
    if not rows:
        return []
    lines = ["", "### Links against each limit, in the training populations", ""]
    lines += ["| Limit | value | links | right | precision |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        chosen = " (chosen)" if row.is_chosen else ""
        share = f"{row.right / row.links:.4f}" if row.links else "-"
        lines.append(f"| {row.limit}{chosen} | {row.value:+g} | {row.links:,} | {row.right:,} | {share} |")
    return lines
