"""Proportions, rates, counts and indirectly standardised rates against those of PHEindicatormethods, to 1e-6.

Reference values: tests of the R package PHEindicatormethods 2.1.0 (ukhsa-collaboration:
testdata_Rate.xlsx, testdata_Proportion.xlsx, testdata_Byars_Wilson.xlsx, testdata_DSR_ISR.xlsx).
"""

import numpy as np
import pytest

from pipeline.findings.statistics import (
    byars_interval,
    dobson_interval,
    indirectly_standardised_rate,
    indirectly_standardised_ratio,
    wilson_interval,
)

Limits = tuple[float, float]

#: Events and population -> 95% and 99.8% limits of the rate per 100.
RATES: dict[tuple[float, float], tuple[Limits, Limits]] = {
    (1, 100): ((0.0253178079843, 5.57164339094), (0.00100050033358, 9.23341347645)),
    (5, 100): ((1.62348639012, 11.6683320793), (0.739371731918, 16.4547452037)),
    (20, 100): ((12.2114288349, 30.8898803692), (8.92280236514, 38.0850356250)),
    (65, 100): ((50.1631877105, 82.8491385459), (42.8802614715, 94.0002908443)),
    (9856, 12345): ((78.2694905898, 81.4300165427), (77.3759054327, 82.3544727710)),
    (7776456, 7564336677): ((0.102731960053, 0.102876483341), (0.102690317308, 0.102918176395)),
    (222, 3215): ((6.02657487765, 7.87572937087), (5.56073769526, 8.46104668173)),
    (999, 3456): ((27.1413049361, 30.7558332374), (26.1621475964, 31.8456048196)),
}
#: The same for the percentage of people.
PERCENTAGES: dict[tuple[float, float], tuple[Limits, Limits]] = {
    (1, 100): ((0.176743206414, 5.44861961787), (0.0873065697300, 10.4554452837)),
    (5, 100): ((2.15436791544, 11.1750469232), (1.38653207260, 16.4588522826)),
    (20, 100): ((13.3366933310, 28.8829165593), (10.5191620667, 34.7110941701)),
    (65, 100): ((55.2544432969, 73.6357517569), (49.5494657407, 77.8354061409)),
    (9856, 12345): ((79.1210175291, 80.5364007361), (78.6992410842, 80.9306141259)),
    (7776456, 7564336677): ((0.102732010016, 0.102876445790), (0.102690401184, 0.102918129927)),
    (222, 3215): ((6.07916903637, 7.83395668138), (5.64710196462, 8.41841418527)),
    (999, 3456): ((27.4189510801, 30.4403896628), (26.5839957681, 31.3447544928)),
}
POPULATION = (636, 558, 609, 543, 384, 594, 669, 843, 660, 576, 606, 522, 426, 273, 300, 288, 153, 123, 207)
REFERENCE_EVENTS = (10303, 2824, np.nan, 3615, 3641, 3490, 3789, 3213, 3031, 2771)
REFERENCE_EVENTS += (3089, 3490, 3595, 4745, 5514, 7125, 5694, 6210, 5757)
REFERENCE_POPULATION = (50520, 57173, 60213, 54659, 44345, 50128, 62163, 67423, 62899, 55463)
REFERENCE_POPULATION += (60479, 49974, 44140, 40888, 37239, 30819, 18136, 15325, 13918)


@pytest.mark.parametrize(("counts", "limits"), RATES.items())
def test_crude_rates_agree(counts: tuple[float, float], limits: tuple[Limits, Limits]) -> None:
    for confidence, expected in zip((0.95, 0.998), limits, strict=True):
        found = byars_interval(*counts, confidence, multiplier=100)
        assert found == pytest.approx((100 * counts[0] / counts[1], *expected), rel=1e-9)


@pytest.mark.parametrize(("counts", "limits"), PERCENTAGES.items())
def test_percentages_agree(counts: tuple[float, float], limits: tuple[Limits, Limits]) -> None:
    for confidence, expected in zip((0.95, 0.998), limits, strict=True):
        found = wilson_interval(*counts, confidence, multiplier=100)
        assert found == pytest.approx((100 * counts[0] / counts[1], *expected), rel=1e-9)


def test_more_events_than_people_are_a_rate_and_not_a_proportion() -> None:
    assert byars_interval(250, 220) == pytest.approx((113636.363636, 99984.9473853, 128631.144875), rel=1e-9)
    with pytest.raises(ValueError, match="must not exceed"):
        wilson_interval(250, 220)


def test_counts_and_weighted_proportions_agree() -> None:
    assert byars_interval(10, confidence=0.998)[1:] == pytest.approx((2.91631837470, 24.1937249279), rel=1e-9)
    assert wilson_interval(0.445, 1)[1:] == pytest.approx((0.0438174477206, 0.933462127698), rel=1e-9)
    lower, upper = byars_interval(1, confidence=0.998)[1:]
    assert np.isnan(lower)
    assert upper == pytest.approx(9.36218021791, rel=1e-9)


@pytest.mark.parametrize(
    ("events", "ratio", "wide"),
    [
        (895, (107.072329390, 100.171477126, 114.323328725), (96.3515561561, 118.600704159)),
        (91, (10.8866837704, 8.76504010183, 13.3665763284), (7.69542552839, 14.8979205105)),
        (9, (1.07670498828, 0.492338082510, 2.04392145555), (0.293393065507, 2.71058965147)),
    ],
)
def test_standardised_ratios_and_rates_agree_at_both_levels(
    events: int, ratio: tuple[float, float, float], wide: Limits
) -> None:
    reference = (POPULATION, REFERENCE_EVENTS, REFERENCE_POPULATION)
    for confidence, expected in ((0.95, ratio), (99.8, (ratio[0], *wide))):
        found = indirectly_standardised_ratio([], *reference, confidence, refvalue=100, observed_total=events)
        assert found == pytest.approx(expected, rel=1e-9)
        rate = indirectly_standardised_rate([], *reference, confidence, observed_total=events)
        per_rate = [93.4988309221102 * value for value in expected]
        assert rate == pytest.approx(per_rate, rel=1e-9)


def test_a_standardised_rate_of_a_standard_of_ones_is_the_mean_of_the_rates() -> None:
    found = dobson_interval([5, 10], [100, 400], [1, 1])
    assert found.value == pytest.approx((0.05 + 0.025) / 2)
