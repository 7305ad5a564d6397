"""Pages in a real Chromium: run a script in one, let axe look at it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE, PAPER = 1280, 390, 794
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed in tests/browser")


def in_browser(page: str, script: str, width: int, folder: Path) -> Any:
    """Run a script in the page at a width and return what it gives as JSON."""
    probe = folder / f"probe-{width}.html"
    end = f"<pre id='probe'></pre><script>{script}</script></body>"
    probe.write_text(page.replace("</body>", end), "utf-8")
    done = subprocess.run(
        [
            CHROMIUM or "",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--window-size={width},1000",
            "--virtual-time-budget=30000",
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            probe.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found.group(1)))


def axe(page: str, width: int, folder: Path) -> Any:
    """Run axe over the page; returns how many rules passed, and the violations with their places."""
    script = AXE.read_text("utf-8") + (
        f"; axe.run({{exclude: [['#probe']]}}, {{runOnly: {json.dumps(_TAGS)}}}).then(result => "
        "document.getElementById('probe').textContent = JSON.stringify({"
        "passes: result.passes.length, "
        "violations: result.violations.map(v => [v.id, v.nodes.map(n => n.target[0])])}))"
    )
    return in_browser(page, script, width, folder)
