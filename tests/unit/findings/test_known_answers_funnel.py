"""Funnel points, limits and significance against those of PHEindicatormethods.

Reference values: tests of the R package PHEindicatormethods 2.1.0 (ukhsa-collaboration,
testdata_funnel_*.csv).
"""

import numpy as np
import pytest
from scipy import stats

from pipeline.findings.statistics import funnel_limits, funnel_points, funnel_significance

#: Events, population and directly standardised rate per 100,000 of 39 areas.
EVENTS = (
    2419,
    2337,
    2291,
    2242,
    2218,
    2159,
    2130,
    2111,
    2105,
    2083,
    2078,
    2062,
    2061,
    2033,
    2033,
    2010,
)
EVENTS += (
    2004,
    2002,
    1977,
    1944,
    1932,
    1922,
    1912,
    1881,
    1844,
    1835,
    1833,
    1825,
    1816,
    1809,
    1798,
    1754,
)
EVENTS += (
    1746,
    1709,
    1694,
    1688,
    1649,
    1553,
    1332,
)
PEOPLE = (
    264102,
    259711,
    289247,
    265029,
    284649,
    293578,
    286718,
    307381,
    274145,
    297424,
    272628,
    269656,
)
PEOPLE += (
    294692,
    277710,
    259213,
    285516,
    269449,
    290888,
    287112,
    286492,
    287012,
    291277,
    289859,
    289653,
)
PEOPLE += (
    282519,
    274220,
    280271,
    284206,
    274508,
    288384,
    287072,
    282744,
    289208,
    287736,
    296175,
    303255,
)
PEOPLE += (
    285959,
    274661,
    281425,
)
STANDARDISED = (
    907.6174266,
    948.5620216,
    799.9690496,
    852.5637927,
    868.5358183,
    769.6242217,
    752.3254955,
)
STANDARDISED += (
    710.2689402,
    815.3530325,
    717.7035916,
    755.8016993,
    825.9742848,
    702.2972468,
    785.6210132,
)
STANDARDISED += (
    743.6763018,
    781.8323058,
    772.6781064,
    652.3391553,
    648.4969973,
    727.5777428,
    625.6551186,
)
STANDARDISED += (
    688.5582424,
    662.4465438,
    627.1624732,
    657.1114147,
    724.8456714,
    659.7820553,
    654.7053631,
)
STANDARDISED += (
    624.4435507,
    646.7588823,
    703.1689982,
    567.9922764,
    617.7750715,
    610.8327232,
    608.5089462,
)
STANDARDISED += (
    662.3775859,
    667.6454503,
    604.1141693,
    469.5645784,
)
BY_STANDARDISED = "HHHHHHh-H-HH-HhHHLL-L-lLl-lLLL-LLLLllLL"
BY_CRUDE = "HHHHHHH-HhHHhHHhH------------llLLLLLLLL"
#: H and L: outside three sigma; h and l: outside two; -: not significant.
CODES = {"H": "high 0.001", "h": "high 0.025", "-": "", "l": "low 0.025", "L": "low 0.001"}
#: The package finds exact Poisson limits by halving an interval 24 times; its result is this far off at most.
RESOLUTION = 2.0**-24


def test_the_significance_of_crude_rates_agrees_for_every_area() -> None:
    found = funnel_significance((*EVENTS, 0), (*PEOPLE, 297820), "rate")
    assert list(found) == [*(CODES[code] for code in BY_CRUDE), "low 0.001"]


def test_the_significance_of_standardised_rates_agrees_and_needs_ten_events() -> None:
    points = funnel_points(EVENTS, STANDARDISED, is_standardised=True)
    found = funnel_significance(EVENTS, points.denominator, "rate")
    assert list(found) == [CODES[code] for code in BY_STANDARDISED]
    few = funnel_significance((*EVENTS, 9), (*points.denominator, 1e6), "rate", minimum_events=10)
    assert few[-1] == "unknown"


