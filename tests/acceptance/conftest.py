"""Projects to run: a small synthetic one, made once."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from places import CONTROLLERS, Three, agree, copy_of
from terminal import SampleProject, hearth

from pipeline.engine.spill_volume import volume_of

#: So few households fill few tables; the others would be hidden almost everywhere and cost time.
KEPT = ("health", "health_by_tenure", "health_by_imd_quintile", "resident_health")


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic project, made once; its agreement admits only four tables."""
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


@pytest.fixture
def ran(published: tuple[SampleProject, dict[str, Any]], tmp_path: Path) -> SampleProject:
    """A copy of the project that has run once, for a test that changes it or runs it again."""
    shutil.copytree(published[0].folder.parent, tmp_path / "ran", symlinks=True)
    return SampleProject(tmp_path / "ran" / published[0].folder.name)


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory: production refuses a workspace on a plain volume."""
    if not Path("/dev/shm").is_dir() or volume_of(Path("/dev/shm")) != "tmpfs":
        pytest.skip("this machine has no tmpfs at /dev/shm")
    with tempfile.TemporaryDirectory(prefix="hearth-places-", dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def own_memory(memory: Path) -> Iterator[Path]:
    """A folder in memory for one test."""
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def agreed(synthetic: Path, memory: Path) -> Three:
    """Three places whose keys are made, compared, and recorded in the agreement."""
    (memory / "agreed").mkdir()
    return agree(synthetic, memory / "agreed")


@pytest.fixture(scope="session")
def sent(agreed: Three, memory: Path) -> Three:
    """The three places after each controller made its first package, which waits in the inbox."""
    places = copy_of(agreed, memory / "sent")
    for controller in CONTROLLERS:
        places.send(controller)
    return places


@pytest.fixture(scope="session")
def linked(sent: Three, memory: Path) -> tuple[Three, dict[str, Any]]:
    """The three places after the linkage environment admitted both packages, and the outcome of its run."""
    places = copy_of(sent, memory / "linked")
    return places, places.linkage.run()


@pytest.fixture
def three(agreed: Three, own_memory: Path) -> Three:
    """Three places that have only agreed."""
    return copy_of(agreed, own_memory / "three")


@pytest.fixture
def waiting(sent: Three, own_memory: Path) -> Three:
    """Three places with both packages in the inbox, none of them admitted yet."""
    return copy_of(sent, own_memory / "three")
