"""Columns of token lists: from one row per person to one row per unit, without copying tokens.

As in Arrow, a column of lists is one array of tokens and the offsets at which each row begins.
When people are sorted by unit, the tokens of a unit are those of its people in the same order;
only the offsets differ. So nothing is aggregated, and the lists of people and of units share
one array of tokens.

A unit's list can contain a token twice (two members have it). Comparisons count a shared token once.
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
_Built = TypeVar("_Built")

#: Rows whose tokens are reordered in one step.
_SORTED_ROWS = 122_880
#: Rows in one batch of a registered table. A DuckDB thread takes one batch; the batches are small enough
#: that even a town's rows occupy every thread.
_BATCH_ROWS = 20_480
#: When fewer than one row in this many moves, only those rows are moved.
_FEW = 8
#: At most two columns are built at the same time in the process, because each needs a copy in memory.
_COLUMNS_IN_WORK = BoundedSemaphore(2)


class TokenLists:
    """A column of token lists: `tokens[offsets[n]:offsets[n + 1]]` are the tokens of row n."""

    def __init__(self, offsets: Integers, tokens: Tokens) -> None:
        # 32-bit offsets take half the memory; they suffice for fewer than 2^31 tokens.
        self.offsets: Integers = offsets.astype(np.int32 if len(tokens) < 2**31 else np.int64, copy=False)
        self.tokens = tokens

    @classmethod
    def from_column(cls, column: pa.Array | pa.ChunkedArray) -> "TokenLists":
        """Return the lists of an Arrow column of tokens, or of lists of tokens; null is an empty list.

        Tokens are signed 64-bit integers in files. They are only compared for equality, so the same
        bits are read as unsigned.
        """
        whole = as_one_array(column)
        if not pa.types.is_list(whole.type):
            lengths = pc.cast(pc.is_valid(whole), pa.int32()).to_numpy()
            return cls(offsets_of(lengths), pc.drop_null(whole).to_numpy().view(np.uint64))
        offsets = whole.offsets.to_numpy()
        lengths = pc.fill_null(pc.list_value_length(whole), 0).to_numpy()
        if offsets[-1] - offsets[0] == lengths.sum(dtype=np.int64):
            # No null row has values, which is so in every file: the column's own memory is used.
            tokens = whole.values.to_numpy()[offsets[0] : offsets[-1]]
            return cls(offsets - offsets[0] if offsets[0] else offsets, tokens.view(np.uint64))
        return cls(offsets_of(lengths), pc.list_flatten(whole).to_numpy().view(np.uint64))

    @classmethod
    def empty(cls, rows: int) -> "TokenLists":
        """Return this many empty lists."""
        return cls(np.zeros(rows + 1, dtype=np.int64), np.zeros(0, dtype=np.uint64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self, rows: Integers) -> Integers:
        """Return the number of tokens of each of these rows."""
        return self.offsets[1:][rows] - self.offsets[rows]

    @property
    def rows(self) -> Integers:
        """The row number of each token."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))

    def sorted_by(self, order: Integers) -> "TokenLists":
        """Return the rows in this order (row numbers of `self`).

        A column that is in order is returned as it is. Where few rows move, only those are copied.
        """
        if len(order) == len(self):
            moved = np.flatnonzero(order != np.arange(len(order)))
            if not len(moved):
                return self
            if _FEW * len(moved) < len(order) and (result := self._with_few_moved(order, moved)):
                return result
        begins = np.take(self.offsets, order)
        lengths = np.take(self.offsets[1:], order)
        lengths -= begins
        offsets = offsets_of(lengths, lengths.dtype)
        begins -= offsets[:-1]
        tokens = np.empty(offsets[-1], dtype=np.uint64)
        # In slices, because the first use of a page of memory costs more than the arithmetic. `take` with
        # `out` lets other threads run; "clip" avoids a copy, and no position is out of range.
        for first in range(0, len(order), _SORTED_ROWS):
            rows = slice(first, first + _SORTED_ROWS)
            start, end = offsets[first], offsets[min(rows.stop, len(order))]
            positions = np.repeat(begins[rows], lengths[rows])
            positions += np.arange(start, end, dtype=positions.dtype)
            np.take(self.tokens, positions, out=tokens[start:end], mode="clip")
        return TokenLists(offsets, tokens)

    def _with_few_moved(self, order: Integers, moved: Integers) -> "TokenLists | None":
        """Return the rows in this order, in which only the rows `moved` differ from the present one.

        None where rows of different length change places, so that the tokens of others would shift.
        """
        begins, lengths = self.offsets[order[moved]], np.diff(self.offsets)
        lengths[moved] = lengths[order[moved]]
        offsets = offsets_of(lengths, lengths.dtype)
        is_shifted = offsets[:-1] != self.offsets[:-1]
        is_shifted[moved] = False
        if is_shifted.any():
            return None
        tokens = self.tokens.copy()
        tokens[positions_of(offsets[moved], lengths[moved])] = self.tokens[
            positions_of(begins, lengths[moved])
        ]
        return TokenLists(offsets, tokens)

    def merged_at(self, bounds: Integers) -> "TokenLists":
        """Return one row for the rows between each two bounds; the tokens are shared with `self`."""
        return TokenLists(self.offsets[bounds], self.tokens)

    def where(self, is_kept: npt.NDArray[np.bool_]) -> "TokenLists":
        """Return the same rows with only the tokens for which `is_kept` is true."""
        kept_before = np.concatenate(([0], np.cumsum(is_kept, dtype=np.int64)))
        return TokenLists(kept_before[self.offsets], self.tokens[is_kept])

    def followed_by(self, other: "TokenLists") -> "TokenLists":
        """Return in each row the tokens of this column, then those of the other column."""
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


