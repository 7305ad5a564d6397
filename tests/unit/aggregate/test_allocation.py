"""IMD-weighted allocation of a stated budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings.statistics.allocation import Place, allocate, decile_weights


def test_the_most_deprived_tenth_weighs_the_stated_multiple_and_steps_are_equal() -> None:
    weights = decile_weights(2.0)
    assert (weights[1], weights[10]) == (2.0, 1.0)
    steps = {round(weights[d] / weights[d + 1], 12) for d in range(1, 10)}
    assert len(steps) == 1


def test_equal_populations_are_paid_by_their_weights() -> None:
    places = [Place("E1", "poor", 1, 1000), Place("E2", "rich", 10, 1000)]
    poor, rich = allocate(300_00, places)
    assert (poor.area_code, poor.amount_pence, poor.weight) == ("poor", 200_00, 2.0)
    assert (rich.amount_pence, rich.share) == (100_00, pytest.approx(1 / 3))


def test_a_hidden_population_stops_the_allocation_instead_of_costing_its_area_the_money() -> None:
    with pytest.raises(ValueError, match="1 of 2 hidden"):
        allocate(100, [Place("E1", "a", 1, None), Place("E2", "b", 5, 10)])
    with pytest.raises(ValueError, match="no one lives"):
        allocate(100, [Place("E1", "a", 1, 0)])
    with pytest.raises(ValueError, match="must be at least 1"):
        decile_weights(0.5)


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 10), st.integers(1, 5000)), min_size=1),
)
def test_no_penny_is_lost_or_made(budget: int, rows: list[tuple[str, int, int]]) -> None:
    places = [Place(f"E{i}", area, decile, count) for i, (area, decile, count) in enumerate(rows)]
    shares = allocate(budget, places)
    assert sum(a.amount_pence for a in shares) == budget
    assert sum(a.share for a in shares) == pytest.approx(1)
    assert all(abs(a.amount_pence - budget * a.share) <= 1 for a in shares)
