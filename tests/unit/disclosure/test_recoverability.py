"""Hidden cells against an attacker who adds and subtracts: published examples and a brute-force oracle."""

import itertools
import math
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Fault, Refused
from pipeline.disclosure.recoverability import feasible_intervals
from pipeline.disclosure.secondary import protect

Cells = dict[str, int]
Relations = list[tuple[str, list[str]]]


def two_way(rows: dict[str, tuple[int, ...]]) -> tuple[Cells, Relations]:
    """A table with row totals `r`, column totals `0`, `1`, ... and a grand total `all`."""
    width = len(next(iter(rows.values())))
    cells = {f"{name}{column}": value for name, values in rows.items() for column, value in enumerate(values)}
    cells |= {name: sum(values) for name, values in rows.items()}
    cells |= {f"{column}": sum(values[column] for values in rows.values()) for column in range(width)}
    cells["all"] = sum(sum(values) for values in rows.values())
    relations = [(name, [f"{name}{column}" for column in range(width)]) for name in rows]
    relations += [(f"{column}", [f"{name}{column}" for name in rows]) for column in range(width)]
    relations += [("all", list(rows)), ("all", [f"{column}" for column in range(width)])]
    return cells, relations


MICRODATA_1 = two_way({"A": (18, 2), "B": (14, 19), "C": (12, 10), "D": (11, 14)})


def hiding(cells: Cells, *hidden: str) -> dict[str, int | None]:
    return {name: None if name in hidden else value for name, value in cells.items()}


def test_hiding_one_cell_of_a_table_with_margins_leaves_it_exact() -> None:
    cells, relations = MICRODATA_1

    assert feasible_intervals(hiding(cells, "A1"), relations) == {"A1": (2, 2)}


def test_hiding_a_rectangle_gives_the_published_interval_of_sdctable() -> None:
    cells, relations = MICRODATA_1

    found = feasible_intervals(hiding(cells, "A0", "A1", "C0", "C1"), relations)

    assert found == {"A0": (8, 20), "A1": (0, 12), "C0": (10, 22), "C1": (0, 12)}


@pytest.mark.parametrize(
    ("total", "shown"), [(0, (0,)), (15, (10, 5))], ids=["0 = x + x + 0", "15 = 10 + 5 + x + x"]
)
def test_two_hidden_cells_in_a_sum_that_is_used_up_are_both_proven_zero(
    total: int, shown: tuple[int, ...]
) -> None:
    cells: dict[str, int | None] = {"total": total, "x1": None, "x2": None}
    cells |= {f"s{number}": value for number, value in enumerate(shown)}

    found = feasible_intervals(cells, {"total": [name for name in cells if name != "total"]})

    assert found == {"x1": (0, 0), "x2": (0, 0)}


def test_totals_and_males_disclose_the_females_of_the_handbook() -> None:
    people = [(22, 21), (63, 58), (27, 23)]
    cells = {
        key: value
        for row, (total, males) in enumerate(people)
        for key, value in ((f"t{row}", total), (f"m{row}", males), (f"f{row}", None))
    }

    found = feasible_intervals(cells, [(f"t{row}", [f"m{row}", f"f{row}"]) for row in range(3)])

    assert [found[f"f{row}"] for row in range(3)] == [(1, 1), (5, 5), (4, 4)]


def test_knowing_that_hidden_cells_are_at_least_one_narrows_them() -> None:
    cells = {"t": 3, "a": None, "b": None}

    assert feasible_intervals(cells, {"t": ["a", "b"]}) == {"a": (0, 3), "b": (0, 3)}
    assert feasible_intervals(cells, {"t": ["a", "b"]}, lower=1) == {"a": (1, 2), "b": (1, 2)}


def test_a_hidden_cell_that_nothing_binds_has_no_upper_end() -> None:
    assert feasible_intervals({"a": None, "b": 4}, []) == {"a": (0, math.inf)}


def test_whole_numbers_tell_more_than_fractions_do() -> None:
    """Three pairs that sum to 1, 1 and 2 - 2d: d = 1/2 would fit fractions, whole numbers leave 0 and 1."""
    cells = {"one": 1, "two": 1, "odd": 3, "a": None, "b": None, "c": None}
    relations = [("one", ["a", "b"]), ("two", ["a", "c"]), ("odd", ["b", "c", "b", "c", "a", "a", "a"])]

    assert feasible_intervals(cells, relations) == {"a": (1, 1), "b": (0, 0), "c": (0, 0)}


def test_values_that_no_table_could_have_are_refused() -> None:
    with pytest.raises(Refused, match="CELLS_CONTRADICT"):
        feasible_intervals({"t": 3, "a": 5, "b": None}, {"t": ["a", "b"]})
    with pytest.raises(Refused, match="CELLS_CONTRADICT"):
        feasible_intervals({"t": 3, "a": 5}, {"t": ["a"]})


