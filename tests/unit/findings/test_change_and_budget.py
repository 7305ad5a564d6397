"""Change between two releases, and a budget shared by deprivation."""

import pytest

from governance.errors import Fault
from pipeline.findings.budget import share_budget
from pipeline.findings.release_comparison import compare_releases
from pipeline.findings.release_figures import ReleaseFigures, read_release
from tests.unit.findings.conftest import LSOAS, MakeRelease, cell, rate_cells

LATER = {"reference_date": "2026-06-30", "epoch": "2026-Q2"}


def admitted(make_release: MakeRelease, count: float | None, **described: object) -> ReleaseFigures:
    return read_release(make_release({"health": rate_cells("emergency_admission", count, 1000)}, **described))


def test_a_change_has_newcombes_interval_widened_by_noise_and_rounding(make_release: MakeRelease) -> None:
    compared = compare_releases(admitted(make_release, 200), admitted(make_release, 150, **LATER))
    (change,) = compared.changes.to_dict("records")
    assert (change["change"], change["verdict"]) == (pytest.approx(-5), "better")
    # Newcombe alone gives -8.33 to -1.65
    assert change["change_lower"] == pytest.approx(-8.33, abs=0.06)
    assert change["change_upper"] == pytest.approx(-1.65, abs=0.06)
    assert change["change_lower"] < -8.33
    assert change["change_upper"] > -1.65


@pytest.mark.parametrize(("count", "verdict"), [(195, "similar"), (None, "not compared"), (300, "worse")])
def test_a_change_is_judged_by_direction_and_only_where_both_are_given(
    make_release: MakeRelease, count: float | None, verdict: str
) -> None:
    compared = compare_releases(admitted(make_release, 200), admitted(make_release, count, **LATER))
    assert compared.changes["verdict"].tolist() == [verdict]


def test_two_releases_of_one_epoch_are_the_same_by_rule(make_release: MakeRelease) -> None:
    compared = compare_releases(admitted(make_release, 200), admitted(make_release, 200))
    assert compared.changes["verdict"].tolist() == ["same epoch"]


def test_the_later_release_comes_second(make_release: MakeRelease) -> None:
    with pytest.raises(Fault, match="earlier release first"):
        compare_releases(admitted(make_release, 200, **LATER), admitted(make_release, 200))


def test_what_changed_in_definition_linkage_and_coverage_is_said(make_release: MakeRelease) -> None:
    def basis(model: str, rate: str, measure: str) -> list[dict[str, str]]:
        return [
            {"aspect": "definition", "name": "", "value": "household/v1"},
            {"aspect": "model_digest", "name": "", "value": model},
            {"aspect": "match_rate", "name": "", "value": rate},
            {"aspect": "measures", "name": "emergency_admission", "value": measure},
        ]

    before = admitted(make_release, 200, basis=basis("aa", "0.91", "m1"))
    after = admitted(make_release, 200, basis=basis("bb", "0.96", "m2"), lsoas=LSOAS[:2], **LATER)
    said = {c.aspect: c.statement for c in compare_releases(before, after).statements}
    assert set(said) == {"model_digest", "match_rate", "measures", "area_set", "deprivation"}
    assert said["match_rate"] == "The share of NHS records placed in a dwelling changed: +5.5%."
    assert "emergency_admission" in said["measures"]
    assert "linkage model" in said["model_digest"]


def test_a_release_that_does_not_say_what_it_rests_on_is_told_as_such(make_release: MakeRelease) -> None:
    basis = [{"aspect": "definition", "name": "", "value": "household/v1"}]
    silent, telling = admitted(make_release, 200), admitted(make_release, 200, basis=basis, **LATER)
    (said,) = [c for c in compare_releases(silent, telling).statements if c.aspect == "definition"]
    assert said.statement == "Only the later release records the household definition."


def residents(make_release: MakeRelease, *counts: float | None) -> ReleaseFigures:
    cells = [
        cell("residents", count, "LSOA21", lsoa) for (lsoa, _, _), count in zip(LSOAS, counts, strict=True)
    ]
    return read_release(make_release({"resident_health": cells}))


def test_a_budget_goes_by_people_and_deprivation_and_no_penny_is_lost(make_release: MakeRelease) -> None:
    shared = share_budget(residents(make_release, 1000, 1000, 1000), 100_000_01)
    assert shared.shares["amount"].sum() == pytest.approx(100_000.01)
    first, second = shared.shares.to_dict("records")
    assert (first["area_code"], first["count"], second["weight"]) == ("E02000001", 2000, 1)
    assert first["weight"] == pytest.approx((2 + 2 ** (7 / 9)) / 2, abs=1e-6)
    assert shared.weights["weight"].tolist()[0] == 2
    assert len(shared.weights) == 10


def test_an_area_whose_people_are_hidden_is_not_left_without_money(make_release: MakeRelease) -> None:
    with pytest.raises(Fault, match="without a published count of this measure: 1 of 3"):
        share_budget(residents(make_release, 1000, None, 1000), 100)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"area_level": "WARD"}, "no such area level"),
        ({"measure": "dogs"}, "3 of 3"),
        ({"ratio": 0.5}, "the ratio must be at least 1"),
    ],
)
def test_an_impossible_allocation_is_refused_in_words(
    make_release: MakeRelease, asked: dict[str, object], message: str
) -> None:
    with pytest.raises(Fault, match=message):
        share_budget(residents(make_release, 10, 10, 10), 100, **asked)
