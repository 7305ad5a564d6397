"""Shares of a budget: counts that agree with the published totals, and limits for noise and rounding."""

import numpy as np
import pytest

from pipeline.findings.budget import share_budget
from pipeline.findings.release_figures import ReleaseFigures, read_release
from pipeline.findings.report import report_budget
from tests.unit.findings.conftest import AREA, MakeRelease, cell

LSOAS = tuple((f"E01{n:06}", f"E02{n // 4:06}", 1 + n % 10) for n in range(20))
BUDGET = 1_000_000_00


def released(
    make_release: MakeRelease,
    lsoa: list[float],
    msoa: list[float | None] | None = None,
    lad: float | None = None,
    **described: object,
) -> ReleaseFigures:
    cells = [cell("residents", n, "LSOA21", code) for (code, _, _), n in zip(LSOAS, lsoa, strict=True)]
    for number, count in enumerate(msoa or []):
        cells.append(cell("residents", count, "MSOA21", f"E02{number:06}"))
    cells += [cell("residents", lad)] if lad is not None else []
    return read_release(make_release({"resident_health": cells}, lsoas=LSOAS, **described))


def test_the_counts_used_add_up_to_the_published_counts_of_larger_areas(make_release: MakeRelease) -> None:
    release = released(make_release, [500.0] * 20, [2010, 1990, 2005, 2000, 1995], 10_020)
    shares = share_budget(release, BUDGET).shares
    assert shares["published_count"].tolist() == [2010, 1990, 2005, 2000, 1995]
    assert shares["count"].sum() == pytest.approx(10_020, abs=0.1)
    np.testing.assert_allclose(shares["count"], shares["published_count"] * 1.002, rtol=1e-5)
    small = share_budget(release, BUDGET, "LSOA21").shares
    assert small["count"].sum() == pytest.approx(10_020, abs=0.1)
    assert small["count"].iloc[0] == pytest.approx(2010 * 1.002 / 4, abs=0.01)


def test_areas_whose_larger_count_is_hidden_or_not_published_keep_their_own(
    make_release: MakeRelease,
) -> None:
    release = released(make_release, [500.0] * 20, [2010, None, 2000, 2000, 2000])
    shares = share_budget(release, BUDGET).shares
    assert shares["count"].tolist() == [2010, 2000, 2000, 2000, 2000]
    assert np.isnan(shares["published_count"].iloc[1])
    page = report_budget(release, share_budget(release, BUDGET), 1e6, 2)
    assert "| E02000001 | 2,000.0 |  |" in page


def test_exact_counts_have_no_limits_and_noisy_ones_have_wider_limits_for_small_areas(
    make_release: MakeRelease,
) -> None:
    exact = share_budget(
        released(make_release, [500.0] * 20, criteria={"noise_bound": 0, "rounding_base": 1}), BUDGET
    ).shares
    assert exact["amount_lower"].tolist() == pytest.approx(exact["amount"].tolist(), abs=0.011)
    assert exact["amount_upper"].tolist() == pytest.approx(exact["amount"].tolist(), abs=0.011)

    def relative_width(people: float) -> float:
        shares = share_budget(released(make_release, [people] * 20), BUDGET).shares
        return float(((shares["amount_upper"] - shares["amount_lower"]) / shares["amount"]).mean())

    assert relative_width(50) > 5 * relative_width(500)


@pytest.mark.parametrize("level", ["LSOA21", "MSOA21"])
def test_the_limits_hold_the_share_of_the_counts_before_noise_and_rounding(
    make_release: MakeRelease, level: str
) -> None:
    rng = np.random.default_rng(41)
    share = np.array([153, 458, 885, 1104, 885, 458, 153]) / 4096

    def published(counts: np.ndarray) -> list[float]:
        noisy = counts + rng.choice(np.arange(-3, 4), counts.shape, p=share)
        return (5 * np.round(noisy / 5)).tolist()

    held, total = 0, 0
    for _ in range(40):
        true = rng.integers(80, 300, 20).astype(float)
        msoa = true.reshape(5, 4).sum(axis=1)
        exact = share_budget(
            released(make_release, true.tolist(), criteria={"noise_bound": 0, "rounding_base": 1}),
            BUDGET,
            level,
        ).shares["share"]
        shown = share_budget(
            released(make_release, published(true), published(msoa), published(np.array([true.sum()]))[0]),
            BUDGET,
            level,
        ).shares
        held += int(((shown["share_lower"] <= exact) & (exact <= shown["share_upper"])).sum())
        total += len(shown)
    assert 0.92 < held / total < 0.98


def test_the_page_has_limits_and_a_total(make_release: MakeRelease) -> None:
    release = released(make_release, [500.0] * 20, [2000.0] * 5, 10_000)
    page = report_budget(release, share_budget(release, BUDGET, "LAD"), 1e6, 2)
    assert f"| {AREA} | 10,000.0 | 10,000 |" in page
    assert "| all | 10,000.0 |  |  | 100.00 | 1,000,000.00 |" in page
