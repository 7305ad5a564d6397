"""Published totals of the sample, and of the independent pair where it is at hand, against the truth."""

import shutil
import subprocess
import sys
from pathlib import Path

from flows.actions.benchmark import Figure

ROOT = Path(__file__).resolve().parents[2]
# `hearth bench` loads a benchmark by its path, so the folder of tests is not on the import path
sys.path.insert(0, str(ROOT))

from tests.truth.comparison import (  # noqa: E402
    Compared,
    ComparedRate,
    compare,
    compare_rates,
    estimated_residents,
)
from tests.truth.measures import Population  # noqa: E402
from tests.truth.pair_population import PAIR, pair_population  # noqa: E402
from tests.truth.sample_population import SAMPLE, sample_population  # noqa: E402


def measure(households: int, folder: Path) -> list[Figure]:
    """Run the pipeline on both projects and compare; `households` has no effect."""
    found = _figures("sample", released(SAMPLE / "hearth.toml", folder / "sample"), sample_population())
    if PAIR.is_dir():
        found += _figures("pair", released(pair_project(folder), folder / "pair"), pair_population())
    return found


def pair_project(folder: Path) -> Path:
    """Write the project of the independent pair; returns its hearth.toml."""
    project = folder / "pair_project"
    project.mkdir()
    text = (ROOT / "tests" / "acceptance" / "household_pair.toml").read_text("utf-8")
    (project / "hearth.toml").write_text(text.replace("PAIR", str(PAIR)), "utf-8")
    shutil.copy(SAMPLE / "agreement.toml", project)
    return project / "hearth.toml"


def released(config: Path, workspace: Path) -> Path:
    """Run a night in a workspace of its own; returns the folder of the release."""
    subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", "--config", config, "--workspace", workspace,
         "--no-orchestrator"],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )  # fmt: skip
    (release,) = (p for p in (workspace / "releases").iterdir() if not p.name.startswith("."))
    return release


def _figures(name: str, release: Path, them: Population) -> list[Figure]:
    compared = compare(release, them)
    rates = [c for c in compared if c.published is not None and c.unit == "%"]
    by_area = compare_rates(release, them)
    low, high = estimated_residents(release)
    return [
        *(_figure(name, one) for one in compared),
        Figure(f"{name}: residents by completeness", low, "n", f"to {high:,.0f}; true {len(them.people):,}"),
        Figure(
            f"{name}: rates whose interval by chance has the truth",
            sum(c.is_within_chance for c in rates),
            f"of {len(rates)}",
        ),
        *(
            _holding(name, level, [c for c in by_area if c.area_level == level])
            for level in ("LAD", "MSOA21")
        ),
    ]


def _holding(name: str, level: str, compared: list[ComparedRate]) -> Figure:
    missed = sorted({c.measure for c in compared if not c.has_truth})
    return Figure(
        f"{name}: {level} rates whose combined interval has the truth",
        sum(c.has_truth for c in compared),
        f"of {len(compared)}",
        f"not: {', '.join(missed)}" if missed else "",
    )


def _figure(name: str, one: Compared) -> Figure:
    label = f"{name}: {one.measure}"
    if one.published is None:
        return Figure(label, one.true, one.unit or "n", "not produced; this is the true value")
    chance = "" if one.unit != "%" else ", within chance" if one.is_within_chance else ", beyond chance"
    return Figure(
        label, one.published, one.unit or "n", f"true {one.true:,.2f}, off by {one.deviation:+,.2f}{chance}"
    )
