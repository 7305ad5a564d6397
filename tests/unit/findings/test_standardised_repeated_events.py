"""Directly standardised rates of events of which one person may have several, and with protected counts.

Reference values: tests of the R package PHEindicatormethods 2.1.0 (ukhsa-collaboration,
testdata_DSR_ISR.xlsx, non-independent events).
"""

import numpy as np
import pytest

from pipeline.findings.statistics import directly_standardised_rate, standardised_rate_of_repeated_events

POPULATION = (636, 558, 609, 543, 384, 594, 669, 843, 660, 576, 606, 522, 426, 273, 300, 288, 153, 123, 207)
#: Persons with one, two, three and four events, by age band.
BIG = (
    (75, 16, 11, 12, 8, 18, 26, 18, 18, 21, 21, 23, 23, 39, 25, 40, 46, 49, 56),
    (16, 3, 2, 3, 0, 3, 6, 3, 4, 4, 4, 4, 6, 8, 5, 9, 9, 10, 11),
    (4, 1, 1, 1, 0, 1, 2, 1, 1, 1, 1, 1, 2, 2, 1, 2, 2, 3, 3),
    (2, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1),
)
SMALL = (
    (7, 4, 3, 0, 3, 4, 5, 2, 2, 3, 4, 5, 3, 5, 5, 3, 5, 5, 4),
    (1,) + (0,) * 18,
    (1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0),
)


@pytest.mark.parametrize(
    ("people", "confidence", "expected"),
    [
        (BIG, 0.95, (10430.24799147, 9532.94977862, 11373.07483298)),
        (BIG, 0.998, (10430.24799147, 9036.25631357, 11929.24980749)),
        (SMALL, 0.95, (1082.95419841, 817.68609755, 1393.55884927)),
        (SMALL, 0.998, (1082.95419841, 684.16751792, 1585.49645593)),
    ],
)
def test_a_rate_of_repeated_events_agrees_with_the_published_ones(
    people: tuple[tuple[int, ...], ...], confidence: float, expected: tuple[float, float, float]
) -> None:
    frequency = range(1, len(people) + 1)
    found = standardised_rate_of_repeated_events(
        np.array(people).T, POPULATION, frequency, confidence=confidence
    )
    assert found == pytest.approx(expected, rel=1e-9)


def test_events_of_different_people_have_the_interval_of_independent_events() -> None:
    one_each = np.array(BIG[0])
    assert standardised_rate_of_repeated_events(one_each[:, None], POPULATION, [1]) == pytest.approx(
        directly_standardised_rate(one_each, POPULATION)
    )


def test_repeated_events_have_fewer_than_ten_in_all_no_rate() -> None:
    people = np.zeros((19, 2))
    people[18] = (3, 3)
    assert np.isnan(standardised_rate_of_repeated_events(people, POPULATION, [1, 2]).value)
    people[18] = (4, 3)
    assert not np.isnan(standardised_rate_of_repeated_events(people, POPULATION, [1, 2]).value)


@pytest.mark.parametrize(
    ("people", "frequency", "message"),
    [
        (np.ones(19), [1], "by number of events"),
        (np.ones((19, 2)), [1], "by number of events"),
        (-np.ones((19, 1)), [1], "negative"),
        (np.ones((19, 1)), [0], "above zero"),
    ],
)
def test_repeated_events_in_another_form_are_refused(
    people: np.ndarray, frequency: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        standardised_rate_of_repeated_events(people, POPULATION, frequency)


def test_the_interval_of_protected_counts_contains_what_noise_and_rounding_do() -> None:
    rng = np.random.default_rng(17)
    share = np.array([153, 458, 885, 1104, 885, 458, 153]) / 4096
    population = np.array([400, 600, 500, 300, 200.0])
    standard = np.array([20, 30, 25, 15, 10.0])
    true_rates = np.array([0.03, 0.04, 0.06, 0.1, 0.2])
    covered = {0.0: 0, 4.0: 0}
    for _ in range(1000):
        events = rng.poisson(true_rates * population)
        noise = rng.choice(np.arange(-3, 4), (2, 5), p=share)
        shown_events = np.maximum(5 * np.round((events + noise[0]) / 5), 0)
        shown_population = 5 * np.round((population + noise[1]) / 5)
        for variance in covered:
            _, lower, upper = directly_standardised_rate(
                shown_events, shown_population, standard, multiplier=1, count_variance=variance
            )
            covered[variance] += lower <= (true_rates * standard).sum() / 100 <= upper
    assert covered[0.0] < 940
    assert 940 <= covered[4.0] <= 970
