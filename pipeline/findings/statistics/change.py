"""Change: a measure between two releases, and the verdict on a difference.

Works on counts. Intervals here are for chance: `release_comparison` adds noise and rounding. Whatever else
changed between two releases is listed with the differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from pipeline.statistics.interval import (
    Column,
    Interval,
    Numbers,
    as_columns,
    as_interval,
    check_all,
    confidence_level,
    wilson_interval,
)

#: What decides whether two releases are comparable, as recorded in a release -> its name in words.
ASPECTS: Mapping[str, str] = {
    "specification_version": "the version of the disclosure method",
    "method": "the disclosure profile",
    "definition": "the household definition",
    "measures": "the definition of measures",
    "model_digest": "the linkage model",
    "match_rate": "the share of NHS records placed in a dwelling",
    "households": "the number of households",
    "residents": "the number of residents",
    "sources": "the extracts supplied",
    "tables": "the tables published",
    "area_set": "the areas covered",
    "area_vintage": "the boundaries of areas",
    "deprivation": "the deprivation deciles of areas",
}
#: A number counts as changed from this relative change on.
UNCHANGED_SHARE = 0.02

VERDICTS = ("lower", "similar", "higher", "not compared")
JUDGEMENTS = {
    ("lower_is_better", "lower"): "better",
    ("lower_is_better", "higher"): "worse",
    ("higher_is_better", "higher"): "better",
    ("higher_is_better", "lower"): "worse",
}


@dataclass(frozen=True)
class Change:
    """One thing that differs between two releases; the statement explains what it means for the figures."""

    aspect: str
    before: Any
    after: Any
    statement: str


def difference_of_proportions(
    x_before: Column,
    n_before: Column,
    x_after: Column,
    n_after: Column,
    confidence: float = 0.95,
    correlation: Column = 0.0,
) -> Interval:
    """Return x_after / n_after minus x_before / n_before with Newcombe's hybrid score interval.

    correlation: of the two proportions, 0 where they are of different people. Proportions of the same people
    move together, so their difference has a narrower interval; `correlation_of_overlap` gives the value.
    Source: Newcombe 1998, Statistics in Medicine 17:873-890, method 10, for independent samples, and
    17:2635-2650, method 10, for paired ones.
    """
    x1, n1, x2, n2, together = as_columns(x_before, n_before, x_after, n_after, correlation)
    check_all(np.abs(together) <= 1, together, "a correlation must be from -1 to 1")
    before, after = wilson_interval(x1, n1, confidence), wilson_interval(x2, n2, confidence)
    value = np.asarray(after.value) - before.value

    def reach(down: Numbers, up: Numbers) -> Numbers:
        return np.asarray(np.sqrt(np.maximum(down**2 + up**2 - 2 * together * down * up, 0)))

    lower = value - reach(np.asarray(after.value) - after.lower, np.asarray(before.upper) - before.value)
    upper = value + reach(np.asarray(after.upper) - after.value, np.asarray(before.value) - before.lower)
    return as_interval(value, lower, upper)


def correlation_of_overlap(counts: Sequence[Column], shared: Column, same_status: Column) -> Numbers:
    """Return the correlation of two proportions that are partly of the same people.

    counts: x_before, n_before, x_after, n_after. shared: share of the later people who are in both.
    same_status: of those in both, the share who have the attribute both times or neither time.
    With the mean proportion p, the covariance of a person's two statuses is p (1 - p) minus half of the share
    that changed. It is counted as zero where it would be negative.
    """
    x1, n1, x2, n2, part, same = as_columns(*counts, shared, same_status)
    for column, name in ((part, "shared people"), (same, "people of the same status")):
        check_all((column >= 0) & (column <= 1), column, f"the share of {name} must be from 0 to 1")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (x1 + x2) / (n1 + n2)
        spread = mean * (1 - mean)
        persistence = np.where(spread > 0, 1 - (1 - same) / (2 * spread), 0.0)
        both = np.minimum(part * n2, np.minimum(n1, n2))
        return np.asarray(np.maximum(persistence, 0) * both / np.sqrt(n1 * n2))


def ratio_of_proportions(
    x_before: Column, n_before: Column, x_after: Column, n_after: Column, confidence: float = 0.95
) -> Interval:
    """Return the ratio of two proportions, after over before, with the log interval of Katz.

    Source: Katz et al. 1978; Altman et al. 2000, page 59. Both counts must be above zero.
    """
    x1, n1, x2, n2 = as_columns(x_before, n_before, x_after, n_after)
    check_all((x1 > 0) & (x2 > 0), x1, "both counts must be above zero")
    value = (x2 / n2) / (x1 / n1)
    error = np.sqrt(1 / x2 - 1 / n2 + 1 / x1 - 1 / n1)
    reach = stats.norm.ppf((1 + confidence_level(confidence)) / 2) * error
    return as_interval(value, value * np.exp(-reach), value * np.exp(reach))


def judge(direction: str, verdict: str) -> str:
    """Return "better" or "worse" where the measure has a direction; otherwise the verdict itself."""
    return JUDGEMENTS.get((direction, verdict), verdict)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what changed in definition, linkage or coverage between two releases' descriptions.

    before, after: aspect (see ASPECTS) -> value, where the release records it. A number has changed if it
    moved by 2% or more. An aspect that only one release records is a change too.
    """
    found = []
    for aspect, words in ASPECTS.items():
        old, new = before.get(aspect), after.get(aspect)
        if old is None and new is None:
            continue
        if old is None or new is None:
            known = "later" if old is None else "earlier"
            found.append(Change(aspect, old, new, f"Only the {known} release records {words}."))
        elif _is_number(old) and _is_number(new):
            if abs(new - old) >= UNCHANGED_SHARE * abs(old):
                moved = f"{new / old - 1:+.1%}" if old else "from zero"
                found.append(Change(aspect, old, new, f"{_sentence(words)} changed: {moved}."))
        elif old != new:
            named = _which(old, new)
            found.append(
                Change(aspect, old, new, f"{_sentence(words)} changed{named}: differences may not be real.")
            )
    return tuple(found)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _which(old: Any, new: Any) -> str:
    """Return the members that differ between two mappings or lists, in brackets."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        changed = sorted({*map(str, old)} ^ {*map(str, new)})
    else:
        return ""
    return f" ({', '.join(changed)})"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
