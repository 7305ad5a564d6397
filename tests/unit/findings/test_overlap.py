"""The change of a rate between two releases that count many of the same people."""

import numpy as np
import pytest
from typer.testing import CliRunner

from flows.cli import app
from pipeline.findings.overlap import EVERY_OTHER, Overlap, people_in_words, recorded_overlap
from pipeline.findings.release_comparison import compare_releases
from pipeline.findings.release_figures import ReleaseFigures, read_release
from pipeline.findings.statistics.change import correlation_of_overlap, difference_of_proportions
from tests.unit.findings.conftest import MakeRelease, rate_cells

LATER = {"reference_date": "2026-06-30", "epoch": "2026-Q2"}
EXACT = {"noise_bound": 0, "rounding_base": 1}


def admitted(make_release: MakeRelease, count: float, **described: object) -> ReleaseFigures:
    cells = {"health": rate_cells("emergency_admission", count, 1000)}
    return read_release(make_release(cells, **described))


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((36, 12, 2, 0), (0.2, 0.0569, 0.3404)),
        ((20, 12, 2, 16), (0.2, 0.0562, 0.3292)),
        ((18, 12, 2, 18), (0.2, 0.0562, 0.3290)),
    ],
)
def test_a_difference_of_pairs_agrees_with_newcombes_paired_examples(
    pairs: tuple[int, int, int, int], expected: tuple[float, float, float]
) -> None:
    """Newcombe 1998, Statistics in Medicine 17:2635-2650, method 10.

    His correlation is that of the pairs (phi), corrected for continuity where it is above zero.
    """
    e, f, g, h = pairs
    product = e * h - f * g
    product = max(product - 50 / 2, 0) if product > 0 else product
    phi = product / np.sqrt((e + f) * (g + h) * (e + g) * (f + h))
    found = difference_of_proportions(e + g, 50, e + f, 50, correlation=phi)
    assert found == pytest.approx(expected, abs=5e-5)


def test_releases_of_the_same_people_with_the_same_status_have_no_change() -> None:
    _, lower, upper = difference_of_proportions(200, 1000, 200, 1000, correlation=1.0)
    assert (lower, upper) == pytest.approx((0, 0), abs=0.0025)


def test_the_correlation_of_an_overlap_is_that_of_the_people_in_both() -> None:
    counts = (200, 1000, 200, 1000)
    assert correlation_of_overlap(counts, 1, 1) == pytest.approx(1)
    assert correlation_of_overlap(counts, 0.9, 1) == pytest.approx(0.9)
    # independent statuses are the same for .8 x .8 + .2 x .2 of people
    assert correlation_of_overlap(counts, 0.9, 0.68) == pytest.approx(0)
    assert correlation_of_overlap(counts, 0.9, 0.2) == 0
    assert correlation_of_overlap((0, 10, 0, 10), 0.9, 1) == 0
    with pytest.raises(ValueError, match="shared people must be from 0 to 1"):
        correlation_of_overlap(counts, 1.1, 1)


def test_intervals_of_overlapping_people_hold_the_truth_as_often_as_stated_and_are_much_narrower() -> None:
    """90% of 2,000 people are in both; the status of 2% of them changes. Independent limits are too wide."""
    rng = np.random.default_rng(29)
    size, shared, changed = 2000, 1800, 0.02
    widths: dict[bool, list[float]] = {True: [], False: []}
    holds = {True: 0, False: 0}
    for _ in range(2000):
        before = rng.random(size) < 0.25
        stayed = before[:shared] ^ (rng.random(shared) < changed)
        after = np.concatenate([stayed, rng.random(size - shared) < 0.25])
        truth = 0.9 * (0.25 * (1 - changed) + 0.75 * changed - 0.25)
        counts = (before.sum(), size, after.sum(), size)
        for is_known in (True, False):
            together = correlation_of_overlap(counts, 0.9, 1 - changed) if is_known else 0.0
            _, lower, upper = difference_of_proportions(*counts, correlation=together)
            holds[is_known] += lower <= truth <= upper
            widths[is_known].append(upper - lower)
    assert 0.935 < holds[True] / 2000 < 0.965
    assert holds[False] / 2000 > 0.999
    assert np.mean(widths[False]) / np.mean(widths[True]) == pytest.approx(2.5, abs=0.1)


