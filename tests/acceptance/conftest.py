"""Projects to run: a small synthetic one, made once."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from terminal import SampleProject, hearth

#: So few households fill few tables; the others would be hidden almost everywhere and cost time.
KEPT = ("health", "health_by_tenure", "health_by_imd_quintile", "resident_health")


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic project, made once; its agreement admits four tables alone."""
    folder = tmp_path_factory.mktemp("synthetic") / "project"
    made = hearth("synth", "--households", "800", "--seed", "7", "--out", folder)
    assert made.code == 0, made.err
    agreement = folder / "agreement.toml"
    text = agreement.read_text("utf-8")
    kept = "".join(f'  "{table}",\n' for table in KEPT)
    text, replaced = re.subn(r"(?s)(\[outputs\]\ntables = \[\n).*?\]", rf"\g<1>{kept}]", text)
    assert replaced == 1
    agreement.write_text(text, "utf-8")
    return folder


@pytest.fixture
def project(synthetic: Path, tmp_path: Path) -> SampleProject:
    """A copy of the synthetic project that has never run."""
    shutil.copytree(synthetic, tmp_path / "project")
    return SampleProject(tmp_path / "project")


@pytest.fixture(scope="session")
def published(
    synthetic: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SampleProject, dict[str, Any]]:
    """A project that has run once, and its outcome; tests only look at it."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(synthetic, folder / "project")
    done = SampleProject(folder / "project")
    ran = done.run()
    assert ran.code == 0, ran.err
    return done, ran.outcome
