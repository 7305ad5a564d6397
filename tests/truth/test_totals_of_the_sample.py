"""The published totals of the sample against the truth: none is further off than is stated here."""

from pathlib import Path

import pytest

from flows.actions.benchmark import load_benchmark
from tests.truth.comparison import Compared, compare
from tests.truth.sample_population import SAMPLE, sample_population

pytestmark = pytest.mark.slow

#: Percentage points.
LARGEST_DEVIATION = 1.5
#: The status is known of too few homes.
NOT_PRODUCED = {"workless"}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> list[Compared]:
    released = load_benchmark("truth").__globals__["released"]
    release: Path = released(SAMPLE / "hearth.toml", tmp_path_factory.mktemp("truth") / "workspace")
    return [one for one in compare(release, sample_population()) if one.unit == "%"]


def test_every_rate_is_near_the_truth(compared: list[Compared]) -> None:
    off = {one.measure: one.deviation for one in compared if one.deviation is not None}
    assert len(off) >= 19
    assert {name: round(value, 2) for name, value in off.items() if abs(value) > LARGEST_DEVIATION} == {}


def test_what_is_known_of_too_few_is_not_produced(compared: list[Compared]) -> None:
    assert {one.measure for one in compared if one.published is None} == NOT_PRODUCED
