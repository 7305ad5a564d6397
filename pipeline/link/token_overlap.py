"""Which rows of token lists have a token in common with a row of another column.

In SQL every list of the one side is copied to each row of the other that it is joined to. Here only its
place is: the tokens are compared where they are.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from pipeline.group.token_lists import Integers, TokenLists, positions_of

Flags = npt.NDArray[np.bool_]
#: Column -> its lists, row after row.
Lists = Mapping[str, TokenLists]
#: A way to agree: columns that must all have a token in common.
Way = tuple[str, ...]

#: Rows that a thread takes at a time.
_SLICE_ROWS = 65_536
#: Tokens held against each other at a time, so that what is temporary stays small: some 100 MB.
_COMPARED_AT_ONCE = 4_000_000


def level_of(
    levels: Mapping[str, tuple[Way, ...]], people: Lists, rows: Integers, units: Lists, homes: Integers
) -> npt.NDArray[np.int8]:
    """Return the first level that each person reaches, counted from 0; their number where none is.

    people, rows: lists of people, and the rows of those asked about. units, homes: lists of units, and the
    row of the unit that each of them is compared with.
    """
    reached = np.full(len(rows), len(levels), dtype=np.int8)

    def judge(slice_: slice) -> None:
        mine, theirs = rows[slice_], homes[slice_]
        # A view: what is written there is written into the whole.
        found = reached[slice_]
        for level, ways in enumerate(levels.values()):
            for way in ways:
                asked = np.flatnonzero(found == len(levels))
                for column in way:
                    alike = have_common_token(people[column], mine[asked], units[column], theirs[asked])
                    asked = asked[alike]
                found[asked] = level

    slices = [slice(first, first + _SLICE_ROWS) for first in range(0, len(rows), _SLICE_ROWS)]
    with ThreadPoolExecutor(2, thread_name_prefix="members") as threads:
        list(threads.map(judge, slices))
    return reached


def have_common_token(one: TokenLists, rows: Integers, other: TokenLists, other_rows: Integers) -> Flags:
    """Return whether row `rows[n]` of `one` and row `other_rows[n]` of `other` have a token in common."""
    compared = one.lengths(rows).astype(np.int64) * other.lengths(other_rows)
    shared = np.zeros(len(rows), dtype=np.bool_)
    asked = np.flatnonzero(compared)
    # Thousands in one home hold thousands of tokens each against all of theirs.
    work = np.cumsum(compared[asked])
    ends = np.searchsorted(work, np.arange(_COMPARED_AT_ONCE, work.max(initial=0), _COMPARED_AT_ONCE))
    for part in np.split(asked, ends):
        shared[part] = _share_token(one, rows[part], other, other_rows[part])
    return shared


def _share_token(one: TokenLists, rows: Integers, other: TokenLists, other_rows: Integers) -> Flags:
    lengths, other_lengths = one.lengths(rows), other.lengths(other_rows)
    pair = np.repeat(np.arange(len(rows)), lengths)
    tokens = one.tokens[positions_of(one.offsets[rows], lengths)]
    # Each token of a row is held against every token of the other row.
    against = other_lengths[pair]
    held = other.tokens[positions_of(other.offsets[other_rows][pair], against)]
    shared = np.zeros(len(rows), dtype=np.bool_)
    alike: Flags = np.repeat(tokens, against) == held
    shared[np.repeat(pair, against)[alike]] = True
    return shared


def are_empty(lists: Lists, columns: Way) -> Flags:
    """Return whether a row has no token in any of the columns."""
    empty: Flags = np.logical_and.reduce([np.diff(lists[column].offsets) == 0 for column in columns])
    return empty
