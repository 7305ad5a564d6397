"""Relations that the dictionary suggests: a measure and a dimension whose names have a word in common.

A suggestion is two hypotheses: the measure counts one category of the dimension; its denominator counts all
categories except `unknown`. The attack keeps the hypotheses that all printed numbers fit.
"""

from dataclasses import dataclass

from pipeline.disclosure.attack.from_files.cells import Printed
from pipeline.disclosure.attack.from_files.relations import ALL, UNKNOWN, Cells, Term

_POPULATION = "_population"
#: Words of names that many measures have.
_COMMON = frozenset(
    {"household", "households", "resident", "residents", "population"}
    | {"of", "with", "by", "in", "and", "at", "the", "65"}
)
#: Length of the common beginning with which two words count as one: overcrowded, overcrowding.
_BEGINNING = 6


@dataclass(frozen=True)
class Hypothesis:
    """What a measure may count. kind: "category" or "known". equations: one for each area."""

    measure: str
    dimension: str
    kind: str
    equations: tuple[tuple[Term, ...], ...]


def suggested(printed: Printed, known: Cells) -> list[Hypothesis]:
    """Return the hypotheses, in order of their names."""
    measures = sorted({(series[0], series[1]) for series, _ in known})
    found = []
    for unit, measure in measures:
        plain = ALL[unit]
        if measure == plain:
            continue
        for dimension, categories in sorted(printed.dimensions.items()):
            if not _have_a_word_in_common(measure, dimension, *categories):
                continue
            for category in categories:
                if category != UNKNOWN and not measure.endswith(_POPULATION):
                    found.append(_hypothesis(unit, measure, dimension, (category,), known, "category"))
            rest = tuple(category for category in categories if category != UNKNOWN)
            if len(rest) < len(categories):
                found.append(_hypothesis(unit, measure, dimension, rest, known, "known"))
    return [hypothesis for hypothesis in found if hypothesis.equations]


def _hypothesis(
    unit: str, measure: str, dimension: str, categories: tuple[str, ...], known: Cells, kind: str
) -> Hypothesis:
    equations = []
    for series, area in sorted(known, key=str):
        if series[:2] != (unit, measure) or dimension in dict(series[2]):
            continue
        parts = [
            ((unit, ALL[unit], tuple(sorted([*series[2], (dimension, category)]))), area)
            for category in categories
        ]
        if all(part in known for part in parts):
            equations.append((((series, area), -1.0), *((part, 1.0) for part in parts)))
    return Hypothesis(measure, dimension, kind, tuple(equations))


def _have_a_word_in_common(measure: str, *others: str) -> bool:
    ours = set(measure.split("_")) - _COMMON
    theirs = {word for other in others for word in other.split("_")} - _COMMON - {UNKNOWN}
    return any(
        one == other or (len(one) > _BEGINNING and one[:_BEGINNING] == other[:_BEGINNING])
        for one in ours
        for other in theirs
    )
