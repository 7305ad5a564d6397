"""What a neighbour learns from a release, and what protection costs its readers."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from governance.terms import DisclosureTerms, Thresholds
from pipeline.disclosure.attack.intruder import intrude
from pipeline.disclosure.attack.release_files import read_release
from pipeline.disclosure.profile import profile_of
from pipeline.disclosure.stage import disclosure
from pipeline.engine.duckdb import EngineSettings, locked_connection


def test_a_neighbour_who_knows_a_household_learns_nothing(
    bench: Any, make_town: Callable[..., Any], tmp_path: Path
) -> None:
    release = read_release(bench.night(make_town(12)))

    with locked_connection(EngineSettings(memory_limit="1GB"), tmp_path) as connection:
        record = intrude(connection, release, date(2026, 4, 1))

    assert record.groups > 20
    assert record.record()["outcome"] == "nothing learnt"
    assert record.record()["on"] == "2026-04-01"


@pytest.mark.parametrize("profile", ["cell-key", "exact-count"])
def test_utility_is_measured_by_area_level(bench: Any, make_town: Callable[..., Any], profile: str) -> None:
    bench.terms = DisclosureTerms(profile=profile)

    _, evidence = disclosure(bench.aggregated(make_town(8)), "0" * 64, bench.context())

    figures = evidence.facts["utility"]
    assert set(figures) == {"LSOA21", "MSOA21", "LAD"}
    largest = 0 if profile == "exact-count" else 5
    for level in figures.values():
        assert level["largest_absolute_error"] <= largest
    assert figures["LAD"]["total_relative_error"] <= figures["LSOA21"]["total_relative_error"]


@pytest.mark.parametrize("name", ["nhs-hes", "opensafely", "uk-llc"])
def test_a_preset_is_never_looser_than_the_floor(name: str) -> None:
    agreement = SimpleNamespace(thresholds=Thresholds(), disclosure=DisclosureTerms(profile=name))

    profile = profile_of(agreement)  # type: ignore[arg-type]

    assert profile.minimum_cell_count >= 10
    assert profile.rounding_base >= 5
    assert profile.noise_bound >= 3