def read_tokens(path: Path | None, name: str) -> TokenLists:
    """Read one column of tokens from a file, in the file's order; without a file there are no rows.

    Tokens are most of a file, so each column is read only when it is needed.
    """
    if path is None:
        return TokenLists.empty(0)
    return TokenLists.from_column(read_columns(path, [name])[name])


def read_sorted_tokens(path: Path | None, names: Iterable[str], order: Integers) -> dict[str, TokenLists]:
    """Read columns of tokens from a file, with its rows in this order."""
    return build_columns(lambda name: read_tokens(path, name).sorted_by(order), names)


def number_keys(keys: Tokens) -> Integers:
    """Return the number of each row's key; keys are numbered from 1 in the order of first occurrence."""
    # Rows with one key mostly follow each other, so runs of equal keys are sorted, not rows.
    begins = np.flatnonzero(np.concatenate((keys[:1] == keys[:1], keys[1:] != keys[:-1])))
    run_keys = keys[begins]
    order = np.argsort(run_keys, kind="stable")
    ordered = run_keys[order]
    is_new_key = np.concatenate((ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]))
    is_first_run = np.zeros(len(run_keys), dtype=np.int64)
    is_first_run[order[is_new_key]] = 1
    number_of_key = np.cumsum(is_first_run)[order[is_new_key]]
    numbers = np.empty(len(run_keys), dtype=np.int64)
    numbers[order] = number_of_key[np.cumsum(is_new_key) - 1]
    return np.repeat(numbers, np.diff(begins, append=len(keys)))


def as_one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the column as one array; a column of one chunk is not copied."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def ascending_order(names: pa.Array) -> Integers:
    """Return the row numbers of the names in ascending order; names that are in order are not sorted."""
    if pc.all(pc.less_equal(names[:-1], names[1:]), min_count=0).as_py():
        return np.arange(len(names))
    order: Integers = pc.sort_indices(names).to_numpy().astype(np.int64)
    return order


def sort_by_unit(unit_ids: Integers, rows: Integers, units: int) -> tuple[Integers, Integers]:
    """Return the rows sorted by unit id (1 to `units`) and, within a unit, by row number; and the bounds.

    bounds: where each unit begins among the sorted rows, and the end.
    """
    # Unit and row in one number: sorting numbers is several times faster than sorting positions.
    unit_and_row = np.sort((unit_ids << 32) | rows)
    bounds = np.searchsorted(unit_and_row, np.arange(1, units + 2, dtype=np.int64) << 32)
    return unit_and_row & 0xFFFFFFFF, bounds.astype(np.int64)


def build_columns(build: Callable[[str], _Built], names: Iterable[str]) -> dict[str, _Built]:
    """Return `build(name)` for each name; at most two are in work at a time in the whole process."""
    names = tuple(names)

    def built(name: str) -> _Built:
        with _COLUMNS_IN_WORK:
            return build(name)

    with ThreadPoolExecutor(2, thread_name_prefix="columns") as threads:
        return dict(zip(names, threads.map(built, names), strict=True))


def sliced_table(columns: Mapping[str, Column]) -> pa.Table:
    """Return a table of the columns in small batches, which several threads of DuckDB can share."""
    table = pa.table(dict(columns))
    return pa.Table.from_batches(table.to_batches(max_chunksize=_BATCH_ROWS), schema=table.schema)


def without_oversized_blocks(lists: TokenLists, maximum_units: int) -> tuple[TokenLists, int]:
    """Return the lists without the tokens that more than `maximum_units` rows have, and their number."""
    ordered = np.sort(lists.tokens)
    # A token that occurs more than `maximum_units` times is found again that many positions further on.
    later = ordered[maximum_units:]
    frequent = np.unique(later[later == ordered[: len(later)]])
    if not len(frequent):
        return lists, 0
    is_frequent = np.isin(lists.tokens, frequent)
    # A row that has a token twice counts once.
    token_and_row = np.stack((lists.tokens[is_frequent], lists.rows[is_frequent].astype(np.uint64)))
    tokens, units = np.unique(np.unique(token_and_row, axis=1)[0], return_counts=True)
    oversized = tokens[units > maximum_units]
    return lists.where(~np.isin(lists.tokens, oversized)), len(oversized)


def concatenate_columns(columns: Sequence[TokenLists]) -> TokenLists:
    """Return one column with, in each row, the tokens of all the columns."""
    whole = columns[0]
    for column in columns[1:]:
        whole = whole.followed_by(column)
    return whole


def positions_of(begins: Integers, lengths: Integers) -> Integers:
    """Return the positions begin, begin + 1, ... of each list, one list after the other."""
    positions: Integers = np.repeat(begins - offsets_of(lengths)[:-1], lengths)
    positions += np.arange(len(positions))
    return positions


def offsets_of(lengths: Integers, kind: npt.DTypeLike = np.int64) -> Integers:
    """Return the offset at which each list of these lengths begins, and the end."""
    offsets = np.zeros(len(lengths) + 1, dtype=kind)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
