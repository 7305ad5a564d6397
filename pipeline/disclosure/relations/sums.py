"""Relations between a count and several categories of a dimension of a plain count.

The categories that are within the count add up to at most the count; the count is at most the sum of the
categories that it has someone in; and if these are the same, the count is their sum.
"""

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pipeline.disclosure.relations.counted_set import CountedSet
from pipeline.disclosure.relations.relation import Relation
from schemas.dimension import dimensions

Flags = npt.NDArray[np.bool_]
_PLAIN = {"household": "households", "resident": "residents"}

#: Answers whether everything in one count is in at least one of several others.
ImpliesOneOf = Callable[[CountedSet, tuple[CountedSet, ...]], bool]


def sums_of_categories(
    members: list[CountedSet], flags: Flags, proven: Flags, implies_one_of: ImpliesOneOf
) -> list[Relation]:
    """Return the relations of each count with the categories of plain counts.

    flags: per count, which random households or residents are in it. proven: for each pair of counts, whether
    the first is within the second.
    """
    number = {one: position for position, one in enumerate(members)}
    families: dict[tuple[tuple[tuple[str, str], ...], str], list[CountedSet]] = defaultdict(list)
    for one in members:
        if one.measure == _PLAIN[one.unit]:
            for dimension, _ in one.categories:
                rest = tuple(pair for pair in one.categories if pair[0] != dimension)
                families[rest, dimension].append(one)
    found = []
    for (rest, dimension), categories in sorted(families.items()):
        if len(categories) < _not_empty(dimension, members):
            continue
        for one in members:
            if one.categories != rest or one.measure == _PLAIN[one.unit]:
                continue
            found += _of_one(one, categories, number, flags, proven, implies_one_of)
    return found


def _not_empty(dimension: str, members: list[CountedSet]) -> int:
    """Return how many categories of a dimension any count has."""
    seen = {category for one in members for name, category in one.categories if name == dimension}
    return sum(category in seen for category in dimensions()[dimension].categories)


def _of_one(
    one: CountedSet,
    categories: list[CountedSet],
    number: dict[CountedSet, int],
    flags: Flags,
    proven: Flags,
    implies_one_of: ImpliesOneOf,
) -> list[Relation]:
    place = number[one]
    inside = tuple(c for c in categories if proven[number[c], place])
    touched = tuple(c for c in categories if (flags[number[c]] & flags[place]).any())
    is_covered = (
        1 < len(touched) < len(categories)
        and not (flags[place] & ~flags[[number[c] for c in touched]].any(axis=0)).any()
        and implies_one_of(one, touched)
    )
    if is_covered and inside == touched:
        return [Relation(one, touched, True)]
    return [Relation(one, inside, False)] if len(inside) > 1 else []