def test_a_relation_of_an_unlisted_cell_is_a_fault() -> None:
    with pytest.raises(Fault, match="RELATION_UNKNOWN_CELL"):
        feasible_intervals({"t": 3}, {"t": ["a"]})


def test_pairs_and_records_are_taken_as_well_as_mappings() -> None:
    expected = {"b": (2, 2)}

    assert feasible_intervals([("t", 5), ("a", 3), ("b", None)], [("t", ("a", "b"))]) == expected
    records = [{"id": "t", "value": 5}, {"id": "a", "value": 3}, {"id": "b", "value": None}]
    assert feasible_intervals(records, [{"total": "t", "parts": ["a", "b"]}]) == expected


def enumerate_tables(
    cells: dict[str, int | None], relations: Relations, lower: int, most: int
) -> Iterator[dict[str, int]]:
    hidden = [name for name, value in cells.items() if value is None]
    known = {name: value for name, value in cells.items() if value is not None}
    for choice in itertools.product(range(lower, most + 1), repeat=len(hidden)):
        table = known | dict(zip(hidden, choice, strict=True))
        if all(table[total] == sum(table[part] for part in parts) for total, parts in relations):
            yield table


@st.composite
def small_tables(draw: st.DrawFn) -> tuple[Cells, Relations, list[str]]:
    height, width = draw(st.integers(2, 3)), draw(st.integers(2, 3))
    rows = {name: tuple(draw(st.integers(0, 4)) for _ in range(width)) for name in "ABC"[:height]}
    cells, relations = two_way(rows)
    hidden = draw(st.lists(st.sampled_from(sorted(cells)), min_size=1, max_size=5, unique=True))
    return cells, relations, hidden


@settings(max_examples=120, deadline=None)
@given(small_tables(), st.integers(0, 1))
def test_intervals_are_those_that_trying_every_table_finds(
    case: tuple[Cells, Relations, list[str]], lower: int
) -> None:
    cells, relations, hidden = case
    if any(cells[name] < lower for name in hidden):
        return
    seen = hiding(cells, *hidden)
    most = cells["all"] + 3
    if (most + 1) ** len(hidden) > 60_000:
        return

    found = feasible_intervals(seen, relations, lower=lower)

    tables = list(enumerate_tables(seen, relations, lower, most))
    for name in hidden:
        values = [table[name] for table in tables]
        assert found[name].lower == min(values)
        assert found[name].upper == max(values) or (
            math.isinf(found[name].upper) and max(values) >= most - cells["all"]
        )


@settings(max_examples=120, deadline=None)
@given(small_tables())
def test_protection_leaves_no_unsafe_cell_exact_or_proven_zero(
    case: tuple[Cells, Relations, list[str]],
) -> None:
    cells, relations, unsafe = case

    hidden = protect(cells, relations, unsafe)

    assert set(unsafe) <= hidden <= set(cells)
    found = feasible_intervals(hiding(cells, *hidden), relations)
    for name in unsafe:
        assert found[name].upper > found[name].lower
        assert found[name].upper >= 1


def test_a_protected_cell_cannot_be_recovered_and_little_else_is_hidden() -> None:
    cells, relations = MICRODATA_1

    hidden = protect(cells, relations, ["A1"])

    assert len(hidden) == 4
    assert {"A1"} <= hidden


def test_a_sum_of_zeros_is_protected_by_hiding_its_total() -> None:
    cells = {"t": 0, "a": 0, "b": 0, "c": 0}

    assert "t" in protect(cells, {"t": ["a", "b", "c"]}, ["a", "b"])


def test_tables_that_share_cells_are_protected_together() -> None:
    """The total of one table is a part of the other: hiding within only one would be undone by the other."""
    cells = {"all": 30, "n": 12, "s": 18, "n1": 3, "n2": 9, "s1": 8, "s2": 10, "1": 11, "2": 19}
    relations = [
        ("all", ["n", "s"]), ("n", ["n1", "n2"]), ("s", ["s1", "s2"]),
        ("all", ["1", "2"]), ("1", ["n1", "s1"]), ("2", ["n2", "s2"]),
    ]  # fmt: skip

    hidden = protect(cells, relations, ["n1"])

    found = feasible_intervals(hiding(cells, *hidden), relations)
    assert found["n1"].upper > found["n1"].lower


def test_what_no_hiding_can_cover_is_refused() -> None:
    """A cell that is the only difference between two sums with the same total can only be zero."""
    with pytest.raises(Refused, match="CANNOT_PROTECT"):
        protect({"t": 5, "a": 5, "z": 0}, [("t", ["a"]), ("t", ["a", "z"])], ["z"])


def test_a_demanded_width_is_kept() -> None:
    cells, relations = MICRODATA_1

    hidden = protect(cells, relations, ["A1"], minimum_width=5)

    found = feasible_intervals(hiding(cells, *hidden), relations)["A1"]
    assert found.upper - found.lower >= 5
