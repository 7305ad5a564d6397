"""The uncertainty of a printed percentage: from its printed counts and the figures of its measure only."""

import pytest

from pipeline.publish.files.uncertainty import (
    UNCERTAINTY_COLUMNS,
    MeasureFigures,
    PrintedFigures,
    combined_interval,
    count_variance,
    reliability_of,
    uncertainty_of,
)
from pipeline.statistics.interval import wilson_interval

FIGURES = MeasureFigures(coverage=0.99, design_effect=1.0, below=0.1, above=0.2, spread=0.0)


def test_limits_by_chance_are_wilsons_of_the_effective_number() -> None:
    found = uncertainty_of(200, 1000, FIGURES, 4.0)
    _, lower, upper = wilson_interval(200, 1000, multiplier=100)
    assert (found["lower"], found["upper"], found["effective_n"]) == (round(lower, 1), round(upper, 1), 1000)
    clustered = uncertainty_of(200, 1000, MeasureFigures(0.99, 2.0, 0.1, 0.2, 0.0), 4.0)
    _, lower, upper = wilson_interval(100, 500, multiplier=100)
    assert (clustered["lower"], clustered["upper"]) == (round(lower, 1), round(upper, 1))
    assert clustered["effective_n"] == 500


def test_limits_by_linkage_are_the_shifts_of_the_log_odds_and_chance_shrinks_with_the_denominator() -> None:
    found = uncertainty_of(500, 1000, FIGURES, 4.0)
    assert (found["linkage_lower"], found["linkage_upper"]) == (47.5, 55.0)  # odds of e^-0.1 and e^0.2
    wide = MeasureFigures(0.99, 1.0, 0.0, 0.0, spread=2.0)
    reach = [50.0 - float(str(uncertainty_of(n / 2, n, wide, 0.0)["linkage_lower"])) for n in (100, 10_000)]
    assert reach == [pytest.approx(5.0), pytest.approx(0.5)]


def test_the_protection_margin_is_that_of_two_counts_with_noise_and_rounding() -> None:
    assert count_variance({"noise_bound": 3, "rounding_base": 5}) == 4.0
    assert count_variance({"noise_bound": 0, "rounding_base": 1}) == 0.0
    assert uncertainty_of(500, 1000, FIGURES, 4.0)["protection_margin"] == 0.4
    assert uncertainty_of(500, 1000, FIGURES, 0.0)["protection_margin"] == 0.0


def test_a_row_without_a_printed_percentage_has_no_uncertainty() -> None:
    printed = PrintedFigures({("coverage", "m"): "0.9"}, 4.0)
    nothing = dict.fromkeys(UNCERTAINTY_COLUMNS)
    assert printed.columns_of(None, 100, 1000) == nothing  # a count, or a percentage that is hidden
    assert printed.columns_of("m", None, 1000) == nothing
    assert printed.columns_of("m", 100, None) == nothing
    assert printed.columns_of("m", 100, 1000)["coverage"] == 90


def test_a_part_that_is_not_published_leaves_no_combined_interval_and_low_reliability() -> None:
    found = uncertainty_of(500, 1000, MeasureFigures(coverage=0.99), 4.0)
    assert (found["lower"], found["linkage_upper"], found["effective_n"]) == (None, None, None)
    assert combined_interval(50.0, found) is None
    assert found["reliability"] == "low"


def columns(distance: float, coverage: int | None = 100) -> dict[str, object]:
    return {
        "lower": 50 - distance,
        "upper": 50 + distance,
        "linkage_lower": 50,
        "linkage_upper": 50,
        "protection_margin": 0,
        "coverage": coverage,
    }


def test_the_combined_interval_adds_the_squares_of_the_distances_on_each_side() -> None:
    parts = {"lower": 47.0, "upper": 53.0, "linkage_lower": 46.0, "linkage_upper": 50.0}
    assert combined_interval(50.0, parts | {"protection_margin": 0.0}) == (45.0, 53.0)
    assert combined_interval(50.0, parts | {"protection_margin": 12.0})[0] == pytest.approx(37.0)  # type: ignore[index]


@pytest.mark.parametrize(
    ("distance", "coverage", "differ", "word"),
    [
        (7.5, 100, False, "high"),
        (7.6, 100, False, "medium"),
        (20.0, 100, False, "medium"),
        (20.1, 100, False, "low"),
        (7.5, 80, False, "high"),
        (7.5, 79, False, "medium"),
        (20.0, 79, False, "low"),
        (20.1, 79, False, "low"),
        (7.5, None, False, "medium"),
        (1.0, 100, True, "low"),
    ],
)
def test_reliability_is_one_word_on_each_side_of_its_limits(
    distance: float, coverage: int | None, differ: bool, word: str
) -> None:
    assert reliability_of(50.0, columns(distance, coverage), known_differ=differ) == word


def test_figures_are_those_of_the_measure_in_the_basis() -> None:
    basis = {
        ("coverage", "m"): "0.91",
        ("design_effect", "m"): "1.15",
        ("linkage_below", "m"): "0.02",
        ("linkage_above", "m"): "0.04",
        ("linkage_spread", "m"): "1.10",
        ("known_differ", "m"): "strongly",
    }
    assert MeasureFigures.of(basis, "m") == MeasureFigures(0.91, 1.15, 0.02, 0.04, 1.1, known_differ=True)
    assert MeasureFigures.of(basis, "other") == MeasureFigures()
