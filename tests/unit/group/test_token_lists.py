"""Token lists merged into units, compared with plain Python on generated rows."""

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.group.token_lists import (
    TokenLists,
    ascending_order,
    concatenate_columns,
    number_keys,
    sort_by_unit,
    without_oversized_blocks,
)

ROWS = st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=12)


def token_lists(rows: list[list[int]]) -> TokenLists:
    return TokenLists.from_column(pa.chunked_array([pa.array(rows, pa.list_(pa.uint64()))]))


def plain(lists: TokenLists) -> list[list[int]]:
    return [row or [] for row in lists.as_arrow().to_pylist()]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.lists(st.integers(0, 9), max_size=4)), max_size=12))
def test_people_sorted_by_unit_and_merged_are_the_tokens_of_each_unit(
    members: list[tuple[int, list[int]]],
) -> None:
    rows = [tokens for _, tokens in members]
    unit_ids = np.array([unit for unit, _ in members], dtype=np.int64)
    order, bounds = sort_by_unit(unit_ids, np.arange(len(rows)), 5)
    people = token_lists(rows).sorted_by(order)
    units = people.merged_at(bounds)
    assert plain(people) == [rows[n] for n in np.argsort(unit_ids, kind="stable")]
    assert plain(units) == [
        [token for row, unit_id in zip(rows, unit_ids, strict=True) if unit_id == unit for token in row]
        for unit in range(1, 6)
    ]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=2), min_size=40, max_size=60), st.data())
def test_rows_in_order_stay_and_the_few_others_are_moved(rows: list[list[int]], data: st.DataObject) -> None:
    order = np.arange(len(rows))
    for _ in range(data.draw(st.integers(0, 2))):
        first = data.draw(st.integers(0, len(rows) - 3))
        order[first : first + 3] = data.draw(st.permutations(order[first : first + 3].tolist()))
    one, other = data.draw(st.tuples(*[st.integers(0, len(rows) - 1)] * 2))
    order[[one, other]] = order[[other, one]]
    lists = token_lists(rows)
    before = lists.tokens.copy()
    assert plain(lists.sorted_by(order)) == [rows[n] for n in order]
    assert np.array_equal(lists.tokens, before)


@settings(deadline=None)
@given(ROWS, st.integers(1, 3))
def test_a_block_is_oversized_if_more_units_have_its_token_than_allowed_however_often_each(
    rows: list[list[int]], maximum: int
) -> None:
    holders = Counter(token for row in rows for token in set(row))
    kept, oversized = without_oversized_blocks(token_lists(rows), maximum)
    assert plain(kept) == [[token for token in row if holders[token] <= maximum] for row in rows]
    assert oversized == sum(count > maximum for count in holders.values())


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=3), st.lists(st.integers(0, 9), max_size=3))))
def test_columns_are_concatenated_row_by_row(rows: list[tuple[list[int], list[int]]]) -> None:
    columns = [token_lists([row[n] for row in rows]) for n in (0, 1)]
    assert plain(concatenate_columns(columns)) == [first + second for first, second in rows]


TOKEN = st.integers(0, 2**56 - 1)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.none() | TOKEN, st.none() | st.lists(TOKEN, max_size=3)), max_size=12),
    st.integers(1, 5),
)
def test_single_tokens_and_lists_of_them_are_read_alike_from_any_chunks(
    rows: list[tuple[int | None, list[int] | None]], chunk_rows: int
) -> None:
    table = pa.table(
        {
            "single": pa.array([single for single, _ in rows], pa.int64()),
            "several": pa.array([several for _, several in rows], pa.list_(pa.int64())),
        }
    )
    read = pa.Table.from_batches(table.to_batches(max_chunksize=chunk_rows), table.schema)
    lists = {name: TokenLists.from_column(read[name]) for name in read.column_names}
    assert plain(lists["single"]) == [[] if single is None else [single] for single, _ in rows]
    assert plain(lists["several"]) == [several or [] for _, several in rows]


def test_a_missing_value_is_a_row_without_tokens_and_null_to_the_engine() -> None:
    lists = TokenLists.from_column(pa.chunked_array([pa.array([7, None, 9], pa.uint64())]))
    assert lists.as_arrow().to_pylist() == [[7], None, [9]]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), max_size=12))
def test_rows_of_one_key_are_one_unit_numbered_in_the_order_of_first_occurrence(keys: list[int]) -> None:
    numbers = number_keys(np.array(keys, dtype=np.uint64))
    distinct = list(dict.fromkeys(keys))
    assert numbers.tolist() == [distinct.index(key) + 1 for key in keys]


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=3), max_size=8))
def test_names_are_sorted_in_ascending_order(names: list[str]) -> None:
    places = ascending_order(pa.array(names, pa.string()))
    assert [names[n] for n in places] == sorted(names)
