"""The worked examples of the specification, as published."""

import numpy as np
import pytest

from pipeline.disclosure.magnitude import (
    Band,
    fails_p_percent,
    is_dominated,
    mean_is_safe,
    printed_mean,
    printed_percentile,
)
from pipeline.disclosure.p_table import noise_of, slots_per_noise
from pipeline.disclosure.publish_rule import round_to_base
from pipeline.disclosure.record_key import RecordKeySecret, record_keys
from pipeline.disclosure.rounding_rules import hospital_episodes, midpoint_6, opensafely, uk_llc

SECRET = RecordKeySecret(bytes(range(32)))


def test_the_p_table_has_the_published_slots_variance_two_and_no_bias() -> None:
    slots = slots_per_noise(3)

    assert slots == (153, 458, 885, 1104, 885, 458, 153)
    values = np.arange(-3, 4)
    assert sum(slots) == 4096
    assert float((values * np.array(slots)).sum()) == 0
    assert float((values**2 * np.array(slots)).sum() / 4096) == pytest.approx(2.0, abs=0.01)


def test_equal_count_and_key_have_equal_noise_and_each_count_its_own_permutation() -> None:
    counts = np.repeat(np.array([20, 21]), 4096)
    keys = np.tile(np.arange(4096), 2)

    noise = noise_of(counts, keys, 3, SECRET)

    assert (noise == noise_of(counts, keys, 3, SECRET)).all()
    assert sorted(noise[:4096]) == sorted(noise[4096:])
    assert 0.1 < (noise[:4096] == noise[4096:]).mean() < 0.3


def test_a_cell_key_is_the_sum_of_record_keys_without_its_whole_part() -> None:
    """SDC Handbook: keys .9, .3 and .6 make .8; the same in 4096ths."""
    keys = [round(share * 4096) for share in (0.9, 0.3, 0.6)]

    assert sum(keys) % 4096 == pytest.approx(0.8 * 4096, abs=1)


def test_record_keys_are_spread_evenly_and_differ_by_kind_and_secret() -> None:
    anchors = [f"dwelling-{number}" for number in range(20_000)]

    keys = record_keys(anchors, "household", SECRET)

    assert keys.min() >= 0
    assert keys.max() < 4096
    assert abs(keys.mean() - 2047.5) < 30
    assert (record_keys(anchors, "person", SECRET) == keys).mean() < 0.01
    assert (record_keys(anchors, "household", RecordKeySecret(b"x" * 32)) == keys).mean() < 0.01


@pytest.mark.parametrize(("count", "printed"), [(3, None), (7, None), (8, 10), (16, 15), (23, 25)])
def test_opensafely_redacts_seven_and_below_and_rounds_to_five(count: int, printed: int | None) -> None:
    assert opensafely(count) == printed


@pytest.mark.parametrize(("count", "printed"), [(0, 0), (1, 3), (6, 3), (7, 9), (12, 9), (13, 15)])
def test_midpoint_six_gives_the_middle_of_its_run(count: int, printed: int) -> None:
    assert midpoint_6(count) == printed


@pytest.mark.parametrize(("count", "printed"), [(0, 0), (1, None), (7, None), (8, 10)])
def test_hospital_episode_rules_hide_one_to_seven(count: int, printed: int | None) -> None:
    assert hospital_episodes(count) == printed


@pytest.mark.parametrize(("count", "printed"), [(0, None), (9, None), (10, 10)])
def test_uk_llc_lets_nothing_under_ten_leave(count: int, printed: int | None) -> None:
    assert uk_llc(count) == printed


@pytest.mark.parametrize(("count", "printed"), [(10, 10), (12, 10), (13, 15), (17, 15), (18, 20)])
def test_counts_round_to_the_nearest_five(count: int, printed: int) -> None:
    assert round_to_base(count, 5) == printed


def test_two_large_contributors_pass_dominance_by_one_and_fail_p_percent() -> None:
    """100,000 with a top two of 50,000 and 49,000."""
    amounts = [50_000, 49_000, *[100] * 10]

    assert sum(amounts) == 100_000
    assert not is_dominated(amounts, contributors=1, percent=90)
    assert fails_p_percent(amounts)
    assert not mean_is_safe(amounts)


def test_a_mean_needs_ten_contributors_before_and_after_noise() -> None:
    assert printed_mean(total=90, count=9, noise=3, rounding_base=5) is None
    assert printed_mean(total=100, count=10, noise=-1, rounding_base=5) is None
    assert printed_mean(total=100, count=10, noise=0, rounding_base=5) == 10.0


def test_a_percentile_is_a_band_and_needs_ten_contributors_on_each_side() -> None:
    assert printed_percentile(range(20), 50, 5) is None
    assert printed_percentile(range(40), 50, 5) == Band(15, 20)
