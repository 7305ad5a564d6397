"""What is printed of linkage quality: nobody can be counted back out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality.protection import Terms, protect

TERMS = Terms(minimum_cell_count=10, rounding_base=5)


@pytest.mark.parametrize(
    ("linked", "missed", "printed"),
    [(10, 10, (10, 10)), (12, 13, (10, 15)), (9, 10, None), (10, 9, None), (10, 0, None)],
)
def test_a_group_is_printed_where_both_parts_reach_the_minimum(
    linked: int, missed: int, printed: tuple[int, int] | None
) -> None:
    cells = {"group": (linked, missed), "other": (500, 300), "third": (400, 5)}
    totals = tuple(sum(column) for column in zip(*cells.values(), strict=True))
    shown, total = protect(cells, totals, TERMS)
    assert shown["group"] == printed
    assert total is not None


def test_nothing_is_printed_of_a_total_that_is_small() -> None:
    assert protect({"a": (9,)}, (9,), TERMS) == ({"a": None}, None)


def test_a_hidden_group_that_the_total_would_prove_empty_takes_another_with_it() -> None:
    """18 prints as 20 four times and 72 as 70: what is left for the fifth group is nought at most."""
    cells = {**dict.fromkeys("abcd", (500, 18)), "e": (500, 0)}
    shown, _ = protect(cells, (2500, 72), TERMS)
    assert shown["e"] is None
    assert sum(counts is None for counts in shown.values()) == 2


def test_a_hidden_group_with_room_is_hidden_alone() -> None:
    cells = {"a": (500, 40), "b": (300, 30), "c": (200, 4)}
    shown, _ = protect(cells, (1000, 74), TERMS)
    assert shown == {"a": (500, 40), "b": (300, 30), "c": None}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=7))
def test_the_truth_is_always_possible_and_no_hidden_count_is_pinned_down(
    groups: list[tuple[int, int]],
) -> None:
    cells = {str(n): counts for n, counts in enumerate(groups)}
    totals = tuple(sum(column) for column in zip(*groups, strict=True))
    shown, printed = protect(cells, totals, TERMS)
    for name, counts in shown.items():
        assert counts is None or min(cells[name]) >= 10
        assert counts is None or all(count % 5 == 0 for count in counts)
    hidden = [name for name, counts in shown.items() if counts is None]
    if printed is None or len(hidden) != 1 or len(groups) == 1:
        return
    for place, total in enumerate(printed):
        rest = sum(counts[place] for counts in shown.values() if counts is not None)
        slack = 2 * (len(groups) - len(hidden)) + 2
        low, high = max(0, total - rest - slack), total - rest + slack
        assert low <= cells[hidden[0]][place] <= high
        assert high >= 1
        assert high - low >= 5 or (low <= 1 and high >= 9)
