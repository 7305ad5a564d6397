"""Token lists gathered into units, held against plain Python on generated rows."""

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.link.gathering import TokenLists, bounds_of, numbered_units, side_by_side, without_hot

ROWS = st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=12)


def token_lists(rows: list[list[int]]) -> TokenLists:
    return TokenLists.of_column(pa.chunked_array([pa.array(rows, pa.list_(pa.uint64()))]))


def plain(lists: TokenLists) -> list[list[int]]:
    return [row or [] for row in lists.as_arrow().to_pylist()]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.lists(st.integers(0, 9), max_size=4)), max_size=12))
def test_people_sorted_by_unit_and_bounded_are_the_tokens_of_each_unit(
    members: list[tuple[int, list[int]]],
) -> None:
    rows = [tokens for _, tokens in members]
    unit_ids = np.array([unit for unit, _ in members], dtype=np.int64)
    order = np.argsort(unit_ids, kind="stable")
    people = token_lists(rows).sorted_by(order)
    units = people.bounded_by(bounds_of(unit_ids[order], 5))
    assert plain(people) == [rows[n] for n in order]
    assert plain(units) == [
        [token for row, unit_id in zip(rows, unit_ids, strict=True) if unit_id == unit for token in row]
        for unit in range(1, 6)
    ]


@settings(deadline=None)
@given(ROWS, st.integers(1, 3))
def test_a_token_is_hot_when_more_units_hold_it_than_allowed_however_often_each(
    rows: list[list[int]], maximum: int
) -> None:
    holders = Counter(token for row in rows for token in set(row))
    kept, hot = without_hot(token_lists(rows), maximum)
    assert plain(kept) == [[token for token in row if holders[token] <= maximum] for row in rows]
    assert hot == sum(count > maximum for count in holders.values())


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=3), st.lists(st.integers(0, 9), max_size=3))))
def test_columns_stand_side_by_side_row_by_row(rows: list[tuple[list[int], list[int]]]) -> None:
    columns = [token_lists([row[n] for row in rows]) for n in (0, 1)]
    assert plain(side_by_side(columns)) == [first + second for first, second in rows]


TOKEN = st.integers(0, 2**56 - 1)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.none() | TOKEN, st.none() | st.lists(TOKEN, max_size=3)), max_size=6)),
)
def test_single_tokens_and_lists_of_them_are_read_alike_from_columns_of_any_chunks(
    chunks: list[list[tuple[int | None, list[int] | None]]],
) -> None:
    rows = [row for chunk in chunks for row in chunk]
    single, several = (
        pa.chunked_array([pa.array([row[n] for row in chunk], kind) for chunk in chunks], kind)
        for n, kind in enumerate((pa.int64(), pa.list_(pa.int64())))
    )
    assert plain(TokenLists.of_column(single)) == [[] if token is None else [token] for token, _ in rows]
    assert plain(TokenLists.of_column(several)) == [tokens or [] for _, tokens in rows]
    assert TokenLists.of_column(single).tokens.dtype == np.uint64


def test_a_missing_value_is_a_row_without_tokens_and_null_to_the_engine() -> None:
    lists = TokenLists.of_values(pa.array([7, None, 9], pa.uint64()))
    assert lists.as_arrow().to_pylist() == [[7], None, [9]]


def test_rows_of_one_key_are_one_unit() -> None:
    unit_ids, units = numbered_units(np.array([30, 10, 30, 20], dtype=np.uint64))
    assert (unit_ids.tolist(), units) == ([3, 1, 3, 2], 3)
