"""Verdicts on rates: against the rest of the authority and a benchmark, for many comparisons, with noise."""

import numpy as np
import pandas as pd
import pytest

from pipeline.findings.all_findings import find_all
from pipeline.findings.rates import rates_of
from pipeline.findings.release_figures import read_release
from pipeline.findings.statistics.multiplicity import adjusted_p_values, two_sided_p
from pipeline.findings.verdicts import compare_with_area, compare_with_reference, judged
from tests.unit.findings.conftest import MakeRelease, rate_cells

#: The 15 p values of the worked example of Benjamini and Hochberg 1995, section 4.
THROMBOLYSIS = (0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344)
THROMBOLYSIS += (0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000)


def test_the_worked_example_of_benjamini_and_hochberg_has_four_differences_at_five_percent() -> None:
    adjusted = adjusted_p_values(THROMBOLYSIS)
    assert (adjusted <= 0.05).sum() == 4
    np.testing.assert_allclose(adjusted[:5], [0.0015, 0.003, 0.0095, 0.035625, 0.0603], rtol=1e-12)
    assert (np.diff(adjusted) >= 0).all()
    assert adjusted[-1] == 1


def test_adjusted_p_values_keep_their_places_and_leave_out_what_was_not_compared() -> None:
    shuffled = adjusted_p_values([0.3, np.nan, 0.01, 0.02])
    np.testing.assert_allclose(shuffled, [0.3, np.nan, 0.03, 0.03])
    np.testing.assert_array_equal(adjusted_p_values([]), [])
    with pytest.raises(ValueError, match="from 0 to 1"):
        adjusted_p_values([1.2])


def test_a_p_value_is_that_of_a_normal_difference() -> None:
    np.testing.assert_allclose(two_sided_p([1.959963985, 0, -2.575829304], 1), [0.05, 1, 0.01], rtol=1e-6)
    with pytest.raises(ValueError, match="above zero"):
        two_sided_p(1, 0)


def test_a_difference_that_one_comparison_would_show_is_similar_among_many() -> None:
    directions = pd.Series(["lower_is_better"] * 20)
    p = np.array([0.03] + [0.5] * 19)
    difference = np.full(20, 0.01)
    assert judged(difference[:1], adjusted_p_values(p[:1]), directions[:1]) == ["worse"]
    assert judged(difference, adjusted_p_values(p), directions)[0] == "similar"


def test_an_area_is_compared_with_the_authority_without_that_area(make_release: MakeRelease) -> None:
    area = {"level": "MSOA21", "area": "E02000001"}
    cells = [
        *rate_cells("emergency_admission", 200, 1000),
        *rate_cells("emergency_admission", 160, 500, **area),
    ]
    rates = find_all(make_release({"health": cells})).rates.set_index("area_level")
    assert rates.loc["MSOA21", "area_percent"] == 20
    assert rates.loc["MSOA21", "rest_percent"] == pytest.approx(100 * 40 / 500)
    assert rates.loc["MSOA21", "against_area"] == "worse"
    assert np.isnan(rates.loc["LAD", "rest_percent"])
    assert rates.loc["LAD", "against_area"] == "not compared"


def test_a_group_larger_than_its_authority_by_noise_is_not_compared(make_release: MakeRelease) -> None:
    area = {"level": "MSOA21", "area": "E02000001"}
    cells = [
        *rate_cells("emergency_admission", 200, 1000),
        *rate_cells("emergency_admission", 205, 995, **area),
    ]
    rates = find_all(make_release({"health": cells})).rates.set_index("area_level")
    assert rates.loc["MSOA21", "against_area"] == "not compared"


def test_areas_that_do_not_differ_are_called_different_no_more_often_than_stated(
    make_release: MakeRelease,
) -> None:
    """20 areas of one rate, published with noise and rounding, 200 times: the p values are uniform."""
    rng = np.random.default_rng(5)
    share = np.array([153, 458, 885, 1104, 885, 458, 153]) / 4096
    lsoas = tuple((f"E01{n:06}", f"E02{n:06}", 1) for n in range(20))
    small = [
        c
        for lsoa, msoa, _ in lsoas
        for c in rate_cells("emergency_admission", 100, 500, level="MSOA21", area=msoa)
    ]
    release = read_release(
        make_release({"health": [*rate_cells("emergency_admission", 2000, 10_000), *small]}, lsoas=lsoas)
    )
    frame = rates_of(release)
    p_values, any_found = [], 0
    for _ in range(200):
        n = rng.integers(60, 300, 20)
        x = rng.binomial(n, 0.2)
        exact = pd.DataFrame({"numerator": [x.sum(), *x], "denominator": [n.sum(), *n]})
        noise = rng.choice(np.arange(-3, 4), exact.shape, p=share)
        shown = 5 * np.round((exact + noise) / 5)
        frame[["numerator", "denominator"]] = shown.to_numpy()
        frame["percent"] = 100 * frame["numerator"] / frame["denominator"]
        compared = compare_with_area(frame, release)
        p_values += compared["area_p_value"].dropna().tolist()
        any_found += compared["against_area"].isin(["better", "worse"]).any()
    assert 0.035 < np.mean(np.array(p_values) < 0.05) < 0.065
    assert any_found / 200 < 0.09  # without differences, the false discovery rate is that of any finding


def test_a_benchmark_just_outside_wilsons_interval_differs_and_just_inside_does_not(
    make_release: MakeRelease,
) -> None:
    release = read_release(
        make_release(
            {"health": rate_cells("emergency_admission", 200, 1000)},
            criteria={"noise_bound": 0, "rounding_base": 1},
        )
    )
    (rate,) = rates_of(release).to_dict("records")

    def verdict(reference: float, count_variance: float = 0.0) -> str:
        compared = compare_with_reference(rates_of(release), np.array([reference]), count_variance)
        return str(compared["against_benchmark"].iloc[0])

    assert verdict(rate["upper"] + 1e-6) == "better"
    assert verdict(rate["upper"] - 1e-6) == "similar"
    assert verdict(rate["upper"] + 0.01, count_variance=4.0) == "similar"
    assert verdict(np.nan) == "not compared"
