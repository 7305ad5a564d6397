"""When a cell passes the audit: how wide its interval is, what it contains, and how far the search goes."""

from typing import Any

import numpy as np
import pytest
from highspy import HighsModelStatus

from governance.errors import Refused
from pipeline.disclosure.audit.auditor import Auditor, AuditResult
from pipeline.disclosure.audit.moves import Moves
from pipeline.disclosure.audit.neighbourhood import Neighbourhoods, _is_related
from pipeline.disclosure.audit.published_system import PublishedSystem
from pipeline.disclosure.audit.reference import find_near, find_reference
from pipeline.disclosure.audit.solver import Infeasible, LinearSystem, SparseRows, not_optimal


def names(values: list[str] | None, size: int) -> Any:
    return np.array(values or [""] * size, dtype=object)


def system_of(
    lower: list[float],
    upper: list[float],
    sums: list[list[int]],
    hidden: list[int],
    **columns: list[str],
) -> PublishedSystem:
    """sums: of each sum, the number of its total and of its parts; columns: names of each cell."""
    size = len(lower)
    entries = [(r, c, -1.0 if n == 0 else 1.0) for r, cells in enumerate(sums) for n, c in enumerate(cells)]
    is_hidden = np.isin(np.arange(size), hidden)
    return PublishedSystem(
        lower=np.array(lower, dtype=np.float64),
        upper=np.array(upper, dtype=np.float64),
        hidden=is_hidden,
        printed=~is_hidden,
        difference=np.zeros(len(lower), dtype=bool),
        member_relation=np.array([r for r, _, _ in entries], dtype=np.int64),
        member_cell=np.array([c for _, c, _ in entries], dtype=np.int64),
        member_sign=np.array([s for _, _, s in entries]),
        member_over_areas=np.zeros(len(entries), dtype=bool),
        measure_group=names(columns.get("measure_group"), size),
        moves_with=names(columns.get("moves_with"), size),
        breakdown=names(columns.get("breakdown"), size),
        block_area=names(columns.get("block_area"), size),
        authority=names(columns.get("authority"), size),
    )


def pair(first: tuple[float, float], total: float = 100.0) -> PublishedSystem:
    """A total and its two hidden parts, the first of them within bounds."""
    return system_of([total, first[0], 0], [total, first[1], np.inf], [[0, 1, 2]], [1, 2])


@pytest.mark.parametrize(
    ("bounds", "minimum", "is_exposed"),
    [
        ((20, 25), 10, False),  # five wide
        ((20, 24), 10, True),
        ((1, 4), 5, False),  # contains every small count: 1 to the minimum less one
        ((1, 3), 5, True),
        ((2, 5), 5, True),
        ((0, 4), 5, False),
        ((0, 3), 5, True),
        ((0, 4), 6, True),
        ((0, 5), 10, False),
    ],
)
def test_an_interval_passes_if_it_is_five_wide_or_contains_every_small_count(
    bounds: tuple[float, float], minimum: int, is_exposed: bool
) -> None:
    reference = np.array([100.0, bounds[0], 100 - bounds[0]])

    result = Auditor(pair(bounds), reference, minimum, targets=np.array([1])).run()

    assert (result.exposed.tolist() == [1]) is is_exposed
    assert result.hidden == 1
    assert (result.certified_in_block, result.certified_jointly) == (int(not is_exposed), 0)


@pytest.mark.parametrize(
    ("bounds", "width", "is_exposed"),
    [((20, 21), 1, False), ((20, 20), 1, True), ((20, 22), 3, True), ((20, 23), 3, False)],
)
def test_the_width_that_an_interval_needs_can_be_chosen(
    bounds: tuple[float, float], width: float, is_exposed: bool
) -> None:
    reference = np.array([100.0, bounds[0], 100 - bounds[0]])

    result = Auditor(pair(bounds), reference, 10, targets=np.array([1]), minimum_width=width).run()

    assert (result.exposed.tolist() == [1]) is is_exposed


@pytest.mark.parametrize("start", [20.0, 22.0, 24.0])
def test_the_proven_bounds_of_an_exposed_cell_are_those_of_its_interval_wherever_the_search_starts(
    start: float,
) -> None:
    result = Auditor(pair((20, 24)), np.array([100.0, start, 100 - start]), 10).run()

    assert result.exposed.tolist() == [1, 2]
    assert result.least_possible.tolist() == [20, 76]
    assert result.most_possible.tolist() == [24, 80]
    assert (result.low[1], result.high[1]) == (20, 24)


