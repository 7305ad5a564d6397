"""Which counts of linkage quality may be printed: the disclosure rules, applied to groups of records.

A group's counts are printed, rounded, where each of them reaches the minimum (linked and not linked, or
right, wrong and missed); else the group is `[c]`. As groups add up to a printed total, one more is hidden
wherever the hidden ones could be worked out: each hidden count must be able to be anything from 1 to 9,
or lie in an interval at least 5 wide, and never be proven nought (P5 of the specification).
"""

from collections.abc import Mapping
from dataclasses import dataclass

_WIDTH = 5


@dataclass(frozen=True)
class Terms:
    """minimum_cell_count: fewer records than this are withheld; rounding_base: counts are multiples of it."""

    minimum_cell_count: int
    rounding_base: int

    def rounded(self, count: int) -> int:
        """Return the count rounded to the base, halves up."""
        return (2 * count + self.rounding_base) // (2 * self.rounding_base) * self.rounding_base

    @property
    def slack(self) -> int:
        """By how much a printed count may differ from the true one."""
        return self.rounding_base // 2


Counts = tuple[int, ...]


def protect(
    cells: Mapping[str, Counts], totals: Counts, terms: Terms
) -> tuple[dict[str, Counts | None], Counts | None]:
    """Return what of the cells, and of their totals, may be printed; None where nothing may.

    cells: category -> counts; each column of counts adds up to that of totals.
    """
    if not _is_large(totals, terms):
        return dict.fromkeys(cells), None
    printed = tuple(terms.rounded(count) for count in totals)
    visible = {name: counts for name, counts in cells.items() if _is_large(counts, terms)}
    while visible and len(visible) < len(cells):
        rounded = {name: tuple(map(terms.rounded, counts)) for name, counts in visible.items()}
        if not _is_recoverable(rounded, printed, len(cells) - len(visible), terms):
            break
        del visible[min(visible, key=lambda name: (min(visible[name]), name))]
    return (
        {
            name: tuple(map(terms.rounded, counts)) if name in visible else None
            for name, counts in cells.items()
        },
        printed,
    )


def _is_large(counts: Counts, terms: Terms) -> bool:
    return all(count >= terms.minimum_cell_count for count in counts)


def _is_recoverable(visible: Mapping[str, Counts], totals: Counts, hidden: int, terms: Terms) -> bool:
    """Answer whether what is printed narrows a hidden count down too far."""
    bounds = []
    for place, total in enumerate(totals):
        shown = [counts[place] for counts in visible.values()]
        low = total - terms.slack - sum(count + terms.slack for count in shown)
        high = total + terms.slack - sum(count - terms.slack for count in shown)
        bounds.append((max(0, low), high))
    small = terms.minimum_cell_count - 1
    for place, (low, high) in enumerate(bounds):
        if hidden > 1:
            low = 0  # the other hidden groups may hold the rest
        elif len(bounds) == 1 or all(other[0] > small for at, other in enumerate(bounds) if at != place):
            high = min(high, small)  # then it must be this count for which the group is hidden
        if high < 1 or not ((low <= 1 and high >= small) or high - low >= _WIDTH):
            return True
    return False
