"""Tokens in common, compared with plain Python on generated rows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.group.token_lists import Integers, TokenLists
from pipeline.link import token_overlap
from pipeline.link.token_overlap import are_empty, have_common_token, reached_levels

ROWS = st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=8)
PAIRS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=12)
LEVELS = {"both": (("a", "b"),), "either": (("a",), ("b",))}


def token_lists(rows: list[list[int]]) -> TokenLists:
    return TokenLists.from_column(pa.array(rows, pa.list_(pa.uint64())))


@settings(deadline=None)
@given(ROWS, ROWS, PAIRS)
def test_two_rows_share_a_token_where_plain_sets_do(
    one: list[list[int]], other: list[list[int]], pairs: list[tuple[int, int]]
) -> None:
    rows = np.array([a % len(one) for a, _ in pairs], dtype=np.int64)
    others = np.array([b % len(other) for _, b in pairs], dtype=np.int64)
    shared = have_common_token(token_lists(one), rows, token_lists(other), others)
    assert shared.tolist() == [bool({*one[a]} & {*other[b]}) for a, b in zip(rows, others, strict=True)]


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.lists(st.integers(0, 3), max_size=2)] * 4), min_size=1, max_size=8), PAIRS)
def test_a_pair_reaches_the_first_level_with_an_alternative_whose_columns_all_agree(
    rows: list[tuple[list[int], ...]], pairs: list[tuple[int, int]]
) -> None:
    people, units = (
        {name: token_lists([row[n] for row in rows]) for name, n in zip("ab", places, strict=True)}
        for places in ((0, 1), (2, 3))
    )
    asked = np.array([a % len(rows) for a, _ in pairs], dtype=np.int64)
    homes = np.array([b % len(rows) for _, b in pairs], dtype=np.int64)

    def expected(person: int, home: int) -> int:
        agrees = [bool({*rows[person][n]} & {*rows[home][n + 2]}) for n in (0, 1)]
        return 0 if all(agrees) else 1 if any(agrees) else 2

    reached = reached_levels(LEVELS, people, asked, units, homes)
    assert reached.tolist() == [expected(a, b) for a, b in zip(asked, homes, strict=True)]


@settings(deadline=None)
@given(ROWS, ROWS, PAIRS, st.integers(1, 9))
def test_the_result_does_not_depend_on_how_much_is_compared_in_one_step(
    one: list[list[int]], other: list[list[int]], pairs: list[tuple[int, int]], step: int
) -> None:
    rows = np.array([a % len(one) for a, _ in pairs], dtype=np.int64)
    others = np.array([b % len(other) for _, b in pairs], dtype=np.int64)
    asked = (token_lists(one), rows, token_lists(other), others)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(token_overlap, "_TOKEN_PAIRS_PER_STEP", step)
        in_parts = have_common_token(*asked)
    assert in_parts.tolist() == have_common_token(*asked).tolist()


def test_a_home_of_thousands_is_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    whole = token_overlap._share_token

    def noting(
        one: TokenLists, rows: Integers, other: TokenLists, other_rows: Integers
    ) -> token_overlap.Flags:
        sizes.append(int((one.lengths(rows) * other.lengths(other_rows)).sum()))
        return whole(one, rows, other, other_rows)

    monkeypatch.setattr(token_overlap, "_share_token", noting)
    people = 4_000
    members = TokenLists(np.arange(people + 1), np.arange(people, dtype=np.uint64))
    home = TokenLists(np.array([0, people]), np.arange(0, 2 * people, 2, dtype=np.uint64))
    shared = have_common_token(members, np.arange(people), home, np.zeros(people, dtype=np.int64))
    assert np.array_equal(shared, np.arange(people) % 2 == 0)
    assert len(sizes) == 4
    assert max(sizes) <= token_overlap._TOKEN_PAIRS_PER_STEP + people


def test_slices_meet_without_a_gap() -> None:
    rows = 200_000
    lists = {"a": TokenLists(np.arange(rows + 1), np.arange(rows, dtype=np.uint64))}
    shifted = np.roll(np.arange(rows), 1)
    assert not reached_levels({"same": (("a",),)}, lists, np.arange(rows), lists, np.arange(rows)).any()
    assert reached_levels({"same": (("a",),)}, lists, np.arange(rows), lists, shifted).all()


def test_a_row_is_empty_where_no_column_has_a_token() -> None:
    lists = {"a": token_lists([[], [1], [], [2]]), "b": token_lists([[], [], [1], [3]])}
    assert are_empty(lists, ("a", "b")).tolist() == [True, False, False, False]
