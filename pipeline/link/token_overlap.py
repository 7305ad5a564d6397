"""Token overlap: whether a row of one column of token lists has a token in common with a row of another.

A join in SQL would copy a dwelling's token lists to every member who is compared with it. Here a pair is
two row numbers, and the tokens are compared where they are.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from pipeline.group.token_lists import Integers, TokenLists, positions_of

Flags = npt.NDArray[np.bool_]
#: Column -> its token lists.
Lists = Mapping[str, TokenLists]
#: Columns that must all have a token in common.
Columns = tuple[str, ...]

#: Rows that a thread compares in one step.
_SLICE_ROWS = 65_536
#: Pairs of tokens compared in one step, which limits the temporary memory to some 100 MB.
_TOKEN_PAIRS_PER_STEP = 4_000_000


def reached_levels(
    levels: Mapping[str, tuple[Columns, ...]],
    people: Lists,
    person_rows: Integers,
    units: Lists,
    unit_rows: Integers,
) -> npt.NDArray[np.int8]:
    """Return for each pair the first level that it reaches, counted from 0; the number of levels if none.

    levels: level -> alternatives; a pair reaches the level if all columns of one alternative agree.
    person_rows, unit_rows: pair n is row `person_rows[n]` of `people` and row `unit_rows[n]` of `units`.
    """
    reached = np.full(len(person_rows), len(levels), dtype=np.int8)

    def compare(part: slice) -> None:
        persons, homes = person_rows[part], unit_rows[part]
        # A view of `reached`: assignments change the result.
        found = reached[part]
        for level, alternatives in enumerate(levels.values()):
            for columns in alternatives:
                candidates = np.flatnonzero(found == len(levels))
                for column in columns:
                    agree = have_common_token(
                        people[column], persons[candidates], units[column], homes[candidates]
                    )
                    candidates = candidates[agree]
                found[candidates] = level

    parts = [slice(first, first + _SLICE_ROWS) for first in range(0, len(person_rows), _SLICE_ROWS)]
    with ThreadPoolExecutor(2, thread_name_prefix="members") as threads:
        list(threads.map(compare, parts))
    return reached


def have_common_token(one: TokenLists, rows: Integers, other: TokenLists, other_rows: Integers) -> Flags:
    """Return for each n whether row `rows[n]` of `one` and row `other_rows[n]` of `other` share a token."""
    token_pairs = one.lengths(rows).astype(np.int64) * other.lengths(other_rows)
    shared = np.zeros(len(rows), dtype=np.bool_)
    with_tokens = np.flatnonzero(token_pairs)
    # In steps: in a home of thousands of people, each of them is compared with the tokens of all.
    work = np.cumsum(token_pairs[with_tokens])
    step_ends = np.arange(_TOKEN_PAIRS_PER_STEP, work.max(initial=0), _TOKEN_PAIRS_PER_STEP)
    for part in np.split(with_tokens, np.searchsorted(work, step_ends)):
        shared[part] = _share_token(one, rows[part], other, other_rows[part])
    return shared


def _share_token(one: TokenLists, rows: Integers, other: TokenLists, other_rows: Integers) -> Flags:
    lengths, other_lengths = one.lengths(rows), other.lengths(other_rows)
    pair = np.repeat(np.arange(len(rows)), lengths)
    tokens = one.tokens[positions_of(one.offsets[rows], lengths)]
    # Each token of a row is compared with every token of the other row.
    repeats = other_lengths[pair]
    other_tokens = other.tokens[positions_of(other.offsets[other_rows][pair], repeats)]
    shared = np.zeros(len(rows), dtype=np.bool_)
    is_equal: Flags = np.repeat(tokens, repeats) == other_tokens
    shared[np.repeat(pair, repeats)[is_equal]] = True
    return shared


def are_empty(lists: Lists, columns: Columns) -> Flags:
    """Return for each row whether it has no token in any of the columns."""
    empty: Flags = np.logical_and.reduce([np.diff(lists[column].offsets) == 0 for column in columns])
    return empty
