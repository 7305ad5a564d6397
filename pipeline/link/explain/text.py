"""An explanation in words, for an operator or a methodologist at a terminal."""

from collections.abc import Iterator

from pipeline.link.explain.pair import Explanation, Part, rule_meanings


def explanation_text(explanation: Explanation) -> str:
    """Return the explanation as plain text: one table for each scorecard, and what was decided."""
    lines = [f"Address group of {explanation.group_records} NHS record(s)."]
    meanings = rule_meanings()
    for name, rules in (("Shared", explanation.shared), ("Not shared", explanation.not_shared)):
        lines += [f"{name} blocking values:", *(f"  {rule}: {meanings[rule]}" for rule in rules)]
        if not rules:
            lines.append("  none")
    for part in explanation.parts:
        lines += ["", f"{part.question} (scorecard {part.scorecard})", *_table(part), part.verdict]
    if explanation.outcome is not None:
        lines += ["", explanation.outcome]
    return "\n".join(lines) + "\n"


def _table(part: Part) -> Iterator[str]:
    rows = [
        (
            step.meaning if step.comparison is None else f"{step.comparison}: {step.meaning}",
            f"{step.match_weight:+.4f}",
            f"{step.total:+.4f}",
            f"{step.odds:.4g}",
            f"{step.probability:.4%}",
        )
        for step in part.steps
        # A comparison with nothing to compare adds nothing; residence has many of them.
        if step.comparison is None or step.level is not None or part.scorecard != "residence"
    ]
    heads = ("", "weight", "sum", "odds", "probability")
    width = max(len(row[0]) for row in rows)
    for head, *numbers in (heads, *rows):
        yield f"  {head:<{width}}" + "".join(f"{number:>12}" for number in numbers)
    if part.stored is not None:
        yield f"  {'weight that the run stored':<{width}}" + " " * 12 + f"{part.stored:>+12.4f}"