@pytest.mark.parametrize(
    ("least", "most", "pinned", "zero", "narrow"),
    [
        (7, 7, True, False, True),
        (7, 8, False, False, True),
        (7, 11, False, False, True),
        (7, 12, False, False, False),
        (0, 0, True, True, True),
        (0, 1, False, False, True),
    ],
)
def test_an_exposed_cell_is_pinned_narrow_or_proven_zero_by_its_proven_bounds(
    least: float, most: float, pinned: bool, zero: bool, narrow: bool
) -> None:
    nothing = np.zeros(0)
    result = AuditResult(1, np.array([3]), nothing, nothing, 0, 0, np.array([least]), np.array([most]))

    assert (len(result.pinned), len(result.proven_zero), len(result.narrow)) == (pinned, zero, narrow)


def test_the_values_of_cells_are_in_no_text_of_a_result() -> None:
    values = np.array([77.0])
    result = AuditResult(1, np.array([3]), values, values, 0, 0, values, values)

    assert "77" not in repr(result)


def test_hidden_cells_are_audited_unless_others_are_named() -> None:
    reference = np.array([100.0, 20, 80])

    assert Auditor(pair((20, 20)), reference, 10).run().exposed.tolist() == [1, 2]
    assert Auditor(pair((20, 20)), reference, 10, targets=np.array([2])).run().exposed.tolist() == [2]


#: 11 = 2a + b, with a at most 5 and b at most 1: a is 5 and b is 1 in whole numbers, but not in fractions.
ODD = (np.array([11.0, 5, 1]), {"lower": [11.0, 0, 0], "upper": [11.0, 5.5, 11.0]})


def odd_system() -> PublishedSystem:
    system = system_of(ODD[1]["lower"], ODD[1]["upper"], [[0, 1, 1, 2]], [1, 2])
    return PublishedSystem(
        **{
            **system.__dict__,
            "member_relation": np.zeros(3, dtype=np.int64),
            "member_cell": np.arange(3),
            "member_sign": np.array([-1.0, 2, 1]),
            "member_over_areas": np.zeros(3, dtype=bool),
        }
    )


def test_counts_move_by_whole_numbers_and_amounts_by_fractions() -> None:
    whole = Auditor(odd_system(), ODD[0], 10, targets=np.array([1])).run()
    fractions = Auditor(odd_system(), ODD[0], 10, is_whole=False, targets=np.array([1])).run()

    assert whole.high[1] == 5
    assert fractions.high[1] >= 5
    assert not len(whole.exposed)
    assert not len(fractions.exposed)


@pytest.mark.parametrize(("limit", "exposed"), [(None, []), (5, []), (4, [1])])
def test_an_authority_with_more_cells_than_the_limit_is_not_solved_jointly(
    limit: int | None, exposed: list[int]
) -> None:
    """Cells 1 and 2 can only move together with 3 and 4, which are of another measure."""
    system = system_of(
        [100.0, 0, 0, 0, 0],
        [100.0, 50, 50, 50, 50],
        [[0, 1, 2, 3, 4], [1, 3]],
        [1],
        measure_group=["all", "one", "two", "two", "two"],
        authority=["E08"] * 5,
        block_area=["E08"] * 5,
    )
    reference = np.array([100.0, 25, 25, 25, 25])

    result = Auditor(system, reference, 10).run(None, limit)

    assert result.exposed.tolist() == exposed
    assert (result.certified_in_block, result.certified_jointly) == (0, int(not exposed))


@pytest.mark.parametrize(("few", "certified"), [(None, 2), (2, 2), (1, 0)])
def test_cells_of_one_measure_and_breakdown_that_are_too_many_are_exposed_without_a_search(
    few: int | None, certified: int
) -> None:
    """The hidden cells of the first and fourth of seven MSOAs can only move together.

    No narrow neighbourhood of either has the other; all cells of the measure in the authority have both.
    """
    system = system_of(
        [60.0, 0, 0, 0, 0, 0, 0, 0],
        [60.0, 60, 0, 0, 60, 0, 0, 0],
        [list(range(8))],
        [1, 4],
        measure_group=["m"] * 8,
        authority=["E08"] * 8,
        block_area=["E08", *(f"E02{letter}" for letter in "abcdefg")],
    )
    reference = np.array([60.0, 30, 0, 0, 30, 0, 0, 0])

    result = Auditor(system, reference, 10).run(few, None)

    assert result.exposed.tolist() == ([] if certified else [1, 4])
    assert result.certified_in_block == certified


