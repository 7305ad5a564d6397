"""What the repair decides between two audits: counts implied, cells that are near, cells that are many."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from governance.errors import Refused
from pipeline.disclosure.audit.repair import (
    COARSENED_FROM,
    _few_and_many,
    _fill_implied,
    _has_printed_part,
    _neighbours,
)

NAN = float("nan")


def system(relations: list[dict[int, float]], printed: list[bool], **columns: Any) -> Any:
    """relations: cell -> sign, -1 for the total."""
    rows = [(number, cell, sign) for number, r in enumerate(relations) for cell, sign in r.items()]
    relation, cell, sign = (np.array(column) for column in zip(*rows, strict=True))
    return SimpleNamespace(
        size=len(printed),
        member_relation=relation.astype(np.int64),
        member_cell=cell.astype(np.int64),
        member_sign=sign.astype(np.float64),
        printed=np.array(printed),
        **columns,
    )


#: 0 = 1 + 2, and 2 = 3 + 4.
TREE = [{0: -1, 1: 1, 2: 1}, {2: -1, 3: 1, 4: 1}]


@pytest.mark.parametrize(
    ("counts", "filled"),
    [
        ([NAN, 3, 4, 1, 3], [7, 3, 4, 1, 3]),
        ([7, 3, NAN, 1, 3], [7, 3, 4, 1, 3]),
        ([7, NAN, NAN, 1, 3], [7, 3, 4, 1, 3]),
        ([7, 3, NAN, NAN, 3], [7, 3, 4, 1, 3]),
        ([7, 3, 4, 1, 3], [7, 3, 4, 1, 3]),
    ],
)
def test_a_count_that_no_table_has_follows_from_a_sum_that_lacks_only_it(
    counts: list[float], filled: list[float]
) -> None:
    found = _fill_implied(system(TREE, [True] * 5), np.array(counts, dtype=np.float64))
    assert found.tolist() == filled


def test_counts_that_follow_from_no_sum_stop_the_audit() -> None:
    with pytest.raises(Refused, match="AUDIT_INCOMPLETE"):
        _fill_implied(system(TREE, [True] * 5), np.array([7, 3, 4, NAN, NAN]))


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ([False] * 5, [False] * 5),
        ([True, False, False, False, False], [True, True, True, False, False]),
        ([False, False, True, False, False], [True] * 5),
        ([False, False, False, True, False], [False, False, True, True, True]),
    ],
)
def test_a_cell_has_a_printed_part_where_a_sum_that_it_is_in_has_one(
    printed: list[bool], found: list[bool]
) -> None:
    assert _has_printed_part(system(TREE, printed)).tolist() == found


def test_the_smallest_printed_cell_of_a_sum_is_hidden_with_an_exposed_one() -> None:
    tree = system(TREE, [True, True, False, True, False])
    reference = np.array([7.0, 3.0, 4.0, 1.0, 3.0])
    assert _neighbours(tree, reference, np.array([4])).tolist() == [3]
    assert _neighbours(tree, reference, np.array([2])).tolist() == [3]
    assert _neighbours(tree, reference, np.array([1])).tolist() == [1]
    none = system(TREE, [False] * 5)
    assert _neighbours(none, reference, np.array([4])).tolist() == []


def test_exposed_cells_are_many_from_a_bound_on_for_each_measure_and_breakdown() -> None:
    many, few = COARSENED_FROM + 1, COARSENED_FROM
    size = many + few
    both = system(
        TREE,
        [True] * size,
        measure_group=np.array(["m"] * size, dtype=object),
        breakdown=np.array(["a"] * many + ["b"] * few, dtype=object),
    )
    exposed = np.arange(size)
    found_few, found_many = _few_and_many(both, exposed)
    assert found_few.tolist() == exposed[many:].tolist()
    assert found_many.tolist() == exposed[:many].tolist()
