"""Funnel plots: areas outside what chance, protection and the usual spread between areas explain."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.findings.all_findings import find_all
from pipeline.findings.funnel import worst_first
from pipeline.findings.report import report_findings
from pipeline.findings.statistics import overdispersion
from pipeline.findings.statistics.overdispersion import winsorised
from tests.unit.findings.conftest import MakeRelease, rate_cells


def release_of(
    make_release: MakeRelease,
    counts: list[float],
    people: float = 1000,
    measure: str = "emergency_admission",
    **described: object,
) -> Path:
    cells = [
        c
        for number, count in enumerate(counts, start=1)
        for c in rate_cells(measure, count, people, level="MSOA21", area=f"E02{number:06}")
    ]
    lsoas = tuple((f"E01{n:06}", f"E02{n:06}", 1) for n in range(1, len(counts) + 1))
    return make_release({"health": cells}, lsoas=lsoas, **described)


def test_values_beyond_the_tenth_and_ninetieth_percentile_are_drawn_in() -> None:
    drawn = winsorised(np.array([-50.0, *range(1, 10), 100.0]))
    assert (drawn.min(), drawn.max()) == (1, 9)
    with pytest.raises(ValueError, match="at each end"):
        winsorised(drawn, 0.5)


def test_the_spread_between_areas_is_that_of_dersimonian_and_laird_without_drawing_in() -> None:
    """Five areas of equal error 1: with z of -3, -1, 0, 1, 3 the sum of squares is 20, and tau squared 4."""
    factor, between = overdispersion([-3, -1, 0, 1, 3], [1.0] * 5, 0.0, share=0.0)
    assert factor == pytest.approx(20 / 5)
    assert between**2 == pytest.approx((20 - 4) / (5 - 1))


def test_areas_that_differ_by_chance_only_have_no_overdispersion() -> None:
    factor, between = overdispersion([-0.5, 0, 0.5, 0.2, -0.2], [1.0] * 5, 0.0)
    assert factor < 1
    assert between == 0


def test_the_true_spread_between_many_areas_is_found() -> None:
    rng = np.random.default_rng(11)
    error = rng.uniform(0.5, 2, 4000)
    values = 10 + rng.normal(0, 1.5, 4000) + rng.normal(0, 1, 4000) * error
    # drawing in takes away part of the spread where no area is an outlier: the method is cautious
    assert 0.9 < overdispersion(values, error, 10).between < 1.5
    assert overdispersion(values, error, 10, share=0).between == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize(
    ("values", "errors", "message"),
    [([1], [1], "two areas"), ([1, np.nan], [1, 1], "two areas"), ([1, 2], [0, 1], "above zero")],
)
def test_an_impossible_overdispersion_is_refused(values: list, errors: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        overdispersion(values, errors, 0)


def test_one_area_far_from_many_alike_is_outside_and_listed_first(make_release: MakeRelease) -> None:
    funnel = find_all(release_of(make_release, [180, *[100] * 14])).funnel
    assert funnel["outlier"].tolist() == ["high 0.001", *[""] * 14]
    first = funnel.iloc[0]
    assert (first["area_code"], first["verdict"], first["percent"]) == ("E02000001", "worse", 18)
    assert first["baseline"] == pytest.approx(100 * 1580 / 15000)


def test_areas_that_all_differ_are_within_limits_that_allow_for_it(make_release: MakeRelease) -> None:
    counts = [100 + 20 * step for step in range(10)]
    funnel = find_all(release_of(make_release, counts)).funnel
    assert (funnel["outlier_by_chance"] != "").sum() >= 6
    assert (funnel["outlier"] == "").all()
    assert funnel["overdispersion"].iloc[0] > 10
    # the spread of 100, 120 ... 280 of 1,000, with the ends drawn in
    assert 4 < funnel["between_areas"].iloc[0] < 6


def test_noise_and_rounding_widen_the_control_limits(make_release: MakeRelease) -> None:
    counts = [20.0] * 10

    def limits(**criteria: int) -> pd.Series:
        return find_all(release_of(make_release, counts, 100, criteria=criteria)).funnel.iloc[0]

    exact, protected = limits(noise_bound=0, rounding_base=1), limits()
    assert protected["lower_2s"] < exact["lower_2s"]
    assert protected["upper_3s"] > exact["upper_3s"]
    assert protected["lower_3s"] >= 0
    assert protected["upper_3s"] <= 100


def test_the_worst_is_high_or_low_by_the_direction_of_the_measure(make_release: MakeRelease) -> None:
    rows = pd.DataFrame({"z": [-5.0, 1.0, 4.0], "area_code": ["low", "middle", "high"]})
    order = {
        "lower_is_better": ["high", "middle", "low"],
        "higher_is_better": ["low", "high", "middle"],
        "neutral": ["low", "high", "middle"],
    }
    for direction, expected in order.items():
        assert worst_first(rows.assign(direction=direction))["area_code"].tolist() == expected
    funnel = find_all(
        release_of(make_release, [600, *[400] * 14], measure="good_level_of_development")
    ).funnel
    assert funnel.set_index("area_code").loc["E02000001", "verdict"] == "better"
    assert funnel["area_code"].iloc[-1] == "E02000001"


def test_fewer_than_five_areas_have_no_funnel(make_release: MakeRelease) -> None:
    found = find_all(release_of(make_release, [100.0] * 4))
    assert found.funnel.empty
    assert "No measure has enough areas for a funnel plot." in report_findings(found)


def test_the_page_shows_how_many_areas_are_outside_and_how_many_chance_would_put_there(
    make_release: MakeRelease,
) -> None:
    page = report_findings(find_all(release_of(make_release, [180, *[100] * 14])))
    assert "1 of 15 area rates is outside the two sigma limits" in page
    assert "About 1 would be outside two sigma" in page
    assert "| Households with an emergency admission | E02000001 | 18.0 | 10.5 |" in page
