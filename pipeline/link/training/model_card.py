"""The model card: what an approver reads before they add a model's digest to the agreement."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.link.comparison import SCORECARDS, TOO_WEAK_TO_LINK, Comparison
from pipeline.link.model import Model, Scorecard
from pipeline.link.training.fitting import Fit

_PURPOSE = {
    "recorded": "Does an NHS address group belong to a dwelling near its recorded address?",
    "moved": "Do members who are not listed at their recorded address live at another dwelling?",
    "residence": "Does this member of a linked group live there, or is the registration out of date?",
}


def write_model_card(path: Path, model: Model, fits: Mapping[str, Fit], starts: Mapping[str, float]) -> None:
    """Write the card as Markdown; it contains counts and weights, and no data of any record.

    fits, starts: scorecard -> how it was fitted, and the largest difference between fits from two
    starting points; a scorecard that was not trained is in neither.
    """
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
    ]
    for name, card in model.scorecards.items():
        lines += _card_section(name, card, fits.get(name), starts.get(name))
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


def _card_section(name: str, card: Scorecard, fitted: Fit | None, start: float | None) -> list[str]:
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
        lines += _level_table(card, comparison)
    return lines


def _accepted(card: Scorecard, fitted: Fit) -> list[str]:
    """Return the line on precision and recall at the acceptance threshold, among the training candidates."""
    accepted_true = accepted_other = all_true = 0
    for cell in fitted.cells:
        weight = card.prior_match_weight + sum(
            levels[level].match_weight
            for levels, level in zip(card.levels.values(), cell.levels, strict=True)
            if level is not None
        )
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


def _level_table(card: Scorecard, comparison: Comparison) -> list[str]:
    rows = [
        f"| {level.meaning} | `{level.id}` | {p.m:.6f} | {p.u:.6f} | {p.match_weight:+.2f} |"
        for level in comparison.levels
        for p in (card.levels[comparison.name][level.id],)
    ]
    head = ["| Level | id | m | u | match weight |", "|---|---|---:|---:|---:|"]
    return ["", f"### `{comparison.name}`: {comparison.meaning}", "", *head, *rows]