def test_a_change_that_different_people_would_not_show_is_shown_of_the_same_people(
    make_release: MakeRelease,
) -> None:
    before = admitted(make_release, 200, criteria=EXACT)
    after = admitted(make_release, 175, criteria=EXACT, **LATER)
    apart = compare_releases(before, after)
    together = compare_releases(before, after, overlap=Overlap(0.9, {EVERY_OTHER: 0.97}))
    assert apart.changes["verdict"].tolist() == ["similar"]
    assert together.changes["verdict"].tolist() == ["better"]
    assert "being of different people" in apart.people
    assert "90% of the later release's people" in together.people


def test_the_overlap_that_a_release_records_with_the_earlier_one_is_used(make_release: MakeRelease) -> None:
    before = admitted(make_release, 200, criteria=EXACT)
    basis = [
        {"aspect": "overlap_with", "name": "", "value": before.release_id},
        {"aspect": "overlap_shared", "name": "", "value": "0.9"},
        {"aspect": "overlap_same_status", "name": "emergency_admission", "value": "0.97"},
    ]
    after = admitted(make_release, 175, criteria=EXACT, basis=basis, **LATER)
    assert recorded_overlap(before, after) == Overlap(0.9, {"emergency_admission": 0.97})
    assert compare_releases(before, after).changes["verdict"].tolist() == ["better"]
    other = admitted(make_release, 200, criteria=EXACT, reference_date="2025-12-31", epoch="2025-Q4")
    assert recorded_overlap(other, after) is None
    assert compare_releases(other, after).changes["verdict"].tolist() == ["similar"]


def test_a_measure_without_its_own_figure_counts_as_of_different_people(make_release: MakeRelease) -> None:
    before = admitted(make_release, 200, criteria=EXACT)
    after = admitted(make_release, 175, criteria=EXACT, **LATER)
    overlap = Overlap(0.9, {"workless": 0.97})
    named = compare_releases(before, after, overlap=overlap).changes
    apart = compare_releases(before, after).changes
    assert named["change_lower"].tolist() == apart["change_lower"].tolist()
    assert people_in_words(Overlap(0.9, {})).endswith("that unknown of these have the same status in both.")
    with pytest.raises(ValueError, match="from 0 to 1"):
        Overlap(1.5, {})


def test_changes_are_judged_by_how_many_there_are(make_release: MakeRelease) -> None:
    def health(moved: float, tenures: int) -> dict:
        cells = rate_cells("emergency_admission", moved, 1000)
        names = ("owned", "social_rented", "private_rented")[:tenures]
        others = [c for t in names for c in rate_cells("emergency_admission", 200, 1000, tenure=t)]
        return {"health": cells} | ({"health_by_tenure": others} if others else {})

    def verdict(tenures: int) -> str:
        before = read_release(make_release(health(200, tenures), criteria=EXACT))
        after = read_release(make_release(health(162, tenures), criteria=EXACT, **LATER))
        changes = compare_releases(before, after).changes
        return str(changes.loc[changes["dimension_1"] == "", "verdict"].iloc[0])

    assert verdict(0) == "better"  # p is .027
    assert verdict(3) == "similar"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--overlap", "90"), "Give both"),
        (("--overlap", "110", "--same-status", "90"), "Invalid value"),
        (("--overlap", "many", "--same-status", "90"), "Invalid value"),
    ],
)
def test_an_overlap_is_a_percentage_and_needs_both_options(
    make_release: MakeRelease, options: tuple[str, ...], message: str
) -> None:
    before = admitted(make_release, 200).folder
    after = admitted(make_release, 175, **LATER).folder
    ran = CliRunner().invoke(app, ["compare", str(before), str(after), *options])
    assert ran.exit_code == 2
    assert message in ran.output
    ran = CliRunner().invoke(
        app, ["compare", str(before), str(after), "--overlap", "90", "--same-status", "97"]
    )
    assert ran.exit_code == 0
    assert "97% of these have the same status" in ran.output
