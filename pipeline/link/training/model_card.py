"""The model card: what an approver reads before putting a model's digest into the agreement."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.link.comparison import SCORECARDS, TOO_LITTLE, Comparison
from pipeline.link.model import Model, Scorecard
from pipeline.link.training.fitting import Fit

_PURPOSE = {
    "recorded": "Does an NHS address group belong to a dwelling near its recorded address?",
    "moved": "Are people whom their recorded address does not know listed at another dwelling?",
    "residence": "Does this member of a linked group live there, or is the registration stale?",
}


def write_model_card(path: Path, model: Model, fits: Mapping[str, Fit], starts: Mapping[str, float]) -> None:
    """Write the card as Markdown; it holds counts and weights, and nothing of any record."""
    lines = [
        "# Linkage model",
        "",
        f"Digest: `{model.digest}`",
        "",
        "The digest is what the agreement approves; a night that finds another model is refused.",
        "",
        "## Trained on",
        "",
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in model.trained_on.items()),
        "",
        "Parameters are shares among *candidates* (pairs that a blocking rule brought together), not",
        "among all pairs: m of the true ones, u of the others. The match weight is fitted jointly",
        "over the comparisons, so it is log2(m/u) corrected for what one comparison says about",
        "the next. Weights add up, with the prior, to log2 of the odds that a candidate is true.",
    ]
    for name, card in model.scorecards.items():
        lines += _card_section(name, card, fits.get(name), starts.get(name))
    lines += [
        "",
        "## Beside the weights",
        "",
        f"- No link rests on `{'` or `'.join(TOO_LITTLE)}` alone: such pairs go to clerical",
        "  review, whatever they weigh.",
        "- Rare names count for more through what is compared, not through a term-frequency adjustment:",
        "  a single name that more than six people of its postcode sector bear has no token of its own.",
        "",
        "## Limits",
        "",
        "- A dwelling for which the council lists nobody is judged by its UPRN and address alone.",
        "- Weights carry over to another council as far as its lists are kept alike; compare the",
        "  share of candidates at each level with this card, and train again where it has moved.",
        "- No tie is decided by the order of pseudonyms, so training under another key gives this digest.",
        "- Nothing here is a person's ethnic group, sex or illness; gaps by group are in the quality report.",
        "",
    ]
    path.write_text("\n".join(lines), "utf-8")


def _card_section(name: str, card: Scorecard, fitted: Fit | None, start: float | None) -> list[str]:
    lines = ["", f"## Scorecard `{name}`", "", _PURPOSE[name], ""]
    lines.append(f"- prior: {card.prior:g} (match weight {card.prior_match_weight:+.2f})")
    lines.append(
        f"- accepted from {card.upper_match_weight:+g}, reviewed from {card.lower_match_weight:+g},"
        f" margin {card.margin_match_weight:g}"
    )
    if fitted is not None:
        true = sum(cell.true for cell in fitted.cells)
        other = sum(cell.other for cell in fitted.cells)
        lines.append(f"- candidates: {true:,} true, {other:,} other")
        rest = "converged" if fitted.converged else "DID NOT CONVERGE"
        lines.append(f"- fit: {rest} in {fitted.steps} steps")
        lines += _accepted(card, fitted)
    if start is not None:
        lines.append(f"- two starts differ by at most {start:.1e}")
    for comparison in SCORECARDS[name]:
        lines += _level_table(card, comparison)
    return lines


def _accepted(card: Scorecard, fitted: Fit) -> list[str]:
    """Say how the acceptance threshold does on the candidates themselves, cell by cell."""
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
        f"- at the threshold, of the candidates it learned from: precision"
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
