"""Each statistic against published worked examples, to the precision they print.

Sources: Newcombe 1998, Statistics in Medicine 17:857-872 (Wilson's score interval); the
documented results of the R package PHEindicatormethods 2.1 (public health technical
guidance); Spiegelhalter 2005.
"""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline.findings.statistics import (
    ESP2013,
    QuantileValues,
    byars_interval,
    directly_standardised_rate,
    dobson_interval,
    funnel_limits,
    funnel_significance,
    indirectly_standardised_rate,
    indirectly_standardised_ratio,
    inequality_indices,
    mean_interval,
    quantile_assignment,
    relative_index_of_inequality,
    slope_index_of_inequality,
    wilson_interval,
)

POPULATION = (636, 558, 609, 543, 384, 594, 669, 843, 660, 576, 606, 522, 426, 273, 300, 288, 153, 123, 207)
MANY = (127, 25, 18, 21, 12, 27, 48, 27, 29, 32, 32, 34, 45, 65, 38, 68, 74, 82, 91)
FEW = (12, 4, 3, 2, 3, 4, 8, 2, 2, 3, 4, 5, 6, 8, 5, 6, 5, 5, 4)
REFERENCE_EVENTS = (10303, 2824, np.nan, 3615, 3641, 3490, 3789, 3213, 3031, 2771)
REFERENCE_EVENTS += (3089, 3490, 3595, 4745, 5514, 7125, 5694, 6210, 5757)
REFERENCE_POPULATION = (50520, 57173, 60213, 54659, 44345, 50128, 62163, 67423, 62899, 55463)
REFERENCE_POPULATION += (60479, 49974, 44140, 40888, 37239, 30819, 18136, 15325, 13918)

#: National Child Measurement Programme, year 6, obese children by IMD decile.
MEASURED = (34353, 32112, 27715, 25372, 23889, 23260, 23180, 24193, 23609, 24488)
OBESE = (7287, 6881, 5656, 4868, 4176, 3876, 3617, 3546, 3314, 2960)
DECILES = tuple(range(1, 11))


@pytest.mark.parametrize(
    ("x", "n", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_newcombes_four_examples(x: int, n: int, lower: float, upper: float) -> None:
    interval = wilson_interval(x, n)
    assert interval.value == x / n
    assert round(interval.lower, 4) == lower
    assert round(interval.upper, 4) == upper


@pytest.mark.parametrize("confidence", [0.998, 99.8])
def test_wilson_takes_a_confidence_level_as_share_or_percentage(confidence: float) -> None:
    assert wilson_interval(20, 100, confidence) == pytest.approx(
        (0.2, 0.1051916206671143, 0.3471109417008601), rel=1e-12
    )


def test_wilson_works_on_columns_and_at_full_confidence() -> None:
    value, lower, upper = wilson_interval([1, 5, 65], 100)
    np.testing.assert_allclose(value, [0.01, 0.05, 0.65])
    np.testing.assert_allclose(lower, [0.00176743206, 0.0215436792, 0.552544433], rtol=1e-8)
    np.testing.assert_allclose(upper, [0.05448619618, 0.1117504692, 0.736357518], rtol=1e-8)
    assert wilson_interval(3, 10, 1.0) == (0.3, 0.0, 1.0)


def test_byars_limits_of_counts_agree_with_the_technical_guide() -> None:
    value, lower, upper = byars_interval([65, 1045, 1])
    np.testing.assert_array_equal(value, [65, 1045, 1])
    np.testing.assert_allclose(lower, [50.1631877, 982.593202, 0.0130721329], rtol=1e-8)
    np.testing.assert_allclose(upper, [82.8491385, 1110.331213, 5.56375558], rtol=1e-8)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (1, (1, 0.025317808, 5.571643391)),
        (5, (5, 1.623486390, 11.66833208)),
        (9, (9, 4.115373, 17.084803)),
        (10, (10, 4.7874499140, 18.3914586057)),
        (20, (20, 12.21142883, 30.88988037)),
    ],
)
def test_a_rate_is_exact_below_ten_events_and_byars_from_ten(
    events: int, expected: tuple[float, float, float]
) -> None:
    assert byars_interval(events, 100, multiplier=100) == pytest.approx(expected, rel=1e-6)