def test_breakdowns_are_related_if_one_is_a_margin_of_the_other() -> None:
    related = [
        (one, other)
        for one in ("|", "epc|", "epc|tenure", "tenure|")
        for other in ("|", "epc|", "epc|tenure", "tenure|")
        if _is_related(one, other)
    ]

    assert ("epc|", "tenure|") not in related
    assert ("tenure|", "epc|") not in related
    assert len(related) == 14


def block(areas: int, breakdowns: tuple[str, ...] = ("|",)) -> PublishedSystem:
    """One cell per area and breakdown of one measure, areas E02a, E02b and so on, and of the authority."""
    places = [chr(ord("a") + n) for n in range(areas)]
    named = [(f"E02{p}", b) for p in places for b in breakdowns] + [("E08", b) for b in breakdowns]
    size = len(named)
    return system_of(
        [0.0] * size,
        [9.0] * size,
        [[0, 1]],
        [0],
        measure_group=["m"] * size,
        breakdown=[b for _, b in named],
        block_area=[a for a, _ in named],
        authority=["E08"] * size,
    )


def areas_of(system: PublishedSystem, cells: Any) -> set[str]:
    return {str(system.block_area[cell])[-1] for cell in cells}


def test_a_neighbourhood_widens_by_the_authority_then_one_area_at_a_time() -> None:
    system = block(5)
    near = Neighbourhoods(system)

    widening = [areas_of(system, cells) for cells in near.widening(("m", "E02b", "|"))]

    assert widening == [{"b"}, {"b", "8"}, {"b", "8", "c"}, {"b", "8", "d"}, {"b", "8", "c", "d"}]
    assert areas_of(system, near.widest(("m", "E02b", "|"))) == {*"abcde", "8"}


def test_the_areas_after_the_last_are_the_first() -> None:
    system = block(3)

    widening = [areas_of(system, cells) for cells in Neighbourhoods(system).widening(("m", "E02c", "|"))]

    assert widening == [{"c"}, {"c", "8"}, {"c", "8", "a"}, {"c", "8", "b"}, {*"abc8"}]


def test_an_area_without_others_has_only_its_authority() -> None:
    system = block(1)

    widening = [areas_of(system, cells) for cells in Neighbourhoods(system).widening(("m", "E02a", "|"))]

    assert widening == [{"a"}, {"a", "8"}, {"a", "8"}]


def test_unrelated_breakdowns_join_last() -> None:
    system = block(1, ("epc|", "tenure|"))
    found = [
        {str(system.breakdown[cell]) for cell in cells}
        for cells in Neighbourhoods(system).widening(("m", "E02a", "epc|"))
    ]

    assert found == [{"epc|"}, {"epc|"}, {"epc|", "tenure|"}]


@pytest.mark.parametrize(
    ("start", "near"), [([10.0, 12, -2], [10, 10, 0]), ([10.0, 3, 7], [10, 4, 6]), ([10.0, 5, 5], [10, 5, 5])]
)
def test_a_point_near_one_that_almost_fits_differs_only_where_it_must(
    start: list[float], near: list[float]
) -> None:
    system = system_of([10.0, 4, 0], [10.0, 20, 6], [[0, 1, 2]], [1, 2])

    assert find_near(system, np.array(start)).tolist() == near


def test_no_point_is_near_where_none_fits() -> None:
    system = system_of([10.0, 0, 0], [10.0, 4, 5], [[0, 1, 2]], [1, 2])

    with pytest.raises(Infeasible):
        find_near(system, np.array([10.0, 5, 5]))
    with pytest.raises(Infeasible):
        find_reference(system)