@pytest.mark.parametrize(
    ("observed", "expected", "outside"),
    [
        (8, 6.239860227, ""),
        (151, 106.4429719, "high 0.001"),
        (159, 232.9329036, "low 0.001"),
        (191, 184.0963855, ""),
        (150, 119.5695496, "high 0.025"),
        (0, 240.6273499, "low 0.001"),
    ],
)
def test_the_significance_of_ratios_agrees(observed: int, expected: float, outside: str) -> None:
    assert list(funnel_significance([observed], [expected], "ratio")) == [outside]


@pytest.mark.parametrize(
    ("population", "limits"),
    [
        (11, (57.293957, 100, 43.829393, 100)),
        (664, (77.637263, 83.647632, 75.904239, 85.380656)),
        (110000, (80.408963, 80.875933, 80.274317, 81.010578)),
    ],
)
def test_limits_of_a_proportion_agree(population: int, limits: tuple[float, ...]) -> None:
    found = funnel_limits([10325813.8504], [12804440], at=[population])
    assert found.baseline == pytest.approx(80.642448, abs=5e-7)
    shown = (found.lower_2s[0], found.upper_2s[0], found.lower_3s[0], found.upper_3s[0])
    assert shown == pytest.approx(limits, abs=1e-6)


@pytest.mark.parametrize(
    ("events", "limits"),
    [
        (1, (17.94802207, 3949.774946, 10.83023482, 99945.32721)),
        (5, (42.85102213, 307.979188, 30.38637225, 676.2496398)),
        (11, (55.88851756, 200.3219733, 42.98671939, 315.0523229)),
        (76, (79.89458618, 126.9218651, 71.03695942, 146.4944265)),
        (716, (92.93605352, 107.7488421, 89.20960712, 112.5516964)),
    ],
)
def test_limits_of_a_ratio_agree_as_far_as_the_package_resolves_them(
    events: int, limits: tuple[float, ...]
) -> None:
    found = funnel_limits([1], [1], "ratio", at=[events])
    shown = (found.lower_2s[0], found.upper_2s[0], found.lower_3s[0], found.upper_3s[0])
    for value, published in zip(shown, limits, strict=True):
        expected = 100 * events / published
        halved = expected / (1 + events + expected)
        assert value == pytest.approx(published, rel=max(1e-6, 1.1 * RESOLUTION / (halved * (1 - halved))))
    # ours are the exact limits: the tail beyond each is 2.5% or 0.1%
    assert stats.poisson.cdf(events, 100 * events / shown[0]) == pytest.approx(0.025, rel=1e-9)
    assert stats.poisson.sf(events - 1, 100 * events / shown[3]) == pytest.approx(0.001, rel=1e-9)


@pytest.mark.parametrize(
    ("events", "rate", "population"),
    [(414, 184, 75000), (462, 102, 150980.3922), (178, 83, 71485.94378), (308, 155, 66236.55914)],
)
def test_points_of_rates_agree(events: int, rate: float, population: float) -> None:
    for is_standardised in (False, True):
        point = funnel_points([events], [rate], years_of_data=3, is_standardised=is_standardised)
        assert point.rate[0] == rate
        assert point.denominator[0] == pytest.approx(population, rel=1e-9)


def test_a_standardised_rate_of_fewer_than_ten_events_has_no_point_and_a_crude_one_has() -> None:
    standardised = funnel_points([5, 10], [125, 125], years_of_data=3, is_standardised=True)
    np.testing.assert_array_equal(np.isnan(standardised.rate), [True, False])
    np.testing.assert_array_equal(np.isnan(standardised.denominator), [True, False])
    assert funnel_points([5], [125], years_of_data=3).denominator[0] == pytest.approx(4000 / 3)


def test_a_crude_rate_without_events_is_at_its_population() -> None:
    point = funnel_points([0, 414], [0, 184], [135000, 135000], years_of_data=3)
    np.testing.assert_allclose(point.denominator, [45000, 75000])
    with pytest.raises(ValueError, match="give the population"):
        funnel_points([0], [0])
