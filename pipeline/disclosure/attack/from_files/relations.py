"""Relations between cells: those that the files state, and those that printed columns show.

An equation is a list of (cell, factor) whose sum is zero; an inequality one whose sum is zero or more.

Stated: sums over categories, over areas and over public attributes of areas; numerator within denominator;
every count of a unit within the plain count of all of that unit.
Shown: two series (a measure and categories over all areas) that print the same number wherever both print
one; a series and a further one that always add up to a third; sums of the known categories of a dimension.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

from pipeline.disclosure.attack.from_files.cells import Categories, Key, Printed, Series

Term = tuple[Key, float]
Cells = set[Key] | frozenset[Key]

#: Fewest areas, and fewest different numbers among them, from which a relation of columns is inferred.
_AREAS, _NUMBERS = 4, 3
#: The same for numbers with noise and rounding, which are more often equal by chance.
_AREAS_IF_ROUNDED = 8
#: The category of everyone whose status is not recorded.
UNKNOWN = "unknown"
ALL = {"household": "households", "resident": "residents"}
#: A count that is at least this share of another in every area, and never larger, is taken to be within it.
_ALMOST = 0.95


def stated(printed: Printed, keys: Iterable[Key]) -> tuple[list[list[Term]], list[list[Term]]]:
    """Return the equations and inequalities that follow from names, areas and dimensions."""
    known = set(keys)
    equations = [*_over_categories(printed, known), *_over_areas(printed, known)]
    within: list[list[Term]] = []
    for key in sorted(known, key=str):
        (unit, measure, categories), area = key
        wholes = {printed.whole_of.get((unit, measure)), ALL.get(unit)} - {None, measure}
        for whole in sorted(map(str, wholes)):
            larger = (unit, whole, categories), area
            if larger in known:
                within.append([(larger, 1.0), (key, -1.0)])
    return equations, within


def with_margins(printed: Printed) -> list[Key]:
    """Return all printed cells, and the totals that no table prints but that connect tables."""
    found = dict.fromkeys(printed.cells)
    for (unit, measure, categories), area in list(found):
        for left in _margins(categories):
            found[(unit, measure, left), area] = None
    above = {part: area for area, parts in printed.parts_of.items() for part in parts}
    for series, area in list(found):
        over = above.get(area)
        while over is not None:
            found[series, over] = None
            over = above.get(over)
    return list(found)


def _margins(categories: Categories) -> list[Categories]:
    left = [categories[:i] + categories[i + 1 :] for i in range(len(categories))]
    return list(dict.fromkeys([*left, ()])) if categories else []


def _over_categories(printed: Printed, known: set[Key]) -> list[list[Term]]:
    equations = []
    done: set[tuple[Key, str]] = set()
    for (unit, measure, categories), area in sorted(known, key=str):
        for dimension, _ in categories:
            rest = tuple(pair for pair in categories if pair[0] != dimension)
            total = (unit, measure, rest), area
            if (total, dimension) in done or total not in known:
                continue
            done.add((total, dimension))
            parts = [
                ((unit, measure, tuple(sorted([*rest, (dimension, category)]))), area)
                for category in printed.dimensions[dimension]
            ]
            if all(part in known for part in parts):
                equations.append([(total, -1.0), *((part, 1.0) for part in parts)])
    return equations


def _over_areas(printed: Printed, known: set[Key]) -> list[list[Term]]:
    equations = []
    for series, area in sorted(known, key=str):
        parts = [(series, part) for part in printed.parts_of.get(area, ())]
        if parts and all(part in known for part in parts):
            equations.append([((series, area), -1.0), *((part, 1.0) for part in parts)])
        unit, measure, categories = series
        for dimension, category in categories:
            within = printed.of_attribute.get((area, dimension, category))
            rest = tuple(pair for pair in categories if pair[0] != dimension)
            if within is None or printed.level[area] == "LSOA21":
                continue
            smaller = [((unit, measure, rest), lsoa) for lsoa in within]
            if all(part in known for part in smaller):
                equations.append([((series, area), -1.0), *((part, 1.0) for part in smaller)])
    return equations


def equal_columns(printed: Printed) -> list[tuple[Series, Series]]:
    """Return the pairs of series of one unit that print the same number wherever both print one."""
    columns = columns_of(printed)
    fewest = _AREAS if not printed.method.noise else _AREAS_IF_ROUNDED
    return [
        (one, other)
        for one, other in combinations(sorted(columns, key=str), 2)
        if one[0] == other[0] and _always(columns[one], columns[other], fewest)
    ]


def columns_that_add_up(printed: Printed) -> list[tuple[Series, Series, Series]]:
    """Return (whole, part, other part) of exact counts: the parts always add up to a plain count."""
    if printed.method.noise:
        return []
    columns = columns_of(printed)
    found = []
    for whole in sorted(columns, key=str):
        if whole[1] != ALL[whole[0]]:
            continue
        parts = [
            s for s in sorted(columns, key=str) if s[0] == whole[0] and s[:2] != whole[:2] and s != whole
        ]
        others = [s for s in sorted(columns, key=str) if s[0] == whole[0] and s != whole]
        for part in parts:
            if part[2] == whole[2]:
                rest = _difference(columns[whole], columns[part])
                found += [(whole, part, s) for s in others if s != part and _always(rest, columns[s])]
    return found


def columns_of(printed: Printed) -> dict[Series, dict[str, float]]:
    """Return series -> area -> printed value."""
    columns: dict[Series, dict[str, float]] = defaultdict(dict)
    for (series, area), (value, _) in printed.cells.items():
        if value is not None:
            columns[series][area] = value
    return dict(columns)


def known_sums(printed: Printed, keys: Iterable[Key]) -> list[list[Term]]:
    """Return the equations of populations that equal the sum of the known categories of a dimension.

    Of exact counts only. A population whose printed numbers always equal the sum of all categories of a plain
    count but `unknown` is taken to be that sum everywhere.
    """
    if printed.method.noise:
        return []
    known = set(keys)
    columns = columns_of(printed)
    found: list[list[Term]] = []
    for unit, plain in ALL.items():
        for dimension, categories in printed.dimensions.items():
            parts = [(unit, plain, ((dimension, c),)) for c in categories if c != UNKNOWN]
            if len(parts) == len(categories) or not all(part in columns for part in parts):
                continue
            areas = set.intersection(*(set(columns[part]) for part in parts))
            sums = {area: sum(columns[part][area] for part in parts) for area in areas}
            for series, column in columns.items():
                if series[0] == unit and series[1] != plain and not series[2] and _always(sums, column):
                    for key in known:
                        if key[0] == series and all((part, key[1]) in known for part in parts):
                            found.append([(key, -1.0), *(((part, key[1]), 1.0) for part in parts)])
    return found


def small_differences(printed: Printed) -> list[tuple[Key, Key, float]]:
    """Return pairs of printed counts, one within the other, that differ by 1 to the minimum less one.

    A count is within another if it has the same categories and is a numerator of it, if the other counts all
    of the unit, or if it is nearly as large in every area and never larger.
    """
    columns = columns_of(printed)
    nested = set()
    for whole, large in columns.items():
        for part, small in columns.items():
            if whole == part or whole[0] != part[0] or not set(whole[2]) <= set(part[2]):
                continue
            stated_within = whole[2] == part[2] and (
                whole[1] == ALL[whole[0]] or printed.whole_of.get((part[0], part[1])) == whole[1]
            )
            both = [area for area in large if area in small]
            nearly = len(both) >= _AREAS and all(
                _ALMOST * large[area] <= small[area] <= large[area] for area in both
            )
            if stated_within or (whole[1] == part[1]) or nearly:
                nested.add((whole, part))
    return [
        ((whole, area), (part, area), columns[whole][area] - value)
        for whole, part in sorted(nested, key=str)
        for area, value in sorted(columns[part].items())
        if area in columns[whole] and 0 < columns[whole][area] - value < printed.method.minimum
    ]


def _always(one: dict[str, float], other: dict[str, float], fewest: int = _AREAS) -> bool:
    both = [area for area in one if area in other]
    return (
        len(both) >= fewest
        and len({one[area] for area in both}) >= _NUMBERS
        and all(one[area] == other[area] for area in both)
    )


def _difference(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {area: one[area] - other[area] for area in one if area in other}
