"""Numbers that fit a release: which of them are taken, and what they may be said to prove."""

from dataclasses import replace

import duckdb
import numpy as np
import pytest

from pipeline.disclosure.audit import reconstruction
from pipeline.disclosure.audit.attacker_assumptions import worked_out_if_all_are_small
from pipeline.disclosure.audit.auditor import Auditor
from pipeline.disclosure.audit.published_system import PublicRules, PublishedSystem, with_known_households
from pipeline.disclosure.audit.reference import find_reference


def system_of(lower: list[float], upper: list[float], hidden: list[bool]) -> PublishedSystem:
    """An area's households (cell 0), the sum of the others."""
    size = len(lower)
    same = np.full(size, "", dtype=object)
    return PublishedSystem(
        lower=np.array(lower),
        upper=np.array(upper),
        hidden=np.array(hidden),
        printed=~np.array(hidden),
        difference=np.zeros(len(lower), dtype=bool),
        member_relation=np.zeros(size, dtype=np.int64),
        member_cell=np.arange(size),
        member_sign=np.array([-1.0, *[1.0] * (size - 1)]),
        member_over_areas=np.zeros(size, dtype=bool),
        measure_group=same,
        moves_with=same,
        breakdown=same,
        block_area=same,
        authority=same,
    )


def test_costs_choose_the_end_of_the_range() -> None:
    system = system_of([20, 10, 0], [30, 20, 12], [False, False, True])

    least = find_reference(system, np.array([1.0, 0, 0]))
    most = find_reference(system, np.array([-1.0, 0, 0]))

    assert (least[0], most[0]) == (20, 30)
    assert least[0] == least[1:].sum()


def test_known_households_are_fixed_and_no_longer_hidden() -> None:
    system = system_of([20, 10, 0], [30, 20, 12], [True, False, True])

    known = with_known_households(system, np.array([0]), np.array([22.0, 14, 8]))

    assert (known.lower[0], known.upper[0], known.hidden[0]) == (22, 22, False)


@pytest.mark.parametrize(
    ("least_printed", "zero", "by_one_fit_only"),
    [
        (10, [], 1),
        (30, [2], 0),
    ],  # 30 households at most, 10 printed: any hidden count; 30 printed: only zero
)
def test_only_what_all_numbers_that_fit_prove_is_a_success(
    monkeypatch: pytest.MonkeyPatch, least_printed: float, zero: list[int], by_one_fit_only: int
) -> None:
    system = system_of([10, least_printed, 0], [30, 30, 12], [False, False, True])
    monkeypatch.setattr(reconstruction, "known_households", lambda _: np.array([0]))
    at_the_least = find_reference(system, np.array([1.0, 0, 0]))

    with duckdb.connect() as connection:
        known = reconstruction.knowing_households(connection, system, at_the_least, 10)

    assert known.zero.tolist() == zero
    assert known.by_one_fit_only == by_one_fit_only


#: Households of an area are the sum of a printed and two hidden counts.
_PRINTED = ([34.0, 10, 0, 0], [36.0, 12, 12, 12], [False, False, True, True])


def test_an_assumption_that_fits_leads_to_an_inference_although_the_truth_leaves_more_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed = system_of(*_PRINTED)
    truth = np.array([35.0, 11, 4, 20])
    allowed = replace(printed, upper=np.array([36.0, 12, 12, np.inf]))
    monkeypatch.setattr(reconstruction, "known_households", lambda _: np.array([0]))

    with duckdb.connect() as connection:
        found = reconstruction.reconstruct(connection, printed, 10)

    assert not len(Auditor(allowed, truth, 10).run().exposed)
    assert found is not None
    assert found.assumed == "hidden counts are small"
    assert found.cells.tolist() == [2, 3]  # each at least ten, were both at most twelve
    with duckdb.connect() as connection:
        before = worked_out_if_all_are_small(connection, printed, truth, PublicRules(10, 5, 3))
        none = worked_out_if_all_are_small(
            connection, printed, np.array([35.0, 11, 12, 12]), PublicRules(10, 5, 3)
        )
    assert before.tolist() == [2, 3]
    assert not len(none)  # the main audit covers that


def test_an_assumption_that_contradicts_the_printed_values_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lower, upper, hidden = _PRINTED
    monkeypatch.setattr(reconstruction, "known_households", lambda _: np.array([0]))

    with duckdb.connect() as connection:
        found = reconstruction.reconstruct(
            connection, system_of([40.0, *lower[1:]], [42.0, *upper[1:]], hidden), 10
        )

    assert found is not None
    assert (found.assumed, found.cells.tolist()) == ("hidden counts are of any size", [])
