"""What a neighbour can find out from a release, and what protection costs its readers."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from governance.agreement.terms import DisclosureTerms, Thresholds
from pipeline.disclosure.attack.intruder import intrude
from pipeline.disclosure.attack.release_files import read_release
from pipeline.disclosure.attack.run import run_attacks
from pipeline.disclosure.profile import profile_of
from pipeline.disclosure.stage import disclosure
from pipeline.engine.duckdb import EngineSettings, locked_connection


def test_a_neighbour_who_knows_a_household_learns_nothing(
    bench: Any, make_town: Callable[..., Any], tmp_path: Path
) -> None:
    release = read_release(bench.publish_run(make_town(12)))

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


@pytest.mark.parametrize("name", ["nhs-hes", "opensafely", "uk-llc"])
def test_a_release_by_a_preset_keeps_its_rules_and_repels_every_attack(
    bench: Any, make_town: Callable[..., Any], name: str
) -> None:
    """HES: 1 to 7 hidden, the rest to 5. OpenSAFELY: 7 or fewer hidden, to 5, rates from rounded counts.
    UK LLC: under 10, including zero, hidden. Hearth's floor of 10 and 5 applies as well."""
    bench.terms = DisclosureTerms(profile=name)

    release = bench.publish_run(make_town(8))

    rows = [row for path in release.glob("*health*.parquet") for row in pq.read_table(path).to_pylist()]
    counts = {
        (r["table_id"], r["area_code"], r.get("tenure"), r.get("epc"), r["measure"]): r["value"] for r in rows
    }
    printed = [v for key, v in counts.items() if v is not None and not key[-1].endswith("_percent")]
    assert len(printed) > 100
    assert min(printed) >= 10
    assert {value % 5 for value in printed} == {0}
    assert {row["method"] for row in rows} == {f"{name} 1.0"}
    rates = {
        key: v for key, v in counts.items() if v is not None and key[-1] == "emergency_admission_percent"
    }
    assert rates
    for (*group, _), rate in rates.items():
        numerator, denominator = (counts[*group, m] for m in ("emergency_admission", "households"))
        assert rate == pytest.approx(100 * numerator / denominator, abs=0.051)
    assert run_attacks([release]).successes == 0


def test_the_notes_example_combines_cells_as_analysts_should(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(12, 900))
    query = (release / "README.md").read_text().split("```sql")[1].split("```")[0]

    connection = duckdb.connect()
    connection.execute(f"SET file_search_path = '{release}'")
    connection.execute((release / "views.sql").read_text())
    answer = connection.execute(query).fetchall()

    shown = [
        (row["area_code"], row["measure"], row["value"])
        for row in pq.read_table(release / "health_by_tenure.parquet").to_pylist()
        if row["area_level"] == "MSOA21" and row["tenure"] in ("social_rented", "private_rented")
    ]
    assert answer
    for area, admitted, households, percent, missing in answer:
        assert missing == 0
        assert admitted == sum(v for a, m, v in shown if (a, m) == (area, "emergency_admission"))
        assert households == sum(v for a, m, v in shown if (a, m) == (area, "households"))
        assert percent == pytest.approx(100 * admitted / households, abs=0.051)
