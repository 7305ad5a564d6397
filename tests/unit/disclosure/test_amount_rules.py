"""Which sums and percentiles may be printed, and how they are moved: each rule on each side of its bound."""

import pytest

from pipeline.disclosure.rules.magnitude import Contributions, RankedBand, printed_band, printed_sum
from pipeline.disclosure.rules.publish_rule import round_to_base


@pytest.mark.parametrize(
    ("contributions", "is_safe"),
    [
        (Contributions(10, 100.0, 45.0, 45.0), True),
        (Contributions(9, 100.0, 10.0, 10.0), False),
        (Contributions(11, 100.0, 10.0, 10.0), True),
        (Contributions(10, 100.0, 46.0, 45.0), False),
        (Contributions(10, 100.0, 45.0, 46.0), False),
        (Contributions(10, 100.0, 91.0, 0.0), False),
        (Contributions(10, 110.0, 100.0, 0.0), False),
        (Contributions(10, 100.0, 60.0, 30.0), True),
        (Contributions(10, 0.0, 0.0, 0.0), True),
    ],
)
def test_a_sum_is_safe_with_ten_contributors_if_two_do_not_add_more_than_nine_tenths(
    contributions: Contributions, is_safe: bool
) -> None:
    assert contributions.is_safe == is_safe


@pytest.mark.parametrize(
    ("total", "largest", "second", "is_dominated", "fails"),
    [
        (100.0, 60.0, 30.0, False, False),
        (100.0, 60.0, 30.1, True, False),  # the rest is 9.9, and a tenth of the largest 6
        (100.0, 91.0, 0.0, True, True),
        (110.0, 100.0, 0.0, True, False),  # the rest is a tenth of the largest
        (109.9, 100.0, 0.0, True, True),
        (125.0, 100.0, 15.0, True, False),
        (124.9, 100.0, 15.0, True, True),
        (0.5, 0.3, 0.16, True, False),
        (0.0, 0.0, 0.0, False, False),
    ],
)
def test_each_rule_of_dominance_has_its_own_bound(
    total: float, largest: float, second: float, is_dominated: bool, fails: bool
) -> None:
    found = Contributions(10, total, largest, second)
    assert (found.is_dominated, found.fails_p_percent) == (is_dominated, fails)


@pytest.mark.parametrize(
    ("amounts", "found"),
    [
        ([5, 3, 4], Contributions(3, 12, 5, 4)),
        ([5, 0, 5], Contributions(2, 10, 5, 5)),
        ([7], Contributions(1, 7, 7, 0.0)),
        ([], Contributions(0, 0, 0.0, 0.0)),
        ([1, 0.5], Contributions(2, 1.5, 1, 0.5)),
    ],
)
def test_households_that_add_something_contribute_and_the_two_largest_are_known(
    amounts: list[float], found: Contributions
) -> None:
    assert Contributions.of(amounts) == found


@pytest.mark.parametrize(
    ("total", "noise", "base", "printed"),
    [
        (100, 0, 5, 100), (102, 0, 5, 100), (103, 0, 5, 105), (100, 1, 5, 105), (100, -3, 5, 85),
        (100, 3, 5, 115), (10, 0, 5, 10), (9, 0, 5, None), (12, -1, 5, None), (20, -2, 5, 10),
        (20, -3, 5, None), (14, 0, 10, 10), (15, 0, 10, 20), (9, 3, 5, None), (12, 0, 5, 10),
    ],
)  # fmt: skip
def test_a_sum_moves_by_whole_largest_contributions_and_is_not_printed_below_ten(
    total: float, noise: int, base: int, printed: int | None
) -> None:
    """Ten contributors; the largest adds 5 and the next 1."""
    assert printed_sum(Contributions(10, float(total), 5.0, 1.0), noise, base) == printed


BANDS = [RankedBand(20, 10, 0, 40), RankedBand(30, 10, 10, 30), RankedBand(40, 30, 20, 10)]


@pytest.mark.parametrize(
    ("percent", "noise", "band"),
    [
        (19, 0, None), (20, 0, None), (21, 0, 30), (30, 0, 30), (40, 0, 30), (41, 0, 40), (90, 0, 40),
        (21, -1, None), (40, 1, 40), (100, 3, 40), (0, -3, None), (41, -1, 30), (100, 0, 40),
    ],
)  # fmt: skip
def test_the_band_with_the_rank_is_printed_if_ten_are_on_either_side(
    percent: float, noise: int, band: int | None
) -> None:
    """50 people: rank 49 x percent / 100, moved by the noise; the first 10 are in the lowest band."""
    assert printed_band(BANDS, percent, noise) == band


@pytest.mark.parametrize(
    ("units", "percent", "noise", "band"),
    [
        ((1, 1), 0, -3, 20),  # no rank is below the first
        ((1, 1), 100, 3, 30),  # nor beyond the last
        ((51, 50), 50, 0, 20),
        ((50, 51), 50, 0, 30),
        ((501, 500), 50, 0, 20),
        ((500, 501), 50, 0, 30),
    ],
)
def test_a_rank_is_counted_from_zero_and_stays_among_the_units(
    units: tuple[int, int], percent: float, noise: int, band: int
) -> None:
    bands = [RankedBand(lower, n, 10, 10) for lower, n in zip((20, 30), units, strict=True)]
    assert printed_band(bands, percent, noise) == band


@pytest.mark.parametrize(
    ("below", "above", "is_safe"), [(10, 10, True), (9, 10, False), (10, 9, False), (11, 11, True)]
)
def test_a_band_needs_ten_contributors_below_and_above_it(below: int, above: int, is_safe: bool) -> None:
    assert RankedBand(20, 5, below, above).is_safe == is_safe


@pytest.mark.parametrize(
    ("count", "base", "rounded"), [(2, 5, 0), (3, 5, 5), (5, 10, 10), (4, 10, 0), (7, 1, 7)]
)
def test_a_count_is_rounded_to_the_nearest_multiple_and_up_at_a_tie(
    count: int, base: int, rounded: int
) -> None:
    assert round_to_base(count, base) == rounded
