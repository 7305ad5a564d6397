"""The tables of `docs/linkage-method.md`, made from the model's file and from what the code declares.

Each table is Markdown under a name; the page has a pair of markers for each name. No figure is typed here: a
retrained model changes the page by `make docs`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from pipeline.group.blocking import MOVED_RULES, RECORDED_RULES
from pipeline.link.comparison import SCORECARDS, TOO_WEAK_TO_LINK, Comparison
from pipeline.link.comparison_inputs import PERSON_TOKENS
from pipeline.link.model import Model, Parameters, Scorecard
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS
from pipeline.quality.precision_interval import DIFFERENCES, interval

#: What every level has; other numbers of a level (such as a standard error) are columns of their own.
_ALWAYS = ("m", "u", "match_weight")
#: Comparisons whose condition is SQL -> the same condition in words.
_NOTHING_TO_COMPARE = {
    "place": "the UPRN is missing on one side, and no form of the address is on both",
    "people": "the group has no people or the list has no names; or no one is listed, the council lists no"
    " one anywhere, and the dwelling is not recorded as empty",
}
_COLUMN = re.compile(r"\b([a-z_]+)_[lr]\b")


def method_tables(model: Model) -> dict[str, str]:
    """Return the generated parts of the page by name."""
    cards = {
        f"scorecard {name}": _scorecard(model.scorecards[name], comparisons)
        for name, comparisons in SCORECARDS.items()
    }
    parts: Mapping[str, Callable[[], str]] = {
        "model": lambda: _model(model),
        "tokens": _tokens,
        "blocking": _blocking,
        "decisions": lambda: _decisions(model),
        "tokens not compared": _not_compared,
        "precision": _precision,
    }
    return {name: make() for name, make in parts.items()} | cards


def _model(model: Model) -> str:
    trained = [f"| {key.replace('_', ' ')} | {_number(value)} |" for key, value in model.trained_on.items()]
    return "\n".join(["| Model | |", "|---|---|", f"| digest | `{model.digest}` |", *trained])


def _tokens() -> str:
    rows = [
        f"| `{field.name}` | {field.made_of}{f', with the {field.salt}' if field.salt else ''} |"
        f" {'several' if field.is_list else 'one'} |"
        f" {field.maximum_records if field.maximum_records is not None else 'no limit'} |"
        for field in (*ADDRESS_FIELDS, *PERSON_FIELDS)
    ]
    return _table(("Token", "Made of", "Values a record", "Withheld above (records)"), rows)


def _not_compared() -> str:
    rows = [
        f"| `{field.name}` | {field.made_of} |" for field in PERSON_FIELDS if field.name not in PERSON_TOKENS
    ]
    return _table(("Token that no level compares", "Made of"), rows)


def _blocking() -> str:
    rows = [
        f"| `{card}` | `{rule.id}` | {rule.meaning} | {', '.join(f'`{s}`' for s in rule.sources)} |"
        f" {rule.maximum_units} |"
        for card, rules in (("recorded", RECORDED_RULES), ("moved", MOVED_RULES))
        for rule in rules
    ]
    return _table(("Scorecard", "Rule", "Shared value", "Made of", "Most units with one value"), rows)


def _decisions(model: Model) -> str:
    rows = []
    for name, card in model.scorecards.items():
        is_residence = name == "residence"
        limits = (card.upper_match_weight, card.lower_match_weight, card.margin_match_weight)
        shown = (f"{limits[0]:+g}", *("-" if is_residence else f"{x:+g}" for x in limits[1:]))
        rows.append(
            f"| `{name}` | {card.prior:g} | {card.prior_match_weight:+.4f} | {' | '.join(shown)} |"
            f" {1 / (1 + 2**-card.upper_match_weight):.3f} |"
        )
    heads = (
        "Scorecard",
        "Prior",
        "Prior as match weight",
        "Accepted from",
        "Clerical review from",
        "Least margin",
        "Probability at acceptance",
    )
    weak = " and ".join(f"`{level}`" for level in TOO_WEAK_TO_LINK)
    return (
        _table(heads, rows) + f"\n\nThe levels {weak} of `people` never link: a pair that reaches one of them"
        " and has enough weight is left to clerical review."
    )


def _scorecard(card: Scorecard, comparisons: Iterable[Comparison]) -> str:
    return "\n\n".join(_comparison(card, comparison) for comparison in comparisons)


def _comparison(card: Scorecard, comparison: Comparison) -> str:
    levels = card.levels[comparison.name]
    more = _more_numbers(next(iter(levels.values())))
    has_sql = any(level.sql for level in comparison.levels)
    heads = (
        "Level",
        "Id",
        *(("Compared",) if has_sql else ()),
        "m",
        "u",
        "Match weight",
        "Bayes factor",
        *(name.replace("_", " ").capitalize() for name in more),
    )
    rows = [
        "| "
        + " | ".join(
            (
                level.meaning,
                f"`{level.id}`",
                *((_compared(level.sql),) if has_sql else ()),
                f"{p.m:.6f}",
                f"{p.u:.6f}",
                f"{p.match_weight:+.4f}",
                f"{2**p.match_weight:.4g}",
                *(_number(value) for value in _more_numbers(p).values()),
            )
        )
        + " |"
        for level in comparison.levels
        for p in (levels[level.id],)
    ]
    order = [f"`{stronger}` >= `{weaker}`" for stronger, weaker in comparison.at_least]
    parts = [f"**`{comparison.name}`**: {comparison.meaning}.", _table(heads, rows), _missing(comparison)]
    if order:
        parts.append(f"Order by construction: {'; '.join(order)}.")
    return "\n\n".join(part for part in parts if part)


def _missing(comparison: Comparison) -> str:
    if comparison.missing == "FALSE":
        return ""
    words = _NOTHING_TO_COMPARE.get(comparison.name, comparison.missing)
    return f"No level and no weight: {words}."


def _compared(sql: str | None) -> str:
    if sql is None:
        return "everything else"
    return ", ".join(f"`{name}`" for name in dict.fromkeys(_COLUMN.findall(sql)))


def _more_numbers(parameters: Parameters) -> dict[str, object]:
    return {name: value for name, value in asdict(parameters).items() if name not in _ALWAYS}


def _precision() -> str:
    rows = [
        f"| {name} | {household:+.4f} | {residence:+.4f} |"
        for name, (household, residence) in DIFFERENCES.items()
    ]
    widths = {name: 0.5 - interval(0.5, name)[0] for name in ("household", "residence")}
    rows.append(
        "| **half width of the 95% interval** | " + " | ".join(f"{w:.4f}" for w in widths.values()) + " |"
    )
    return _table(("Population", "Household, measured less estimated", "Residence"), rows)


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    heads = tuple(heads)
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *rows])


def _number(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
