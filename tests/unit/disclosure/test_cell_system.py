"""Cells and relations are read in every plain form; other input is refused with a clear message."""

import math
from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Fault, Refused
from pipeline.disclosure.recoverability import feasible_intervals
from pipeline.disclosure.secondary import is_exposed, protect

Pair = namedtuple("Pair", "first second")


@dataclass(frozen=True)
class Cell:
    cell_id: str
    value: int | None


@dataclass(frozen=True)
class Sum:
    total_id: str
    part_ids: tuple[str, ...]


CELLS: list[Any] = [
    {"t": 5, "a": 3, "b": None},
    [("t", 5), ("a", 3), ("b", None)],
    [["t", 5], ["a", 3], ["b", None]],
    [Pair("t", 5), Pair("a", 3), Pair("b", None)],
    [Cell("t", 5), Cell("a", 3), Cell("b", None)],
    [{"id": "t", "value": 5}, {"id": "a", "value": 3}, {"id": "b", "value": None}],
    {"t": np.int64(5), "a": Decimal(3), "b": math.nan},
    iter([("t", 5), ("a", 3), ("b", None)]),
]
RELATIONS: list[Any] = [
    {"t": ["a", "b"]},
    [("t", ["a", "b"])],
    [["t", ("a", "b")]],
    [("t", "a", "b")],
    [("t", {"a", "b"})],
    [Pair("t", ["a", "b"])],
    [Sum("t", ("a", "b"))],
    [{"total": "t", "parts": ["a", "b"]}],
    [{"total_id": "t", "part_ids": ["a", "b"]}],
    {"t": [["a", "b"], ["b", "a"]]},
    (("t", (part for part in "ab")) for _ in range(1)),
]


@pytest.mark.parametrize("cells", CELLS)
def test_cells_of_every_plain_form_are_the_same_cells(cells: Any) -> None:
    assert feasible_intervals(cells, {"t": ["a", "b"]}) == {"b": (2, 2)}


@pytest.mark.parametrize("relations", RELATIONS)
def test_relations_of_every_plain_form_are_the_same_sums(relations: Any) -> None:
    assert feasible_intervals({"t": 5, "a": 3, "b": None}, relations) == {"b": (2, 2)}


@pytest.mark.parametrize(
    ("total", "one", "other"),
    [
        (("A", "all"), ("A", "m"), ("A", "f")),
        (0, 1, 2),
        (frozenset("t"), frozenset("a"), frozenset("b")),
        ("total", "part one", "part two"),
    ],
)
def test_ids_may_be_of_any_hashable_kind(total: Any, one: Any, other: Any) -> None:
    cells = {total: 7, one: 3, other: None}

    assert feasible_intervals(cells, [(total, [one, other])]) == {other: (4, 4)}
    assert protect({**cells, other: 4}, [(total, [one, other])], [other]) == {one, other}


def test_a_total_of_a_single_part_may_name_it_without_a_list() -> None:
    assert feasible_intervals({"all": 4, "part": None}, [("all", "part")]) == {"part": (4, 4)}
    assert protect({"all": 4, "part": 4}, [("all", "part")], "part") == {"all", "part"}


@pytest.mark.parametrize(
    ("cells", "relations", "code"),
    [
        ([("a", 1), ("a", 2)], [], "CELL_TWICE"),
        ([("a", 1, 2)], [], "CELL_NOT_UNDERSTOOD"),
        (["ab"], [], "CELL_NOT_UNDERSTOOD"),
        ([(["a"], 1)], [], "CELL_NOT_UNDERSTOOD"),
        ({"a": "many"}, [], "CELL_VALUE_NOT_A_NUMBER"),
        ({"a": math.inf}, [], "CELL_VALUE_NOT_A_NUMBER"),
        ({"a": 1}, [("a", 7)], "RELATION_NOT_UNDERSTOOD"),
        ({"a": 1}, [7], "RELATION_NOT_UNDERSTOOD"),
        ({"a": 1}, [("a", ["b"])], "RELATION_UNKNOWN_CELL"),
    ],
)
def test_what_is_no_cell_or_relation_is_a_fault_with_a_code(cells: Any, relations: Any, code: str) -> None:
    with pytest.raises(Fault, match=code):
        feasible_intervals(cells, relations)