def test_a_rate_of_no_events_starts_at_nought() -> None:
    value, lower, upper = byars_interval(0, 100, multiplier=100)
    assert (value, lower) == (0, 0)
    assert upper == pytest.approx(3.688879, rel=1e-6)


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        (0.95, (10430.247991469423, 9717.70906798568, 11178.94091547925)),
        (0.998, (10430.247991469423, 9323.287880219904, 11620.595999522059)),
    ],
)
def test_a_directly_standardised_rate_has_dobsons_interval(
    confidence: float, expected: tuple[float, float, float]
) -> None:
    assert directly_standardised_rate(MANY, POPULATION, ESP2013, confidence) == pytest.approx(
        expected, rel=1e-12
    )
    assert dobson_interval(MANY, POPULATION, ESP2013, confidence, multiplier=100_000) == pytest.approx(
        expected, rel=1e-12
    )


def test_directly_standardised_rates_come_for_many_areas_at_once() -> None:
    tiny = [1] * 9 + [0] * 10
    value, lower, upper = directly_standardised_rate([MANY, FEW, tiny], POPULATION)
    np.testing.assert_allclose(value, [10430.247991469, 1103.212025300, np.nan], rtol=1e-10)
    np.testing.assert_allclose(lower, [9717.709067986, 877.455767537, np.nan], rtol=1e-10)
    np.testing.assert_allclose(upper, [11178.940915479, 1367.088222725, np.nan], rtol=1e-10)


def test_dobsons_interval_of_one_stratum_is_byars() -> None:
    assert dobson_interval([65], weights=[2.0]) == pytest.approx(
        tuple(2 * x for x in byars_interval(65)), rel=1e-12
    )


@pytest.mark.parametrize(
    ("events", "rate"),
    [
        (MANY, (10011.13762209, 9365.91600298, 10689.09758291)),
        (FEW, (1017.892205151, 819.521002506, 1249.759260138)),
    ],
)
def test_an_indirectly_standardised_rate_is_the_ratio_times_the_reference_rate(
    events: tuple[int, ...], rate: tuple[float, float, float]
) -> None:
    reference = (REFERENCE_EVENTS, REFERENCE_POPULATION)
    assert indirectly_standardised_rate(events, POPULATION, *reference) == pytest.approx(rate, rel=1e-10)
    ratio = indirectly_standardised_ratio(events, POPULATION, *reference)
    assert ratio == pytest.approx(tuple(r / 9349.88309221102 for r in rate), rel=1e-10)


def test_an_indirectly_standardised_ratio_takes_a_total_where_bands_are_unknown() -> None:
    nine = indirectly_standardised_rate(
        [], POPULATION, REFERENCE_EVENTS, REFERENCE_POPULATION, observed_total=9
    )
    assert nine == pytest.approx((100.6706576523, 46.0330351331, 191.1042665905), rel=1e-10)


def test_a_mean_has_students_interval() -> None:
    # n 8, mean 53.704345, standard deviation 20.97557525770931
    spread = np.array([-1.0, 1.0] * 4)
    values = 53.704345 + 20.97557525770931 * spread / spread.std(ddof=1)
    assert mean_interval(values) == pytest.approx((53.704345, 36.16832524, 71.24036476), rel=1e-9)
    assert mean_interval(values, 0.998)[1:] == pytest.approx((18.21670529, 89.19198471), rel=1e-9)


