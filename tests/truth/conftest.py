"""One release of the sample, published once for all tests of truth, whichever process they run in."""

import fcntl
from pathlib import Path

import pytest

from flows.actions.benchmark import load_benchmark
from tests.truth.sample_population import SAMPLE


@pytest.fixture(scope="session")
def sample_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release of the sample."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith(
        "popen-"
    ):  # a process of pytest-xdist has a folder of its own below the shared one
        shared = shared.parent
    workspace = shared / "sample_release"
    with (shared / "sample_release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = workspace / "done"
        if not done.exists():
            released = load_benchmark("truth").__globals__["released"]
            release = released(SAMPLE / "hearth.toml", workspace)
            done.write_text(str(release), "utf-8")
        return Path(done.read_text("utf-8"))
