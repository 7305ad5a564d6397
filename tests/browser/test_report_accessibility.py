"""The governance report in a real Chromium: axe finds nothing, and nothing runs off a phone or a page.

Needs Debian's chromium, and axe-core (`npm install --prefix tests/browser` puts it beside this file).
"""

import re
import subprocess
from pathlib import Path

import pytest
from chromium import CHROMIUM, DESKTOP, PAPER, PHONE, axe, in_browser, needs_axe, needs_chromium

from governance.agreement.agreement import read_agreement
from governance.artefact import Evidence
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.gate import Gatekeeper
from governance.principals.run_authorisation import run_authorisation_facts
from governance.principals.unsafe_demo_principals import unsafe_demo_key
from governance.report.facts import gather
from governance.report.page import render_page

SAMPLE = Path(__file__).parents[2] / "sample_data" / "sample" / "agreement.toml"

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of one refused run, its tables filled."""
    root = tmp_path_factory.mktemp("workspace")
    (root / "keys").mkdir()
    audit = AuditLog.open(root / "audit", open_log_signer(root / "keys", "hearth/test"))
    agreement = read_agreement(SAMPLE)
    audit.append("run-1", "operator", None, "run_start", policy=agreement.digest)
    facts = {
        "custody": "single-operator",
        "production": False,
        "code_version": "c" * 64,
        "libraries": 130,
        "import_overrides": [],
        "altered_bytecode": [],
        "extracts": [],
        "mapped_columns": {},
        "publishes": False,
        "first_published": None,
        "disclosure_criteria": {"minimum_cell_count": 10},
        "model_digest": None,
        **run_authorisation_facts(agreement, "run-1", "run", [unsafe_demo_key("operator")]),
    }
    keeper = Gatekeeper("run-1", agreement, audit, "operator", order={("run", "all"): ()})
    keeper.check_run(Evidence("run", "all", facts))
    audit.append("run-1", "operator", None, "run_end", verdict="fault", evidence={"code": "DISK_FULL"})
    audit.checkpoint()
    return render_page(gather(root, agreement, "run-1"))


@needs_axe
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_axe_finds_nothing_against_wcag_2_2_aa(page: str, width: int, tmp_path: Path) -> None:
    result = axe(page, width, tmp_path)
    assert result["violations"] == []
    assert result["passes"] > 20


@needs_axe
def test_axe_would_find_what_is_wrong(page: str, tmp_path: Path) -> None:
    spoilt = page.replace("<main ", '<p style="color:#bbb">pale</p><img src="data:,"><main ', 1)
    assert {"image-alt", "color-contrast"} <= {
        name for name, _ in axe(spoilt, DESKTOP, tmp_path)["violations"]
    }


@pytest.mark.parametrize("width", [DESKTOP, PAPER, PHONE])
def test_only_tables_scroll_sideways_never_the_page(page: str, width: int, tmp_path: Path) -> None:
    script = (
        "document.getElementById('probe').textContent = JSON.stringify("
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth])"
    )
    needed, there = in_browser(page, script, width, tmp_path)
    assert needed <= there


def test_on_paper_no_rule_and_no_verdict_is_broken_inside_a_word(page: str, tmp_path: Path) -> None:
    script = """
        const broken = [...document.querySelectorAll('[class^="rules-"] tbody tr')].flatMap(row =>
            [row.cells[0], row.cells[1]].map(cell => {
                const range = document.createRange();
                range.setStart(cell.firstChild, 0);
                range.setEnd(cell.firstChild, cell.textContent.trim().split(' ')[0].length);
                return range.getClientRects().length;
            }));
        document.getElementById('probe').textContent = JSON.stringify(broken)
    """
    lines = in_browser(page.replace("@media print", "@media screen"), script, 680, tmp_path)
    assert len(lines) > 10
    assert set(lines) == {1}


def test_it_prints_on_paper(page: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page, "utf-8")
    subprocess.run(
        [
            CHROMIUM or "",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--print-to-pdf={tmp_path / 'page.pdf'}",
            (tmp_path / "page.html").as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    data = (tmp_path / "page.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page[^s]", data)) <= 40