def test_quantiles_give_the_highest_values_first_and_ties_the_better_one() -> None:
    values = [
        182.71,
        175.99,
        169.27,
        169.27,
        155.83,
        149.11,
        149.11,
        149.11,
        128.95,
        122.23,
        115.51,
        108.79,
        102.07,
    ]
    np.testing.assert_array_equal(quantile_assignment(values), [1, 1, 2, 2, 4, 4, 4, 4, 7, 7, 8, 9, 10])


def test_quantiles_within_groups_are_unknown_where_a_group_is_too_small() -> None:
    values = [1, 2, 3, 4, 5, np.nan, 9, 8]
    groups = ["a"] * 6 + ["b"] * 2
    np.testing.assert_array_equal(
        quantile_assignment(values, 5, invert=False, groups=groups), [1, 2, 3, 4, 5, np.nan, np.nan, np.nan]
    )


def test_the_indices_of_a_proportion_agree_with_the_published_ones() -> None:
    limits = wilson_interval(OBESE, MEASURED)
    given = {"x": OBESE, "lower_cl": limits.lower, "upper_cl": limits.upper}
    slope = slope_index_of_inequality(QuantileValues(DECILES, MEASURED, value_type="proportion", **given))
    relative = relative_index_of_inequality(QuantileValues(DECILES, MEASURED, value_type=2, **given))
    assert slope.value == pytest.approx(-0.10720032333730493, rel=1e-12)
    assert relative.value == pytest.approx(0.5334015306465507, rel=1e-12)
    # the published limits are simulated too, with other random numbers
    assert slope[1:] == pytest.approx((-0.1122086, -0.1021798), rel=2e-3)
    assert relative[1:] == pytest.approx((0.5171273, 0.5501538), rel=2e-3)


def test_the_indices_of_a_measure_with_symmetric_error_agree_with_the_published_ones() -> None:
    population = (7291, 7997, 6105, 7666, 5790, 6934, 5918, 5974, 7147, 7534)
    life = (75.9334590103081, 78.3442382727843, 83.8360631041654, 83.6375399664931, 80.4655031529559)
    life += (81.1156759857022, 81.6930835718562, 84.1900062060987, 80.5955641081472, 86.2894349578624)
    error = (1.64, 1.58, 1.51, 1.78, 1.7, 1.56, 1.37, 1.4, 2.43, 1.57)
    both = inequality_indices(QuantileValues(DECILES, population, life, "normal", se=error))
    assert both.slope.value == pytest.approx(6.934616473668819, rel=1e-12)
    assert both.relative.value == pytest.approx(1.0888180804446217, rel=1e-12)
    assert both.slope[1:] == pytest.approx((3.0976, 10.7586), rel=0.02)


def test_a_negative_multiplier_turns_the_slope_and_inverts_the_ratio() -> None:
    limits = wilson_interval(OBESE, MEASURED)
    given = {"x": OBESE, "lower_cl": limits.lower, "upper_cl": limits.upper, "value_type": "proportion"}
    plain = inequality_indices(QuantileValues(DECILES, MEASURED, **given))
    turned = inequality_indices(QuantileValues(DECILES, MEASURED, **given), multiplier=-100)
    assert turned.slope == pytest.approx(
        (10.720032333730493, -100 * plain.slope.upper, -100 * plain.slope.lower), rel=1e-4
    )
    assert turned.relative == pytest.approx(
        (1 / plain.relative.value, 1 / plain.relative.upper, 1 / plain.relative.lower), rel=1e-3
    )


def test_the_order_of_the_quantiles_given_does_not_matter_and_the_seed_fixes_the_limits() -> None:
    limits = wilson_interval(OBESE, MEASURED)
    backwards = [list(reversed(c)) for c in (DECILES, MEASURED, OBESE, limits.lower, limits.upper)]
    given = slope_index_of_inequality(
        QuantileValues(
            DECILES,
            MEASURED,
            value_type="proportion",
            x=OBESE,
            lower_cl=limits.lower,
            upper_cl=limits.upper,
        )
    )
    turned = slope_index_of_inequality(
        QuantileValues(
            backwards[0],
            backwards[1],
            value_type="proportion",
            x=backwards[2],
            lower_cl=backwards[3],
            upper_cl=backwards[4],
        )
    )
    assert turned == pytest.approx(given, rel=1e-12)


