"""Wilson's interval at its edges, and the proportion that linkage quality is reported as.

The published examples of Byar's interval, the mean and Wilson's interval on columns are in
`tests/unit/aggregate/test_statistics_published.py`.
"""

import numpy as np
import pytest

from pipeline.statistics.interval import wilson_interval
from pipeline.statistics.proportion import Proportion


@pytest.mark.parametrize(("x", "n"), [(np.nan, 10), (3, np.nan), (np.nan, np.nan), (0, np.nan)])
@pytest.mark.parametrize("confidence", [0.95, 1])
def test_wilsons_interval_is_missing_where_count_or_denominator_is(
    x: float, n: float, confidence: float
) -> None:
    assert np.isnan(wilson_interval(x, n, confidence)).all()
    found = wilson_interval([x, 5], [n, 10], confidence)
    assert [bool(np.isnan(column[0])) for column in found] == [True] * 3
    assert [bool(np.isnan(column[1])) for column in found] == [False] * 3


def test_wilsons_interval_gives_the_published_bounds() -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611)}
    published[(1, 29)] = (0.0061, 0.1718)
    for (successes, trials), bounds in published.items():
        assert Proportion(successes, trials).interval == pytest.approx(bounds, abs=5e-5)


def test_without_trials_there_is_neither_share_nor_interval() -> None:
    assert Proportion(0, 0).as_json() == {
        "successes": 0, "trials": 0, "value": None, "low": None, "high": None,
    }  # fmt: skip


@pytest.mark.parametrize("trials", range(1, 60))
def test_the_limits_of_none_and_of_all_stay_within_0_and_1(trials: int) -> None:
    none, every = wilson_interval(0, trials), wilson_interval(trials, trials)
    assert 0 <= none.lower < none.upper < 1
    assert 0 < every.lower < every.upper <= 1


def test_an_effective_number_of_cases_need_not_be_whole() -> None:
    lower, upper = wilson_interval(0.25 * 10.5, 10.5)[1:]
    assert wilson_interval(0.25 * 10, 10).lower < lower < wilson_interval(0.25 * 11, 11).lower
    assert wilson_interval(0.25 * 11, 11).upper < upper < wilson_interval(0.25 * 10, 10).upper
