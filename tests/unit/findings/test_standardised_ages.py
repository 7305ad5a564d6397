"""Rates of a measure of some ages only, standardised over the ages that it is about."""

import numpy as np
import pytest

from pipeline.findings.all_findings import find_all
from pipeline.findings.standardised import DIRECT, INDIRECT, ages_in_words, standard_population
from tests.unit.findings.conftest import MakeRelease, rate_cells

AGES = tuple(standard_population())
OLD = AGES[5:]
FRAIL = dict(zip(OLD, (50, 100, 150), strict=True))


def frailty(people: float = 500, **columns: str) -> list[dict]:
    return [c for age in OLD for c in rate_cells("frailty_65", FRAIL[age], people, age=age, **columns)]


@pytest.mark.parametrize("young", [0, None])
def test_a_measure_of_older_people_is_standardised_over_their_age_bands(
    make_release: MakeRelease, young: float | None
) -> None:
    cells = frailty()
    if young is not None:  # published as a structural zero; otherwise left out of the table
        cells += [c for age in AGES[:5] for c in rate_cells("frailty_65", young, young, age=age)]
    (found,) = find_all(make_release({"resident_health_by_age": cells})).standardised.to_dict("records")
    standard = standard_population()
    weights = np.array([standard[age] for age in OLD])
    rates = np.array([FRAIL[age] / 500 for age in OLD])
    assert found["ages"] == "65 and over"
    assert found["rate"] == pytest.approx(1000 * (weights * rates).sum() / weights.sum())


def test_a_measure_of_two_age_bands_has_no_standardised_rate(make_release: MakeRelease) -> None:
    cells = [c for age in AGES[:2] for c in rate_cells("children_with_asthma", 50, 500, age=age)]
    (found,) = find_all(make_release({"resident_health_by_age": cells})).standardised.to_dict("records")
    assert np.isnan(found["rate"])
    assert found["note"] == "fewer than 3 age bands with people"


def test_ages_are_named_by_their_ends() -> None:
    assert ages_in_words("age", AGES) == "all"
    assert ages_in_words("age", OLD) == "65 and over"
    assert ages_in_words("age", AGES[:2]) == "0 to 15"
    assert ages_in_words("age", AGES[2:5]) == "16 to 64"
    assert ages_in_words("age", ()) == ""


def test_the_older_people_of_an_area_are_compared_with_those_of_the_authority(
    make_release: MakeRelease,
) -> None:
    area = {"level": "MSOA21", "area": "E02000001"}
    by_age = frailty() + frailty(100, **area)
    totals = rate_cells("frailty_65", 120, 300, **area)
    found = find_all(make_release({"resident_health_by_age": by_age, "resident_health": totals}))
    (ratio,) = found.standardised[found.standardised["method"] == INDIRECT].to_dict("records")
    assert (ratio["rate"], ratio["ages"]) == (pytest.approx(100 * 120 / 60), "65 and over")


@pytest.mark.parametrize("method", [DIRECT, INDIRECT])
def test_noise_and_rounding_widen_a_standardised_rate(make_release: MakeRelease, method: str) -> None:
    area = {"level": "MSOA21", "area": "E02000001"}

    def width(**criteria: int) -> float:
        by_age = frailty() + frailty(100, **area)
        totals = rate_cells("frailty_65", 120, 300, **area)
        release = make_release(
            {"resident_health_by_age": by_age, "resident_health": totals}, criteria=criteria
        )
        rows = find_all(release).standardised
        row = rows[(rows["method"] == method)].iloc[0]
        return float(row["upper"] - row["lower"])

    assert width() > 1.005 * width(noise_bound=0, rounding_base=1)
