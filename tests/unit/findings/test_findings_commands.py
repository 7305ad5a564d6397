"""`hearth findings`, `hearth compare` and `hearth allocate` as an analyst types them."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.cli import app
from governance.errors import Fault
from pipeline.findings.writing import write_findings
from tests.unit.findings.conftest import LSOAS, MakeRelease, cell, rate_cells


def told(*words: object) -> str:
    ran = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.output


@pytest.fixture
def two_releases(make_release: MakeRelease) -> tuple[Path, Path]:
    areas = [cell("residents", 1000, "LSOA21", lsoa) for lsoa, _, _ in LSOAS]
    before = make_release({"health": rate_cells("emergency_admission", 200, 1000), "resident_health": areas})
    after = make_release(
        {"health": rate_cells("emergency_admission", 140, 1000), "resident_health": areas},
        "2026-06-30",
        "2026-Q2",
    )
    return before, after


def test_findings_are_of_the_newest_release_and_written_as_parquet_csv_and_a_page(
    two_releases: tuple[Path, Path], tmp_path: Path
) -> None:
    before, after = two_releases
    page = told("findings", "--releases", after.parent, "--earlier", before, "--out", tmp_path / "out")
    assert f"# Findings of release {after.name}" in page
    assert "14.0 (12.0 to 16.3)" in page
    assert "-6.0 (" in page
    written = {p.name for p in (tmp_path / "out").iterdir()}
    names = ("rates", "funnel", "standardised", "inequality", "framework", "profile", "benchmarks")
    names += ("changes",)
    assert written == {f"{n}.{kind}" for n in names for kind in ("parquet", "csv")} | {"findings.md"}
    rates = pq.read_table(tmp_path / "out" / "rates.parquet").to_pandas()
    assert rates["percent"].tolist() == [14.0]
    assert pd.read_csv(tmp_path / "out" / "rates.csv")["percent"].tolist() == [14.0]


def test_compare_says_what_moved_and_what_else_changed(two_releases: tuple[Path, Path]) -> None:
    page = told("compare", *two_releases)
    assert "better" in page
    assert "None recorded in the releases" in page
    assert "take into account how many changes are tested" in page
    assert "The intervals treat the releases as being of different people" in page
    figures = json.loads(told("compare", *two_releases, "--json"))
    assert [c["verdict"] for c in figures["changes"]] == ["better"]


def test_allocate_prints_amounts_with_their_weights(two_releases: tuple[Path, Path]) -> None:
    figures = json.loads(
        told("allocate", "--budget", "1000.50", "--releases", two_releases[0].parent, "--json")
    )
    assert sum(area["amount"] for area in figures["shares"]) == pytest.approx(1000.50)
    assert len(figures["weights"]) == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("findings", "--releases", "nowhere"), "There is no release in nowhere"),
        (("findings", "nowhere"), "is not a release"),
        (("findings", "{release}", "--framework", "mine"), "no framework"),
    ],
)
def test_a_mistaken_call_says_what_to_do(
    two_releases: tuple[Path, Path], words: tuple[str, ...], message: str
) -> None:
    filled = [word.format(release=two_releases[0]) for word in words]
    ran = CliRunner().invoke(app, filled)
    assert isinstance(ran.exception, Fault)
    assert message in str(ran.exception)


def test_nothing_is_ever_written_into_a_release(two_releases: tuple[Path, Path]) -> None:
    with pytest.raises(Fault, match="a published release never changes"):
        write_findings(two_releases[0], {}, "", "findings")


def test_text_that_a_spreadsheet_would_calculate_is_quoted(tmp_path: Path) -> None:
    write_findings(tmp_path / "o", {"t": pd.DataFrame({"a": ["=1+1", "plain"], "b": [-1.0, 2.0]})}, "", "r")
    assert (tmp_path / "o" / "t.csv").read_text() == "a,b\n'=1+1,-1.0\nplain,2.0\n"


def test_findings_are_not_written_into_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "controlled").mkdir()
    with pytest.raises(Fault, match="outside the workspace"):
        write_findings(tmp_path / "findings", {}, "", "findings")
