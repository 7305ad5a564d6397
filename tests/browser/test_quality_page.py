"""The linkage quality page in a real Chromium: axe finds nothing, only tables and charts scroll sideways."""

import json
from pathlib import Path

import duckdb
import pytest
from chromium import DESKTOP, PHONE, axe, in_browser, needs_axe, needs_chromium

from pipeline.link.model import default_model
from pipeline.quality.page import render_page
from pipeline.quality.protection import Terms
from pipeline.quality.report import report_content

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def page() -> str:
    """A report whose every table and chart is filled; without the policy that would keep axe out."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE quality_count AS
            SELECT unit, attribute, category, units, linked, linked AS links, 0.98 * linked AS probability,
                0.02 * linked AS variance, 20.0 AS missed_probability, 10.0 AS missed_variance,
                linked - 50 AS right_links, linked - 20 AS true_pairs
            FROM (
                VALUES
                    ('nhs_record', 'all', 'all', 1835, 1700),
                    ('nhs_record', 'sex', '1', 900, 813),
                    ('nhs_record', 'sex', '2', 935, 887),
                    ('nhs_record', 'compared', 'people', 900, 890),
                    ('nhs_record', 'compared', 'place', 900, 900),
                    ('nhs_record', 'supplied', 'UPRN', 1835, 1700),
                    ('nhs_record', 'reason', 'linked', 1700, 1700),
                    ('nhs_record', 'reason', 'no_candidate', 135, 0),
                    ('dwelling', 'all', 'all', 800, 760),
                    ('dwelling', 'tenure', 'private_rented', 300, 260),
                    ('dwelling', 'tenure', 'owned_outright', 500, 490),
                    ('household', 'all', 'all', 0, 760)
            ) AS counted(unit, attribute, category, units, linked)
            """
        )
        connection.execute(
            "CREATE TABLE match_weight AS SELECT n AS match_weight, 40 AS candidates, 40 AS linked,"
            " 39.0 AS probability FROM range(-8, 16) AS weights(n)"
        )
        terms = Terms(minimum_cell_count=10, rounding_base=5)
        content = report_content(connection, default_model(), terms, "2026-03-31", "2026-Q1")
    whole = render_page(json.loads(json.dumps(content)))
    policy = '<meta http-equiv="Content-Security-Policy"'
    assert policy in whole
    return "\n".join(line for line in whole.splitlines() if not line.startswith(policy))


@needs_axe
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_axe_finds_nothing_against_wcag_2_2_aa(page: str, width: int, tmp_path: Path) -> None:
    result = axe(page.replace("<details>", "<details open>"), width, tmp_path)
    assert result["violations"] == []
    assert result["passes"] > 20


def test_only_tables_and_charts_scroll_sideways(page: str, tmp_path: Path) -> None:
    script = (
        "document.getElementById('probe').textContent = JSON.stringify("
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth])"
    )
    needed, there = in_browser(page, script, PHONE, tmp_path)
    assert needed <= there
