"""From rows of people to rows of units: the same tokens, other boundaries.

A column of token lists is one long run of numbers and the places where each row's part begins.
Sorted by unit, the people's runs *are* the units' runs: only the boundaries change. So nothing is
aggregated, and the lists of people and of units share their memory.

A unit's list may hold a token twice (two members bear it); whatever compares lists counts shared
tokens once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.tables import read_columns

Integers = npt.NDArray[np.signedinteger[Any]]
Tokens = npt.NDArray[np.uint64]
Column: TypeAlias = pa.Array | pa.ChunkedArray | Integers
_Made = TypeVar("_Made")

#: Rows whose tokens are put in order at a time.
_SORTED_ROWS = 122_880
#: Rows of a slice that the engine's threads take in turn: few enough that a town's are shared out too.
_REGISTERED_ROWS = 20_480
#: Fewer than one row in so many is few: they are put in their places one by one.
_FEW = 8
#: Columns at work: more would hold more copies in memory at once.
_AT_WORK = BoundedSemaphore(2)


class TokenLists:
    """A column of token lists, row after row: `tokens[offsets[n]:offsets[n + 1]]` are row n's."""

    def __init__(self, offsets: Integers, tokens: Tokens) -> None:
        # Half the memory, wherever 32 bits can say where a row begins.
        self.offsets: Integers = offsets.astype(np.int32 if len(tokens) < 2**31 else np.int64, copy=False)
        self.tokens = tokens

    @classmethod
    def of_column(cls, column: pa.Array | pa.ChunkedArray) -> "TokenLists":
        """Return the lists of an Arrow column of lists of whole numbers, or of single ones; null is none.

        Tokens are compared for equality alone, so their bytes are kept, whatever their sign.
        """
        whole = as_one(column)
        if not pa.types.is_list(whole.type):
            held = pc.cast(pc.is_valid(whole), pa.int32()).to_numpy()
            return cls(ends(held), pc.drop_null(whole).to_numpy().view(np.uint64))
        offsets = whole.offsets.to_numpy()
        lengths = pc.fill_null(pc.list_value_length(whole), 0).to_numpy()
        if offsets[-1] - offsets[0] == lengths.sum(dtype=np.int64):
            # Nothing hides under a null, as in every file: the column's own memory will do.
            tokens = whole.values.to_numpy()[offsets[0] : offsets[-1]]
            return cls(offsets - offsets[0] if offsets[0] else offsets, tokens.view(np.uint64))
        return cls(ends(lengths), pc.list_flatten(whole).to_numpy().view(np.uint64))

    @classmethod
    def none(cls, rows: int) -> "TokenLists":
        """Return lists that are all empty."""
        return cls(np.zeros(rows + 1, dtype=np.int64), np.zeros(0, dtype=np.uint64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self, rows: Integers) -> Integers:
        """Return how many tokens each of these rows has."""
        return self.offsets[1:][rows] - self.offsets[rows]

    @property
    def rows(self) -> Integers:
        """The row of each token."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))

    def sorted_by(self, order: Integers) -> "TokenLists":
        """Return the rows in another order; what stands where it belongs is not moved."""
        if len(order) == len(self):
            displaced = np.flatnonzero(order != np.arange(len(order)))
            if not len(displaced):
                return self
            if _FEW * len(displaced) < len(order) and (nearly := self._mended(order, displaced)):
                return nearly
        begins = np.take(self.offsets, order)
        lengths = np.take(self.offsets[1:], order)
        lengths -= begins
        offsets = ends(lengths, lengths.dtype)
        begins -= offsets[:-1]
        tokens = np.empty(offsets[-1], dtype=np.uint64)
        # A slice at a time: memory touched for the first time costs more than the sums. `take` into
        # a given place lets other threads run; "clip" spares it a copy, and no place is out of range.
        for first in range(0, len(order), _SORTED_ROWS):
            rows = slice(first, first + _SORTED_ROWS)
            start, end = offsets[first], offsets[min(rows.stop, len(order))]
            places = np.repeat(begins[rows], lengths[rows])
            places += np.arange(start, end, dtype=places.dtype)
            np.take(self.tokens, places, out=tokens[start:end], mode="clip")
        return TokenLists(offsets, tokens)

    def _mended(self, order: Integers, displaced: Integers) -> "TokenLists | None":
        """Return the rows in another order in which few are displaced; None where others shift with them."""
        begins, lengths = self.offsets[order[displaced]], np.diff(self.offsets)
        lengths[displaced] = lengths[order[displaced]]
        offsets = ends(lengths, lengths.dtype)
        shifted = offsets[:-1] != self.offsets[:-1]
        shifted[displaced] = False
        if shifted.any():
            return None
        moved = lengths[displaced]
        tokens = self.tokens.copy()
        tokens[stretches(offsets[displaced], moved)] = self.tokens[stretches(begins, moved)]
        return TokenLists(offsets, tokens)

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


def tokens_of(path: Path | None, name: str) -> TokenLists:
    """Return one column of tokens of a file, in its order; a file that is not there has no rows.

    Tokens are most of a file, so they are read a column at a time, when they are wanted.
    """
    if path is None:
        return TokenLists.none(0)
    return TokenLists.of_column(read_columns(path, [name])[name])


def sorted_tokens(path: Path | None, names: Iterable[str], order: Integers) -> dict[str, TokenLists]:
    """Return columns of tokens of a file, with its rows in another order."""
    return together(lambda name: tokens_of(path, name).sorted_by(order), names)


def numbered(keys: Tokens) -> Integers:
    """Return the number of each row's key, from 1, in the order in which the keys are first met."""
    # Rows of one key mostly follow one another, so stretches of them are put in order, not rows.
    begins = np.flatnonzero(np.concatenate((keys[:1] == keys[:1], keys[1:] != keys[:-1])))
    heads = keys[begins]
    order = np.argsort(heads, kind="stable")
    ordered = heads[order]
    is_first = np.concatenate((ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]))
    met_first = np.zeros(len(heads), dtype=np.int64)
    met_first[order[is_first]] = 1
    number = np.cumsum(met_first)[order[is_first]]
    numbers = np.empty(len(heads), dtype=np.int64)
    numbers[order] = number[np.cumsum(is_first) - 1]
    return np.repeat(numbers, np.diff(begins, append=len(keys)))


