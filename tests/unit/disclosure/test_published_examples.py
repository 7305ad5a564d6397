"""The worked examples of the specification, as published."""

import duckdb
import numpy as np
import pytest

from pipeline.disclosure.noise.p_table import noise_of, slots_per_noise
from pipeline.disclosure.noise.record_key import RecordKeySecret, record_keys
from pipeline.disclosure.profile import PRESETS
from pipeline.disclosure.rules.magnitude import (
    Contributions,
    RankedBand,
    printed_band,
    printed_sum,
)
from pipeline.disclosure.rules.publish_rule import round_to_base
from pipeline.disclosure.statements import create_table

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


def test_record_keys_are_spread_evenly_and_differ_by_kind_and_secret() -> None:
    anchors = [f"dwelling-{number}" for number in range(20_000)]

    keys = record_keys(anchors, "household", SECRET)

    assert keys.min() >= 0
    assert keys.max() < 4096
    assert abs(keys.mean() - 2047.5) < 30
    assert (record_keys(anchors, "person", SECRET) == keys).mean() < 0.01
    assert (record_keys(anchors, "household", RecordKeySecret(b"x" * 32)) == keys).mean() < 0.01


def printed(connection: duckdb.DuckDBPyConnection, count: int, preset: str) -> int | None:
    """What the publish rule prints for a count without noise, by another body's numbers."""
    least, base = PRESETS[preset]
    connection.execute(
        "CREATE OR REPLACE TABLE count AS SELECT 1 AS count_id, $n AS n, FALSE AS structural_zero",
        {"n": count},
    )
    connection.execute("CREATE OR REPLACE TABLE count_noise AS SELECT 1 AS count_id, 0 AS noise")
    connection.execute("CREATE OR REPLACE TABLE hidden (count_id INTEGER)")
    create_table(connection, "count_value", minimum_cell_count=least, rounding_base=base)
    ((value,),) = connection.execute("SELECT value FROM count_value").fetchall()
    return None if value is None else int(value)


@pytest.mark.parametrize(("count", "value"), [(3, None), (7, None), (8, 10), (16, 15), (23, 25)])
def test_opensafely_redacts_seven_and_below_and_rounds_to_five(
    engine: duckdb.DuckDBPyConnection, count: int, value: int | None
) -> None:
    assert printed(engine, count, "opensafely") == value


@pytest.mark.parametrize(("count", "value"), [(1, None), (7, None), (8, 10), (12, 10)])
def test_hospital_episode_rules_hide_one_to_seven(
    engine: duckdb.DuckDBPyConnection, count: int, value: int | None
) -> None:
    assert printed(engine, count, "nhs-hes") == value


@pytest.mark.parametrize(("count", "value"), [(0, None), (9, None), (10, 10)])
def test_uk_llc_lets_nothing_under_ten_leave(
    engine: duckdb.DuckDBPyConnection, count: int, value: int | None
) -> None:
    assert printed(engine, count, "uk-llc") == value


@pytest.mark.parametrize(("count", "printed"), [(10, 10), (12, 10), (13, 15), (17, 15), (18, 20)])
def test_counts_round_to_the_nearest_five(count: int, printed: int) -> None:
    assert round_to_base(count, 5) == printed


def test_two_large_contributors_pass_dominance_by_one_and_fail_p_percent() -> None:
    """100,000 with a top two of 50,000 and 49,000. The rule in use takes the two largest together."""
    found = Contributions.of([50_000, 49_000, *[100] * 10])

    assert (found.total, found.largest) == (100_000, 50_000)
    assert found.fails_p_percent
    assert found.is_dominated
    assert printed_sum(found, 0, 5) is None


@pytest.mark.parametrize(("rest", "is_dominated"), [(99, True), (100, False), (101, False)])
def test_two_households_dominate_a_sum_of_which_they_add_more_than_nine_tenths(
    rest: int, is_dominated: bool
) -> None:
    assert Contributions(12, 900 + rest, 500, 400).is_dominated == is_dominated


@pytest.mark.parametrize(("rest", "fails"), [(49, True), (50, False), (51, False)])
def test_the_second_largest_must_not_estimate_the_largest_to_within_a_tenth(rest: int, fails: bool) -> None:
    assert Contributions(12, 500 + 400 + rest, 500, 400).fails_p_percent == fails


def test_a_sum_needs_ten_contributors_and_is_moved_by_whole_households_and_rounded() -> None:
    assert printed_sum(Contributions.of([10] * 9), 0, 5) is None
    assert printed_sum(Contributions.of([10] * 9 + [0] * 9), 0, 5) is None
    assert printed_sum(Contributions.of([10] * 10), 0, 5) == 100
    assert printed_sum(Contributions.of([7] * 10), 2, 5) == 85
    assert printed_sum(Contributions.of([1] * 12), -3, 5) is None


def test_a_sum_that_two_households_make_is_hidden() -> None:
    assert printed_sum(Contributions.of([460, 450, *[10] * 10]), 0, 5) is None
    assert printed_sum(Contributions.of([450, 350, *[20] * 10]), 0, 5) == 1000


def test_a_percentile_is_a_band_and_needs_ten_contributors_on_each_side() -> None:
    bands = [RankedBand(20, 12, 0, 30), RankedBand(30, 15, 12, 15), RankedBand(40, 15, 27, 0)]

    assert printed_band(bands, 50, 0) == 30
    assert printed_band([RankedBand(20, 9, 0, 24), RankedBand(30, 15, 9, 9)], 50, 0) is None
    assert printed_band(bands, 10, 0) is None
    assert printed_band([], 50, 0) is None


def test_the_noise_of_a_percentile_moves_its_rank() -> None:
    bands = [RankedBand(20, 12, 0, 30), RankedBand(30, 10, 12, 25), RankedBand(40, 30, 22, 10)]
    deep = [*bands, RankedBand(50, 10, 52, 0)]

    assert [printed_band(deep, 35, noise) for noise in (-3, 0, 3)] == [30, 30, 40]