def test_simulated_limits_of_a_normal_measure_approach_the_analytic_ones() -> None:
    population, value, error = [100.0] * 5, [10.0, 11.0, 12.0, 13.0, 14.0], [0.5] * 5
    # equal fifths: slope = sum(c * v) with c = (-2, -1, 0, 1, 2) / 2, so its error is .5 * sqrt(10) / 2
    slope = slope_index_of_inequality(
        QuantileValues([1, 2, 3, 4, 5], population, value, se=error), repetitions=400_000
    )
    reach = 1.959964 * 0.5 * np.sqrt(10) / 2
    assert slope == pytest.approx((5.0, 5.0 - reach, 5.0 + reach), abs=0.015)


def test_funnel_limits_of_a_proportion_agree_with_the_published_table() -> None:
    limits = funnel_limits([8064, 0], [10000, 1e-9], at=[1, 2])
    assert limits.baseline == pytest.approx(80.64, rel=1e-9)
    pooled = funnel_limits([80.642448], [100], at=[1, 2])
    np.testing.assert_allclose(pooled.lower_2s, [3.204264, 25.885383], atol=5e-6)
    np.testing.assert_allclose(pooled.upper_2s, [100, 100])
    np.testing.assert_allclose(pooled.lower_3s, [0, 0])


def test_funnel_limits_of_a_ratio_agree_with_the_published_table() -> None:
    limits = funnel_limits([8, 151], [6.239860227, 106.4429719], "ratio", at=[1, 20])
    assert limits.baseline == 100
    assert limits.lower_2s[0] == pytest.approx(17.94802207, rel=1e-6)
    assert limits.upper_2s[0] == pytest.approx(3949.774946, rel=1e-5)
    assert limits.lower_3s[0] == pytest.approx(10.83023482, rel=1e-6)


def test_funnel_limits_of_a_rate_scale_those_of_a_ratio_by_the_baseline() -> None:
    limits = funnel_limits([414, 462], [225000, 452941.17647], "rate", 100_000, at=[2.0])
    assert limits.lower_2s[0] / limits.baseline == pytest.approx(32.15975314 / 116.1720835, rel=1e-6)
    assert limits.upper_3s[0] / limits.baseline == pytest.approx(5117.48863 / 116.1720835, rel=2e-5)


def test_the_axis_of_a_funnel_has_a_hundred_growing_points_around_the_areas() -> None:
    limits = funnel_limits([35078.488, 24803.6256], [41980, 31824])
    assert len(limits.at) == 100
    assert (np.diff(limits.at) >= 1).all()
    assert limits.at[0] <= 31824 <= 41980 <= limits.at[-1]


