"""Findings worked out from a release's published values alone."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import schemas
from governance.errors import Refused
from pipeline.findings.all_findings import find_all
from pipeline.findings.rates import protection_margin, rates_of
from pipeline.findings.release_figures import read_release
from pipeline.findings.standardised import DIRECT, INDIRECT, age_dimensions, standard_population
from tests.unit.findings.conftest import AREA, MakeRelease, cell, rate_cells

AGES = ("0_to_4", "5_to_15", "16_to_24", "25_to_44", "45_to_64", "65_to_74", "75_to_84", "85_and_over")


def test_a_rate_is_a_published_count_over_its_published_denominator(make_release: MakeRelease) -> None:
    release = make_release({"health": rate_cells("emergency_admission", 200, 1000)})
    (rate,) = rates_of(read_release(release)).to_dict("records")
    assert (rate["numerator"], rate["denominator"], rate["percent"]) == (200, 1000, 20)
    assert (rate["lower"], rate["upper"]) == pytest.approx((17.638, 22.587), abs=5e-3)


@pytest.mark.parametrize(
    ("count", "population", "is_given"),
    [(10, 100, True), (5, 100, False), (90, 100, True), (95, 100, False), (None, 100, False)],
)
def test_a_rate_needs_ten_in_numerator_and_complement(
    make_release: MakeRelease, count: float | None, population: float, is_given: bool
) -> None:
    release = make_release({"health": rate_cells("emergency_admission", count, population)})
    (rate,) = rates_of(read_release(release)).to_dict("records")
    assert np.isnan(rate["percent"]) != is_given
    assert (rate["shorthand"] == "[c]") != is_given


def test_the_protection_margin_covers_what_noise_and_rounding_do() -> None:
    rng = np.random.default_rng(3)
    values = np.arange(-3, 4)
    share = np.array([153, 458, 885, 1104, 885, 458, 153]) / 4096
    counts = np.column_stack([rng.integers(30, 300, 20_000), rng.integers(400, 900, 20_000)])
    noisy = counts + rng.choice(values, counts.shape, p=share)
    shown = 5 * np.round(noisy / 5)
    exact, published = counts[:, 0] / counts[:, 1], shown[:, 0] / shown[:, 1]
    margin = protection_margin(shown[:, 0], shown[:, 1], 2 + 24 / 12) / 100
    assert 0.93 < (abs(exact - published) <= margin).mean() < 0.99


def test_a_rate_is_compared_with_the_authority_and_with_england(make_release: MakeRelease) -> None:
    release = make_release(
        {
            "housing_condition": rate_cells("overcrowded", 165, 1000),
            "housing_condition_by_imd_quintile": [
                *rate_cells("overcrowded", 150, 500, imd_quintile="1"),
                *rate_cells("overcrowded", 15, 500, imd_quintile="5"),
            ],
        }
    )
    rates = find_all(release).rates.set_index("category_1")
    assert rates["against_area"].to_dict() == {"": "not compared", "1": "worse", "5": "better"}
    assert rates.loc["", "benchmark_percent"] == pytest.approx(100 * 1024591 / 23435752)
    assert rates.loc["1", "benchmark_percent"] == pytest.approx(100 * 388598 / 4647441)
    assert rates["against_benchmark"].to_dict() == {"": "worse", "1": "worse", "5": "worse"}


def test_the_index_of_inequality_is_made_of_the_release_and_of_nothing_else(
    make_release: MakeRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        row
        for decile in range(1, 11)
        for row in rate_cells("emergency_admission", 300 - 20 * decile, 1000, imd_decile=str(decile))
    ]
    release = make_release({"health_by_imd_decile": rows})
    find_all(release)  # what libraries read of the machine once is read by now
    opened: set[Path] = set()

    def noted(call: Callable[..., Any]) -> Callable[..., Any]:
        def note(path: Any, *others: Any, **named: Any) -> Any:
            opened.add(Path(path))
            return call(path, *others, **named)

        return note

    monkeypatch.setattr(pq, "read_table", noted(pq.read_table))
    monkeypatch.setattr("builtins.open", noted(open))
    monkeypatch.setattr(Path, "open", noted(Path.open))
    monkeypatch.setattr(io, "open", noted(io.open))
    (found,) = find_all(release).inequality.to_dict("records")
    monkeypatch.undo()

    assert found["sii"] < 0
    definitions = Path(schemas.__file__).parent
    assert {p.name for p in opened if p.parent == release} >= {
        "health_by_imd_decile.parquet",
        "manifest.json",
    }
    assert {p for p in opened if release not in p.parents and definitions not in p.parents} == set()


def test_inequality_runs_over_every_decile_or_is_not_given(make_release: MakeRelease) -> None:
    rows = [
        c
        for decile in range(1, 11)
        for c in rate_cells("emergency_admission", 300 - 20 * decile, 1000, imd_decile=str(decile))
    ]
    (found,) = find_all(make_release({"health_by_imd_decile": rows})).inequality.to_dict("records")
    # the line is straight on the logit scale, where the rates 28%, 26% ... 10% are not quite
    assert found["sii"] == pytest.approx(-20, abs=2)
    assert found["rii"] == pytest.approx(found["most_deprived"] / found["least_deprived"])
    assert found["sii_lower"] < -20 < found["sii_upper"] < 0
    assert found["finding"] == "higher among the most deprived"
    rows[0]["value"] = None
    (hidden,) = find_all(make_release({"health_by_imd_decile": rows})).inequality.to_dict("records")
    assert np.isnan(hidden["sii"])
    assert hidden["finding"] == "not calculated: 1 of 10 quantiles hidden"


def _by_age(events: dict[str, float | None], population: float = 1000, **columns: str) -> list[dict]:
    return [
        c
        for age in AGES
        for c in rate_cells("residents_admitted", events[age], population, age=age, **columns)
    ]


def test_the_standard_population_keeps_its_total_over_the_bands_that_are_published() -> None:
    standard = standard_population()
    assert tuple(standard) == AGES
    assert sum(standard.values()) == 100_000
    # 5-9, 10-14 and a fifth of 15-19; the rest of 15-19 and 20-24
    assert (standard["5_to_15"], standard["16_to_24"]) == (5500 + 5500 + 1100, 4400 + 6000)
    assert set(age_dimensions()) >= {"age", "age_broad"}
    assert sum(standard_population("age_broad").values()) == 100_000
    assert standard_population("age_broad")["0_to_17"] == 5000 + 5500 + 5500 + 3300


def test_equal_rates_at_every_age_standardise_to_themselves(make_release: MakeRelease) -> None:
    release = make_release({"resident_health_by_age": _by_age(dict.fromkeys(AGES, 100))})
    (found,) = find_all(release).standardised.to_dict("records")
    assert (found["method"], found["ages"]) == (DIRECT, "all")
    assert found["rate"] == pytest.approx(100)
    assert found["lower"] < 100 < found["upper"]


def test_a_hidden_young_band_narrows_the_ages_and_one_in_between_gives_no_rate(
    make_release: MakeRelease,
) -> None:
    events: dict[str, float | None] = dict.fromkeys(AGES, 100)
    young = find_all(make_release({"resident_health_by_age": _by_age(events | {"0_to_4": None})}))
    (found,) = young.standardised.to_dict("records")
    assert (found["ages"], found["rate"]) == ("5 and over", pytest.approx(100))
    between = find_all(make_release({"resident_health_by_age": _by_age(events | {"65_to_74": None})}))
    (found,) = between.standardised.to_dict("records")
    assert np.isnan(found["rate"])
    assert "1 of 8 age bands" in found["note"]


def test_standardising_takes_away_what_is_age_alone(make_release: MakeRelease) -> None:
    """The old quintile has more admissions, at equal rates by age: no inequality is left."""
    by_age = dict(zip(AGES, (20, 20, 20, 40, 60, 150, 200, 250), strict=True))
    cells = []
    for quintile in range(1, 6):
        for age, rate in by_age.items():
            people = 1000 if (quintile < 3) == (age in AGES[5:]) else 500
            cells += rate_cells(
                "residents_admitted", rate * people / 1000, people, age=age, imd_quintile=str(quintile)
            )
    found = find_all(make_release({"resident_health_by_age_and_imd_quintile": cells}))
    assert found.standardised["rate"].round(6).nunique() == 1
    (slope,) = found.inequality[found.inequality["is_age_standardised"]].to_dict("records")
    assert slope["sii"] == pytest.approx(0, abs=1e-6)
    assert slope["finding"] == "no gradient shown"


def test_an_msoa_has_its_events_set_against_those_expected_at_the_authoritys_rates(
    make_release: MakeRelease,
) -> None:
    whole = _by_age(dict.fromkeys(AGES, 100))
    part = _by_age(dict.fromkeys(AGES, None), population=100, level="MSOA21", area="E02000001")
    totals = rate_cells("residents_admitted", 120, 800, level="MSOA21", area="E02000001")
    found = find_all(make_release({"resident_health_by_age": whole + part, "resident_health": totals}))
    (ratio,) = found.standardised[found.standardised["method"] == INDIRECT].to_dict("records")
    assert (ratio["rate"], ratio["events"]) == (pytest.approx(150), 120)
    assert ratio["lower"] > 100


def test_the_framework_keeps_every_indicator_and_says_what_is_not_there(make_release: MakeRelease) -> None:
    found = find_all(make_release({"health": rate_cells("emergency_admission", 200, 1000)}))
    framework = found.framework.set_index("measure")
    assert framework.loc["emergency_admission", "percent"] == 20
    assert framework.loc["emergency_admission", "verdict"] == "not compared"
    assert framework.loc["workless", "note"] == "not in this release"
    assert framework["goal"].nunique() == 5


def test_the_note_of_an_indicator_is_empty_where_it_has_a_value_and_the_reason_where_it_is_hidden(
    make_release: MakeRelease,
) -> None:
    release = make_release(
        {
            "health": rate_cells("emergency_admission", 200, 1000),
            "respiratory_admission": rate_cells("respiratory_admission", None, 900),
        }
    )
    framework = find_all(release).framework.set_index("measure")
    assert framework.loc["emergency_admission", "note"] == ""
    assert framework.loc["respiratory_admission", "note"] == "hidden [c]"


def test_a_fall_in_what_should_fall_is_better_in_the_framework(make_release: MakeRelease) -> None:
    before = make_release({"health": rate_cells("emergency_admission", 2000, 10000)})
    after = make_release({"health": rate_cells("emergency_admission", 1500, 10000)}, "2026-06-30", "2026-Q2")
    indicator = find_all(after, earlier=before).framework.set_index("measure").loc["emergency_admission"]
    assert (indicator["verdict"], indicator["change"]) == ("better", pytest.approx(-5))


def test_a_release_that_was_edited_gives_no_findings(make_release: MakeRelease) -> None:
    release = make_release({"health": rate_cells("emergency_admission", 200, 1000)})
    with (release / "health.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Refused, match="1 file differs from its manifest"):
        read_release(release)


def test_values_of_areas_are_read_with_their_level(make_release: MakeRelease) -> None:
    values = read_release(
        make_release({"health": [cell("households", 100), cell("households", None, "LSOA21")]})
    )
    assert values.values["area_level"].tolist() == ["LAD", "LSOA21"]
    assert values.values["area_code"].tolist() == [AREA, AREA]