def test_a_move_ends_at_the_bounds_or_after_a_hundred() -> None:
    system = system_of([0.0, 0, 0], [1000.0, 600, 600], [[0, 1, 2]], [1, 2])
    point = np.array([400.0, 30, 370])

    model = Moves(system).from_point(np.array([1, 2]), point)

    assert model.upper.tolist() == [100, 100, 30, 100]  # increases of cells 1 and 2, then their decreases
    assert model.greatest({0: 1.0, 2: -1.0}).value == pytest.approx(100)
    assert model.greatest({1: 1.0, 3: -1.0}).value == pytest.approx(30)


@pytest.mark.parametrize(
    ("combination", "least", "greatest"), [({0: 1.0}, 0, 4), ({0: 1.0, 1: 1.0}, 4, 4), ({1: 2.0}, 0, 8)]
)
def test_a_system_is_solved_again_for_every_combination(
    combination: dict[int, float], least: float, greatest: float
) -> None:
    model = LinearSystem(np.zeros(2), np.full(2, 9.0), [([0, 1], [1.0, 1.0], 4.0)])
    model.least({0: -5.0})  # its costs do not remain

    assert model.least(combination).value == pytest.approx(least)
    assert model.greatest(combination).value == pytest.approx(greatest)


def test_a_cost_of_every_variable_counts_only_for_those_that_are_not_in_the_combination() -> None:
    model = LinearSystem(np.zeros(2), np.full(2, 9.0), [([0, 1], [1.0, 1.0], 4.0)], standing_cost=1.0)

    assert model.least({0: 3.0}).value == pytest.approx(4)
    assert model.least({1: 3.0}).value == pytest.approx(4)
    assert model.least({0: 3.0, 1: 2.0}).value == pytest.approx(8)


def test_a_combination_without_a_bound_is_infinite_and_one_without_a_solution_is_infeasible() -> None:
    free = LinearSystem(np.zeros(2), np.full(2, np.inf), [([0, 1], [1.0, -1.0], 0.0)])
    assert free.greatest({0: 1.0}).value == np.inf
    assert free.greatest({0: 1.0}).point is None
    assert not free.greatest({0: 1.0}).is_integral
    assert free.least({0: 1.0}).value == 0

    none = LinearSystem(np.zeros(2), np.full(2, 1.0), [([0, 1], [1.0, 1.0], 4.0)])
    with pytest.raises(Infeasible):
        none.least({0: 1.0})


def test_whole_variables_have_whole_values_and_bounds_can_be_changed() -> None:
    rows = [([0, 1], [2.0, 1.0], 5.0)]
    relaxed = LinearSystem(np.zeros(2), np.array([9.0, 0.0]), rows)
    assert relaxed.greatest({0: 1.0}).value == pytest.approx(2.5)
    assert not relaxed.greatest({0: 1.0}).is_integral

    relaxed.set_bounds(1, 0.0, 9.0)
    whole = LinearSystem(np.zeros(2), np.full(2, 9.0), rows, is_whole=True)
    assert relaxed.greatest({0: 1.0}).value == pytest.approx(2.5)
    assert whole.greatest({0: 1.0}).value == pytest.approx(2)
    assert whole.greatest({0: 1.0}).is_integral


def test_equations_from_entries_are_those_of_their_rows_whatever_their_numbers_and_order() -> None:
    entries = SparseRows.of_entries(
        np.array([7, 3, 7, 3]), np.array([0, 1, 2, 0]), np.array([1.0, 2.0, 3.0, 4.0])
    )

    assert entries.start.tolist() == [0, 2, 4]
    assert entries.column.tolist() == [1, 0, 0, 2]
    assert entries.factor.tolist() == [2, 4, 1, 3]
    assert entries.sides.tolist() == [0, 0]
    of_rows = SparseRows.of([([0, 1], [4.0, 2.0], 5.0), ([2], [1.0], 6.0)])
    assert (of_rows.start.tolist(), of_rows.sides.tolist()) == ([0, 2, 3], [5, 6])


def test_a_solver_without_an_answer_refuses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LinearSystem(np.zeros(1), np.ones(1), [([0], [1.0], 1.0)])
    monkeypatch.setattr(model, "_run", lambda: HighsModelStatus.kTimeLimit)

    with pytest.raises(Refused, match="AUDIT_NOT_OPTIMAL"):
        model.least({0: 1.0})
    assert "time limit" in str(not_optimal("time limit"))