def test_an_area_outside_three_sigma_is_told_from_one_outside_two_and_one_inside() -> None:
    said = funnel_significance([500, 445, 410, 400 * 24], [1000, 1000, 1000, 24000])
    assert list(said) == ["high 0.001", "high 0.025", "", ""]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wilson_interval(11, 10), "must not exceed"),
        (lambda: wilson_interval(-1, 10), "negative"),
        (lambda: wilson_interval(1, 0), "above zero"),
        (lambda: wilson_interval(1, 10, 0.89), "confidence"),
        (lambda: wilson_interval(1, 10, 101), "confidence"),
        (lambda: byars_interval(-1), "negative"),
        (lambda: mean_interval([1.0]), "two values"),
        (lambda: directly_standardised_rate([1, 2], [10, 10]), "age bands"),
        (lambda: directly_standardised_rate([11, 2], [10, 0], [1, 1]), "above zero"),
        (lambda: dobson_interval([1, 2]), "either weights"),
        (
            lambda: slope_index_of_inequality(QuantileValues([1, 2, 3, 4], [1] * 4, [1] * 4, se=[1] * 4)),
            "at least 5",
        ),
        (
            lambda: slope_index_of_inequality(QuantileValues([1, 2, 3, 4, 4], [1] * 5, [1] * 5, se=[1] * 5)),
            "each once",
        ),
        (lambda: slope_index_of_inequality(QuantileValues([1, 2, 3, 4, 5], [1] * 5, [1] * 5)), "give se"),
        (
            lambda: slope_index_of_inequality(
                QuantileValues([1, 2, 3, 4, 5], [1, 1, 0, 1, 1], [1] * 5, se=[1] * 5)
            ),
            "population",
        ),
        (
            lambda: slope_index_of_inequality(QuantileValues(range(5), [1] * 5, [0] * 5, "rate", se=[1] * 5)),
            "above zero",
        ),
        (
            lambda: slope_index_of_inequality(QuantileValues(range(5), [1] * 5, [1] * 5, 3, se=[1] * 5)),
            "value_type",
        ),
        (
            lambda: slope_index_of_inequality(QuantileValues(list("abcde"), [1] * 5, [1] * 5, se=[1] * 5)),
            "are numbers",
        ),
        (lambda: funnel_limits([1], [1], "median"), "statistic"),
        (lambda: funnel_limits([], []), "known for every area"),
        (lambda: funnel_limits([11], [10]), "must not exceed"),
        (lambda: funnel_limits([1], [10], at=[0]), "above zero"),
        (lambda: wilson_interval([1, 2], [1, 2, 3]), "one length"),
        (lambda: byars_interval(1, np.inf), "finite"),
        (lambda: quantile_assignment([1, 2, 3], 2, groups=["a"]), "needs its group"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_an_unknown_input_gives_an_unknown_result_beside_known_ones() -> None:
    value, lower, upper = wilson_interval([np.nan, 5], [100, 100])
    assert np.isnan([value[0], lower[0], upper[0]]).all()
    assert not np.isnan([value[1], lower[1], upper[1]]).any()


def test_an_unknown_denominator_gives_an_unknown_proportion() -> None:
    value, lower, upper = wilson_interval([5, 5], [np.nan, 100])
    assert np.isnan([value[0], lower[0], upper[0]]).all()
    assert value[1] == 0.05
    assert list(funnel_significance([5, 5], [np.nan, 100])) == ["unknown", ""]


def test_quantiles_given_as_text_are_ranked_as_numbers() -> None:
    as_text = [str(decile) for decile in DECILES]
    limits = wilson_interval(OBESE, MEASURED)
    given = {"x": OBESE, "lower_cl": limits.lower, "upper_cl": limits.upper, "value_type": "proportion"}
    assert slope_index_of_inequality(QuantileValues(as_text, MEASURED, **given)) == slope_index_of_inequality(
        QuantileValues(DECILES, MEASURED, **given)
    )


def test_an_area_of_unknown_numbers_is_out_of_the_funnels_average() -> None:
    said = funnel_significance([500, np.nan, 410, 400 * 24], [1000, 1000, 1000, 24000])
    assert list(said) == ["high 0.001", "unknown", "", ""]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 5]),
        pa.chunked_array([[1], [None, 5]]),
        pd.Series([1, None, 5], dtype="Int64"),
        pd.Series([1, None, 5], index=[7, 8, 9]),
        [1, None, 5],
        [Decimal(1), None, Decimal(5)],
    ],
)
def test_columns_of_any_kind_are_taken(column: object) -> None:
    value, lower, upper = wilson_interval(column, [10, 10, 10])  # type: ignore[arg-type]
    np.testing.assert_allclose(value, [0.1, np.nan, 0.5])
    np.testing.assert_allclose(lower, [0.01787621, np.nan, 0.23659309], rtol=1e-6)
    np.testing.assert_allclose(upper, [0.40415003, np.nan, 0.76340691], rtol=1e-6)
