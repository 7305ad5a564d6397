"""Attacks a release with its files only, and reports each hidden count that is too well known."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.disclosure.attack.from_files.cells import Key, Printed, read_printed
from pipeline.disclosure.attack.from_files.names import Hypothesis, suggested
from pipeline.disclosure.attack.from_files.program import Program, whole
from pipeline.disclosure.attack.from_files.relations import (
    Term,
    columns_that_add_up,
    equal_columns,
    known_sums,
    small_differences,
    stated,
    with_margins,
)

#: An interval is wide enough if it has every small count from 1, or at least this width.
_WIDTH = 5


@dataclass(frozen=True)
class FromFiles:
    """What the attacker found.

    hidden: number of counts printed as `[c]`. exact: those with one possible value -> the value. narrow:
    those whose interval is too narrow -> the interval. zero: those that can only be zero.
    differences: pairs of printed counts, one within the other, with their difference of 1 to the minimum less
    one. relations: number of relations of each kind that were used. fits: whether the relations fit the
    printed numbers.
    """

    hidden: int
    exact: dict[Key, float] = field(repr=False)
    narrow: dict[Key, tuple[float, float]] = field(repr=False)
    zero: tuple[Key, ...] = field(repr=False)
    differences: tuple[tuple[Key, Key, float], ...] = field(repr=False)
    relations: dict[str, int]
    fits: bool

    @property
    def successes(self) -> int:
        """Number of hidden counts, and of differences, that are known too well."""
        return len({*self.exact, *self.narrow, *self.zero}) + len(self.differences) + (not self.fits)

    def in_words(self) -> str:
        """Return the result as a line of text."""
        if not self.fits:
            return "no counts fit what is printed"
        found = (
            f"of {self.hidden:,} hidden counts {len(self.exact):,} are exact, {len(self.zero):,} can only be "
            f"zero, {len(self.narrow):,} are too narrow; {len(self.differences):,} differences are small"
        )
        return f"{'succeeded' if self.successes else 'repelled'} ({found})"

    def record(self) -> dict[str, Any]:
        """Return the result as values that JSON can express; no cell is named."""
        below = sum(1 <= value <= 9 for value in self.exact.values())
        return {
            "hidden": self.hidden,
            "exact": len(self.exact),
            "exact_below_10": below,
            "proven_zero": len(self.zero),
            "narrow": len(self.narrow),
            "differences": len(self.differences),
            "relations": self.relations,
            "fits": self.fits,
        }


def attack_from_files(folder: Path) -> FromFiles:
    """Attack one release. folder: of its published files."""
    printed = read_printed(folder)
    keys = with_margins(printed)
    hidden = [
        key for key, (value, shorthand) in printed.cells.items() if value is None and shorthand == "[c]"
    ]
    equations, within = stated(printed, keys)
    known = set(keys)
    used: Counter[str] = Counter({"stated equations": len(equations), "stated inclusions": len(within)})
    equal: list[tuple[Key, Key]] = []
    for one, other in equal_columns(printed):
        pairs = [((one, area), (other, area)) for area in printed.level]
        equal += [pair for pair in pairs if pair[0] in known and pair[1] in known]
    used["equal cells"] = len(equal)
    summed = _sums_of(printed, known)
    used["cells that add up"] = len(summed)
    equations += summed
    program = None
    for largest_is_small in (True, False):
        bounds = {key: _bounds(printed, key, largest_is_small) for key in keys}
        if Program(bounds, equal, equations, within).fits():
            kept = _that_fit(suggested(printed, known), bounds, equal, equations, within)
            used["suggested by names"] = sum(len(hypothesis.equations) for hypothesis in kept)
            program = Program(bounds, equal, equations + _equations(kept), within)
            program.fits()
            break
    differences = () if printed.method.noise else tuple(small_differences(printed))
    if program is None:
        return FromFiles(len(hidden), {}, {}, (), differences, dict(used), fits=False)
    exact, narrow, zero = _judge(printed, program, sorted(hidden, key=str))
    return FromFiles(len(hidden), exact, narrow, tuple(zero), differences, dict(used), fits=True)


def _that_fit(
    hypotheses: list[Hypothesis],
    bounds: dict[Key, tuple[float, float]],
    equal: list[tuple[Key, Key]],
    equations: list[list[Term]],
    within: list[list[Term]],
) -> list[Hypothesis]:
    """Return the hypotheses that fit; of a measure and dimension only if no other category fits as well."""
    fitting = [
        hypothesis
        for hypothesis in hypotheses
        if Program(bounds, equal, equations + _equations([hypothesis]), within).fits()
    ]
    number = Counter((h.measure, h.dimension, h.kind) for h in fitting)
    kept: list[Hypothesis] = []
    for hypothesis in fitting:
        is_only_one = number[hypothesis.measure, hypothesis.dimension, hypothesis.kind] == 1
        together = equations + _equations([*kept, hypothesis])
        if is_only_one and Program(bounds, equal, together, within).fits():
            kept.append(hypothesis)
    return kept


def _equations(hypotheses: list[Hypothesis]) -> list[list[Term]]:
    return [list(equation) for hypothesis in hypotheses for equation in hypothesis.equations]


def _bounds(printed: Printed, key: Key, largest_is_small: bool) -> tuple[float, float]:
    low, high = printed.method.bounds(*printed.cells.get(key, (None, None)))
    if not largest_is_small and printed.cells.get(key, (None, None))[1] == "[c]":
        return low, float("inf")
    return low, high


def _sums_of(printed: Printed, known: set[Key]) -> list[list[Term]]:
    """Return the equations of columns that add up, for every area in which all of the cells exist."""
    found = known_sums(printed, known)
    for total, part, other in columns_that_add_up(printed):
        for area in printed.level:
            cells = ((total, area), (part, area), (other, area))
            if all(cell in known for cell in cells):
                found.append([(cells[0], -1.0), (cells[1], 1.0), (cells[2], 1.0)])
    return found


def _judge(
    printed: Printed, program: Program, hidden: list[Key]
) -> tuple[dict[Key, float], dict[Key, tuple[float, float]], list[Key]]:
    exact: dict[Key, float] = {}
    narrow: dict[Key, tuple[float, float]] = {}
    zero = []
    most_small = printed.method.minimum - 1
    for key in hidden:
        low, high = whole(*program.interval(key, (1.0, float(most_small))))
        if low == high:
            exact[key] = low
        elif not (low <= 1 and high >= most_small) and high - low < _WIDTH:
            low, high = whole(*program.interval(key, (float("-inf"), float("inf"))))
            if high - low < _WIDTH and not (low <= 1 and high >= most_small):
                narrow[key] = low, high
        if high < 1:
            zero.append(key)
    return exact, narrow, zero
