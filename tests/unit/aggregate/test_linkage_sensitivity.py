"""The band of linkage error is analytic, contains the published rate and covers the truth."""

import numpy as np
import pytest

from pipeline.aggregate.linkage_sensitivity import ExpectedCounts, linkage_band, rate_of_uncertain_links


def _expected(n: np.ndarray, d: np.ndarray, p: np.ndarray, weight: np.ndarray) -> ExpectedCounts:
    q = weight**2 * p * (1 - p)
    sums = [(weight * p * n).sum(), (weight * p * d).sum(), (q * n).sum(), (q * d).sum()]
    return ExpectedCounts(*(np.array([value]) for value in sums))


def test_certain_links_leave_no_band_but_the_rate_itself() -> None:
    n, d = np.array([1.0, 0, 1, 0]), np.ones(4)
    counts = _expected(n, d, np.ones(4), np.ones(4))
    band = linkage_band(np.array([0.5]), counts, counts)
    assert [x[0] for x in band] == [0.5, 0.5, 0.5]


def test_the_limits_agree_with_drawing_the_links_many_times() -> None:
    rng = np.random.default_rng(7)
    n = (rng.random(2000) < 0.3).astype(float)
    d, p = np.ones(2000), rng.choice([0.6, 0.9, 1.0], 2000)
    kept = rng.random((4000, 2000)) < p
    drawn = (kept @ n) / (kept @ d)
    rate = rate_of_uncertain_links(_expected(n, d, p, np.ones(2000)))
    assert rate.value[0] == pytest.approx(drawn.mean(), abs=2e-4)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert rate.lower[0] == pytest.approx(low, abs=8e-4)
    assert rate.upper[0] == pytest.approx(high, abs=8e-4)


def test_the_band_covers_the_true_rate_where_links_are_false_and_the_admitted_are_missed_more_often() -> None:
    """Truth: a town of 4,000; a linker misses more of the admitted, and some of its links are strangers."""
    rng = np.random.default_rng(11)
    covered = narrow = 0
    towns = 200
    for _ in range(towns):
        admitted = rng.random(4000) < 0.12
        is_missed = rng.random(4000) < np.where(admitted, 0.15, 0.05)
        p = rng.choice([0.7, 0.95, 1.0], 4000, p=[0.05, 0.15, 0.8])
        is_false = rng.random(4000) > p
        seen = np.where(is_false, rng.random(4000) < 0.12, admitted)[~is_missed].astype(float)
        weight = np.ones(len(seen))
        for value in (0.0, 1.0):
            placed = (seen == value).sum()
            weight[seen == value] = 1 + (admitted[is_missed] == bool(value)).sum() / placed
        d = np.ones(len(seen))
        published = np.array([seen.mean()])
        band = linkage_band(
            published,
            _expected(seen, d, p[~is_missed], np.ones(len(seen))),
            _expected(seen, d, p[~is_missed], weight),
        )
        covered += band.lower[0] <= admitted.mean() <= band.upper[0]
        narrow += band.upper[0] - band.lower[0] < 0.04
    assert covered >= 0.95 * towns
    assert narrow == towns
    published_alone = 0.12 * 0.85 / (0.12 * 0.85 + 0.88 * 0.95)
    assert published_alone < 0.11  # what the band corrects for: the rate as linked is biased