def as_one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the column in one piece; one that is in one piece already is not copied."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def ascending(names: pa.Array) -> Integers:
    """Return the places of the names in their order, which most often is theirs already."""
    if pc.all(pc.less_equal(names[:-1], names[1:]), min_count=0).as_py():
        return np.arange(len(names))
    places: Integers = pc.sort_indices(names).to_numpy().astype(np.int64)
    return places


def by_unit(unit_ids: Integers, rows: Integers, units: int) -> tuple[Integers, Integers]:
    """Return the rows sorted by their unit ids (1 to `units`) and, within a unit, by themselves;
    and where each unit begins among them, and the end.
    """
    # Both in one number, because numbers are sorted several times faster than places.
    together = np.sort((unit_ids << 32) | rows)
    bounds = np.searchsorted(together, np.arange(1, units + 2, dtype=np.int64) << 32)
    return together & 0xFFFFFFFF, bounds.astype(np.int64)


def together(make: Callable[[str], _Made], names: Iterable[str]) -> dict[str, _Made]:
    """Return what is made of each column; two columns at a time, whoever asks."""
    names = tuple(names)

    def made(name: str) -> _Made:
        with _AT_WORK:
            return make(name)

    with ThreadPoolExecutor(2, thread_name_prefix="columns") as threads:
        return dict(zip(names, threads.map(made, names), strict=True))


def sliced(columns: Mapping[str, Column]) -> pa.Table:
    """Return a table of the columns in slices that several threads can read at once."""
    table = pa.table(dict(columns))
    return pa.Table.from_batches(table.to_batches(max_chunksize=_REGISTERED_ROWS), schema=table.schema)


def without_oversized_blocks(lists: TokenLists, maximum_units: int) -> tuple[TokenLists, int]:
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


def stretches(begins: Integers, lengths: Integers) -> Integers:
    """Return the places of stretches, one after the other."""
    places: Integers = np.repeat(begins - ends(lengths)[:-1], lengths)
    places += np.arange(len(places))
    return places


def ends(lengths: Integers, kind: npt.DTypeLike = np.int64) -> Integers:
    """Return where rows of these lengths begin, and the end."""
    found = np.zeros(len(lengths) + 1, dtype=kind)
    np.cumsum(lengths, out=found[1:])
    return found
