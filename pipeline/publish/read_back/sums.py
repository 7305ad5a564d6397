"""P5 read back: what repeated addition and subtraction show about each hidden count.

Every count has a lower and an upper bound: a printed value has those of its rounding and noise, a hidden
count only zero. Then each total and its parts narrow one another, again and again, until nothing moves. The
bounds are never narrower than those of a linear program, and need none.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from pipeline.disclosure.profile import Profile
from pipeline.publish.read_back.printed import Group, PrintedRelease

Name = tuple[str, Group]
#: A hidden count is safe if it can be anything from 1 to 9, or if its bounds are so far apart.
_SMALLEST, _LARGEST, _WIDTH = 1, 9, 5
_ROUNDS = 50


class Bounds:
    """The bounds of every count, and the sums between counts."""

    def __init__(self, release: PrintedRelease, profile: Profile) -> None:
        self.low: dict[Name, float] = {}
        self.high: dict[Name, float] = {}
        self.hidden: set[Name] = set()
        self.is_contradicted = False
        printed: set[Name] = set()
        base, noise = profile.rounding_base, profile.noise_bound
        for cell, answer in release.cells.items():
            if release.measures[cell.measure].kind != "count":
                continue
            name = cell.measure, cell.group
            low, high = 0.0, math.inf
            if answer.value is not None:
                printed.add(name)
                low = max(profile.minimum_cell_count, answer.value - base // 2 - noise)
                high = answer.value + base - 1 - base // 2 + noise
            elif answer.shorthand == "[z]":
                high = 0.0
            elif answer.shorthand == "[c]":
                self.hidden.add(name)
            self.low[name] = max(low, self.low.get(name, 0.0))
            self.high[name] = min(high, self.high.get(name, math.inf))
        self.hidden -= printed

    def narrow(self, sums: list[tuple[Name, list[Name]]], within: list[tuple[Name, Name]]) -> None:
        """Narrow the bounds. sums: (total, its parts). within: (count, count that contains it)."""
        for _ in range(_ROUNDS):
            moved = False
            for total, parts in sums:
                moved |= self._narrow_sum(total, parts)
            for part, whole in within:
                moved |= self._set(part, 0.0, self.high[whole])
                moved |= self._set(whole, self.low[part], math.inf)
            if not moved or self.is_contradicted:
                return

    def _narrow_sum(self, total: Name, parts: list[Name]) -> bool:
        low, high = sum(self.low[part] for part in parts), sum(self.high[part] for part in parts)
        moved = self._set(total, low, high)
        unbounded = sum(self.high[part] == math.inf for part in parts)
        finite = sum(self.high[part] for part in parts if self.high[part] != math.inf)
        for part in parts:
            others_high = finite - self.high[part] if unbounded == 0 else math.inf
            if unbounded == 1 and self.high[part] == math.inf:
                others_high = finite
            others_low = low - self.low[part]
            moved |= self._set(part, self.low[total] - others_high, self.high[total] - others_low)
        return moved

    def _set(self, name: Name, low: float, high: float) -> bool:
        before = self.low[name], self.high[name]
        after = max(before[0], low), min(before[1], high)
        if after[0] > after[1]:
            self.is_contradicted = True
            return False
        self.low[name], self.high[name] = after
        return after != before

    def exposed(self) -> list[Name]:
        """Return the hidden counts whose bounds are narrow, or that can only be zero."""
        return [
            name
            for name in self.hidden
            if self.high[name] == 0
            or (
                self.high[name] - self.low[name] < _WIDTH
                and not (self.low[name] <= _SMALLEST and self.high[name] >= _LARGEST)
            )
        ]


def count_exposed(release: PrintedRelease, profile: Profile, mixed: frozenset[str]) -> int:
    """Return how many hidden counts addition and subtraction expose.

    mixed: areas whose values are of an earlier release; sums over areas leave them out, because values of two
    dates do not add up. Values that contradict one another count as one.
    """
    bounds = Bounds(release, profile)
    sums = [*_over_categories(bounds.low), *_over_areas(bounds.low, release, mixed)]
    within = [
        ((measure, group), (denominator, group))
        for measure, group in bounds.low
        if (denominator := release.measures[measure].denominator) and (denominator, group) in bounds.low
    ]
    bounds.narrow(sums, within)
    return len(bounds.exposed()) + bounds.is_contradicted


def _over_categories(names: Iterable[Name]) -> Iterator[tuple[Name, list[Name]]]:
    """Yield each group with its parts by one more dimension, if every category of that dimension is there."""
    parts: dict[tuple[str, Group, str], dict[str, Name]] = defaultdict(dict)
    categories: dict[str, set[str]] = defaultdict(set)
    known = set(names)
    for measure, group in known:
        for place, (dimension, category) in enumerate(group.categories):
            rest = group.categories[:place] + group.categories[place + 1 :]
            parts[measure, group._replace(categories=rest), dimension][category] = (measure, group)
            categories[dimension].add(category)
    for (measure, group, dimension), found in parts.items():
        if (measure, group) in known and set(found) == categories[dimension]:
            yield (measure, group), list(found.values())


def _over_areas(
    names: Iterable[Name], release: PrintedRelease, mixed: frozenset[str]
) -> Iterator[tuple[Name, list[Name]]]:
    """Yield each MSOA with its LSOAs and each authority with its MSOAs, if all of them are there."""
    inside: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for area in release.areas:
        inside["MSOA21", area.msoa].add(("LSOA21", area.lsoa))
        inside["LAD", area.authority].add(("MSOA21", area.msoa))
    known = set(names)
    for measure, group in known:
        members = inside.get((group.area_level, group.area_code), set())
        parts = [(measure, group._replace(area_level=level, area_code=code)) for level, code in members]
        codes = {group.area_code, *(code for _, code in members)}
        if parts and not codes & mixed and all(part in known for part in parts):
            yield (measure, group), parts
