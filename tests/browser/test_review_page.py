"""The reviewers' page in a real Chromium: keys decide, the file holds the decisions, axe finds nothing."""

import csv
import io
import re
from pathlib import Path

import duckdb
import pytest
from chromium import DESKTOP, PHONE, axe, in_browser, needs_axe, needs_chromium

from pipeline.quality.review.decisions import read_decisions
from pipeline.quality.review.export import export_review

pytestmark = [pytest.mark.browser, needs_chromium]

_KEYS = """
const told = [];
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
document.getElementById("reviewer").value = "=Ann";
document.getElementById("reviewer").dispatchEvent(new Event("input"));
press("s"); press("d"); press("ArrowLeft"); press("u");
told.push(document.getElementById("title").textContent, document.getElementById("done").textContent);
document.querySelector("#choices input[value=same]").click();
document.getElementById("note").value = "line one\\nline two";
document.getElementById("note").dispatchEvent(new Event("input"));
document.getElementById("probe").textContent = JSON.stringify([...told, file()]);
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of three cases, without the policy that would keep the test's own script out."""
    folder = tmp_path_factory.mktemp("review")
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE review_case AS
            SELECT 'case' || n AS review_case, 7 AS band, 9.5 AS match_weight, 8.0 AS margin_match_weight,
                'uprn' AS match_key, 'uprn_and_address' AS place, 'surname' AS people, 521 AS evidence_bits,
                FALSE AS contradicted, 3 AS nhs_records, n AS drawn_as
            FROM range(1, 4) AS numbers(n)
            """
        )
        export_review(connection, "r1", folder, 5)
    return re.sub(
        r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", (folder / "review.html").read_text("utf-8")
    )


def test_keys_decide_and_the_file_can_be_imported(page: str, tmp_path: Path) -> None:
    title, done, saved = in_browser(page, _KEYS, DESKTOP, tmp_path)
    assert (title, done) == ("Case 3 of 3", "2 of 3 decided")
    rows = list(csv.DictReader(io.StringIO(saved)))
    assert [(row["case"], row["decision"]) for row in rows] == [
        ("case1", "same"), ("case2", "unsure"), ("case3", "same"),
    ]  # fmt: skip
    assert {row["reviewer"] for row in rows} == {"'=Ann"}  # a spreadsheet must not take it for a formula
    assert rows[2]["note"] == "line one line two"
    (tmp_path / "ann.csv").write_text(saved, "utf-8", newline="")
    known = dict.fromkeys(("case1", "case2", "case3"))
    assert len(read_decisions([tmp_path / "ann.csv"], "r1", known)) == 3


@needs_axe
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_axe_finds_nothing_on_the_page(page: str, width: int, tmp_path: Path) -> None:
    result = axe(page, width, tmp_path)
    assert result["violations"] == []
    assert result["passes"] > 15


def test_the_page_does_not_scroll_sideways_on_a_phone(page: str, tmp_path: Path) -> None:
    script = (
        "document.getElementById('probe').textContent = JSON.stringify("
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth])"
    )
    needed, there = in_browser(page, script, PHONE, tmp_path)
    assert needed <= there
