"""Which counts of linkage quality may be published: the disclosure rules, applied to groups of records.

A group's counts (linked and not linked, or right, wrong and missed) are published, rounded, if each of them
reaches the minimum. Otherwise the group is `[c]`. Groups add up to a published total, so another group is
hidden wherever the hidden counts could be worked out: each hidden count must still be possible at any value
from 1 to 9, or within an interval at least 5 wide, and must never be proven zero (P5 of the specification).
"""

from collections.abc import Mapping
from dataclasses import dataclass

_WIDTH = 5


@dataclass(frozen=True)
class Terms:
    """minimum_cell_count: smaller counts are withheld. rounding_base: counts are rounded to its multiples."""

    minimum_cell_count: int
    rounding_base: int

    def rounded(self, count: int) -> int:
        """Return the count rounded to the base; halves are rounded up."""
        return (2 * count + self.rounding_base) // (2 * self.rounding_base) * self.rounding_base

    @property
    def slack(self) -> int:
        """How far a published count may differ from the true count."""
        return self.rounding_base // 2


Counts = tuple[int, ...]


def protect(
    cells: Mapping[str, Counts], totals: Counts, terms: Terms
) -> tuple[dict[str, Counts | None], Counts | None]:
    """Return the cells and totals as they may be published; None for each that must be hidden.

    cells: category -> counts; each column of counts adds up to the same column of totals.
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
            low = 0  # the rest may be in the other hidden groups
        elif len(bounds) == 1 or all(other[0] > small for at, other in enumerate(bounds) if at != place):
            high = min(high, small)  # then this count must be the reason why the group is hidden
        if high < 1 or not ((low <= 1 and high >= small) or high - low >= _WIDTH):
            return True
    return False
