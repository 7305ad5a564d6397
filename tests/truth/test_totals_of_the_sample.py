"""The published totals of the sample against the truth: none is further off than is stated here."""

from pathlib import Path

import pytest

from tests.truth.comparison import Compared, compare, compare_rates, estimated_residents
from tests.truth.sample_population import sample_population

pytestmark = pytest.mark.slow

#: Percentage points.
LARGEST_DEVIATION = 1.5
#: The status is known of too few homes.
NOT_PRODUCED = {"workless"}


@pytest.fixture(scope="module")
def release(sample_run: Path) -> Path:
    (folder,) = (p for p in (sample_run / "workspace" / "releases").iterdir() if p.name[0] != ".")
    return folder


@pytest.fixture(scope="module")
def compared(release: Path) -> list[Compared]:
    return [one for one in compare(release, sample_population()) if one.unit == "%"]


def test_every_rate_is_near_the_truth(compared: list[Compared]) -> None:
    off = {one.measure: one.deviation for one in compared if one.deviation is not None}
    assert len(off) >= 19
    assert {name: round(value, 2) for name, value in off.items() if abs(value) > LARGEST_DEVIATION} == {}


def test_what_is_known_of_too_few_is_not_produced(compared: list[Compared]) -> None:
    assert {one.measure for one in compared if one.published is None} == NOT_PRODUCED


@pytest.mark.parametrize("level", ["LAD", "MSOA21"])
def test_nine_of_ten_combined_intervals_have_the_truth(release: Path, level: str) -> None:
    found = [one for one in compare_rates(release, sample_population()) if one.area_level == level]
    assert len(found) >= 19
    assert sum(one.has_truth for one in found) >= 0.9 * len(found)


def test_the_number_of_residents_is_within_the_estimated_completeness(release: Path) -> None:
    low, high = estimated_residents(release)
    assert low <= len(sample_population().people) <= high