@pytest.mark.parametrize(
    ("lower", "interval"),
    [(-2, (-2, 7)), (0, (0, 5)), (0.5, (1, 4)), (2, (2, 3)), (-math.inf, (-math.inf, math.inf))],
)
def test_the_attackers_lower_bound_may_be_any_number(lower: float, interval: tuple[float, float]) -> None:
    found = feasible_intervals({"t": 5, "a": None, "b": None}, [("t", ["a", "b"])], lower=lower)

    assert found == {"a": interval, "b": interval}


def test_a_lower_bound_that_no_table_reaches_contradicts_the_cells() -> None:
    with pytest.raises(Refused, match="CELLS_CONTRADICT"):
        feasible_intervals({"t": 5, "a": None, "b": None}, [("t", ["a", "b"])], lower=3)


def test_amounts_that_are_not_whole_are_bounded_by_fractions() -> None:
    found = feasible_intervals({"t": 5.5, "a": None, "b": None, "c": 2.25}, [("t", ["a", "b", "c"])])

    assert found == {"a": (0, 3.25), "b": (0, 3.25)}


def test_cells_hidden_already_stay_hidden_and_serve_as_cover() -> None:
    cells = {"t": 20, "a": None, "b": None, "c": 4, "d": 9}

    hidden = protect(cells, {"t": ["a", "b", "c", "d"]}, ["c"])

    assert hidden == {"a", "b", "c"}


def test_cells_that_are_not_sums_of_each_other_are_refused_protection() -> None:
    with pytest.raises(Refused, match="CELLS_CONTRADICT"):
        protect({"t": 7, "a": 3, "b": 2}, {"t": ["a", "b"]}, ["a"])


@st.composite
def linked_tables(draw: st.DrawFn) -> tuple[dict[Any, int], list[Any], list[Any]]:
    """Households by area and tenure, and by area and band; areas nest in two regions: totals are shared."""
    areas = {"n": ["n1", "n2"], "s": ["s1", "s2", "s3"][: draw(st.integers(1, 3))]}
    cells: dict[Any, int] = {}
    relations: list[Any] = []
    leaves = [area for parts in areas.values() for area in parts]
    tenures, bands = ("own", "rent"), ("A", "B", "C")
    for area in leaves:
        one = st.tuples(st.sampled_from(tenures), st.sampled_from(bands))
        households = draw(st.lists(one, max_size=12))
        cells[area, "all"] = len(households)
        cells |= {(area, t): sum(h[0] == t for h in households) for t in tenures}
        cells |= {(area, b): sum(h[1] == b for h in households) for b in bands}
    for region, parts in {**areas, "all": list(areas)}.items():
        for kind in ("all", *tenures, *bands):
            cells[region, kind] = sum(cells[part, kind] for part in parts)
            relations.append(((region, kind), [(part, kind) for part in parts]))
    for area in (*leaves, *areas, "all"):
        relations += [((area, "all"), [(area, kind) for kind in kinds]) for kinds in (tenures, bands)]
    unsafe = draw(st.lists(st.sampled_from(sorted(cells)), min_size=1, max_size=8, unique=True))
    return cells, relations, unsafe


@settings(max_examples=25, deadline=None)
@given(linked_tables())
def test_linked_and_nested_tables_are_protected_together(
    case: tuple[dict[Any, int], list[Any], list[Any]],
) -> None:
    cells, relations, unsafe = case

    hidden = protect(cells, relations, unsafe)

    assert set(unsafe) <= hidden
    shown = {cell_id: None if cell_id in hidden else value for cell_id, value in cells.items()}
    found = feasible_intervals(shown, relations)
    assert not [cell_id for cell_id in unsafe if is_exposed(found[cell_id])]
    assert all(found[cell_id].lower <= cells[cell_id] <= found[cell_id].upper for cell_id in hidden)
    for extra in hidden - set(unsafe):  # none of the others is hidden in vain
        fewer = {**shown, extra: cells[extra]}
        intervals = feasible_intervals(fewer, relations)
        assert any(is_exposed(intervals[cell_id]) for cell_id in unsafe)
