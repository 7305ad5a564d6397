"""From rows of people to rows of units: the same tokens, other boundaries.

A column of token lists is one long run of numbers and the places where each row's part begins.
Sorted by unit, the people's runs *are* the units' runs: only the boundaries change. So nothing is
aggregated, and the lists of people and of units share their memory.

A unit's list may hold a token twice (two members bear it); whatever compares lists counts shared
tokens once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.signedinteger[Any]]
Tokens = npt.NDArray[np.uint64]

#: Rows of a slice that the engine's threads take in turn.
_SLICE_ROWS = 122_880


class TokenLists:
    """A column of token lists, row after row: `tokens[offsets[n]:offsets[n + 1]]` are row n's."""

    def __init__(self, offsets: Integers, tokens: Tokens) -> None:
        # Half the memory, wherever 32 bits can say where a row begins.
        self.offsets: Integers = offsets.astype(np.int32 if len(tokens) < 2**31 else np.int64, copy=False)
        self.tokens = tokens

    @classmethod
    def of_column(cls, column: pa.ChunkedArray) -> "TokenLists":
        """Return the lists of an Arrow column of 64-bit numbers or of lists of them; null is an empty list.

        Numbers are compared for equality alone, so their bits are kept, whatever their sign.
        """
        if not pa.types.is_list(column.type):
            return cls.of_values(column)
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.int64)
        return cls(_ends(lengths), pc.list_flatten(column).to_numpy().view(np.uint64))

    @classmethod
    def of_values(cls, values: pa.Array | pa.ChunkedArray) -> "TokenLists":
        """Return lists of one token, or of none where it is null."""
        lengths = pc.cast(pc.is_valid(values), pa.int64()).to_numpy()
        return cls(_ends(lengths), pc.drop_null(values).to_numpy(zero_copy_only=False).view(np.uint64))

    @classmethod
    def none(cls, rows: int) -> "TokenLists":
        """Return lists that are all empty."""
        return cls(np.zeros(rows + 1, dtype=np.int64), np.zeros(0, dtype=np.uint64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def rows(self) -> Integers:
        """The row of each token."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))

    def sorted_by(self, order: Integers) -> "TokenLists":
        """Return the rows in another order."""
        lengths = np.diff(self.offsets)[order]
        offsets = _ends(lengths)
        places = np.repeat(self.offsets[:-1][order] - offsets[:-1], lengths)
        places += np.arange(len(places), dtype=places.dtype)
        return TokenLists(offsets, self.tokens[places])

    def bounded_by(self, bounds: Integers) -> "TokenLists":
        """Return one row for each stretch of rows between two bounds; the tokens are shared."""
        return TokenLists(self.offsets[bounds], self.tokens)

    def where(self, kept: npt.NDArray[np.bool_]) -> "TokenLists":
        """Return the same rows without the tokens that are not kept."""
        before = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
        return TokenLists(before[self.offsets], self.tokens[kept])

    def beside(self, other: "TokenLists") -> "TokenLists":
        """Return each row's tokens followed by those of the same row of another column."""
        offsets = self.offsets.astype(np.int64) + other.offsets
        tokens = np.empty(offsets[-1], dtype=np.uint64)
        tokens[np.arange(len(self.tokens)) + np.repeat(other.offsets[:-1], np.diff(self.offsets))] = (
            self.tokens
        )
        tokens[np.arange(len(other.tokens)) + np.repeat(self.offsets[1:], np.diff(other.offsets))] = (
            other.tokens
        )
        return TokenLists(offsets, tokens)

    def as_arrow(self) -> pa.Array:
        """Return the column; a row without tokens is null."""
        kind = pa.ListArray if self.offsets.dtype == np.int32 else pa.LargeListArray
        return kind.from_arrays(
            pa.array(self.offsets),
            pa.array(self.tokens),
            mask=pa.array(np.diff(self.offsets) == 0),
        )


@dataclass
class Rows:
    """Rows that were read: columns and token lists. Whoever uses one for the last time takes it out."""

    count: int
    columns: dict[str, pa.Array | pa.ChunkedArray]
    lists: dict[str, TokenLists]


def bounds_of(sorted_ids: Integers, units: int) -> Integers:
    """Return where each unit's rows begin among rows sorted by unit id (1 to `units`), and the end."""
    return np.searchsorted(sorted_ids, np.arange(1, units + 2, dtype=np.int64)).astype(np.int64)


def numbered_units(keys: Tokens) -> tuple[Integers, int]:
    """Return the unit id (from 1, in the order of the keys) of each row's key, and the units."""
    distinct, place = np.unique(keys, return_inverse=True)
    return place.astype(np.int64) + 1, len(distinct)


def sliced(columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """Return a table of the columns in slices that several threads can read at once."""
    table = pa.table(dict(columns))
    return pa.Table.from_batches(table.to_batches(max_chunksize=_SLICE_ROWS), schema=table.schema)


def without_hot(lists: TokenLists, maximum_units: int) -> tuple[TokenLists, int]:
    """Return the lists without the tokens that more than `maximum_units` rows hold, and those counted."""
    order = np.sort(lists.tokens)
    # A token that more rows hold than allowed is met again that many places on.
    later = order[maximum_units:]
    suspects = np.unique(later[later == order[: len(later)]])
    if not len(suspects):
        return lists, 0
    suspect = np.isin(lists.tokens, suspects)
    # A row that holds a token twice counts once.
    held = np.unique(np.stack((lists.tokens[suspect], lists.rows[suspect].astype(np.uint64))), axis=1)[0]
    tokens, units = np.unique(held, return_counts=True)
    hot = tokens[units > maximum_units]
    return lists.where(~np.isin(lists.tokens, hot)), len(hot)


def side_by_side(lists: Sequence[TokenLists]) -> TokenLists:
    """Return the lists of several columns as one column."""
    whole = lists[0]
    for more in lists[1:]:
        whole = whole.beside(more)
    return whole


def _ends(lengths: Integers) -> Integers:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)))
