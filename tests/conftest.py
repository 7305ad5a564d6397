"""Settings of every test: no time limit on a generated example, nothing printed after pytest's last line."""

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes depends on the machine; `hearth bench` measures speed.
settings.register_profile("hearth", deadline=None)
settings.load_profile("hearth")


@atexit.register
def _close_standard_error() -> None:
    """Leave out about a hundred lines that DuckDB's binding prints at interpreter shutdown."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder in which the sample ran once as `make run` runs it, for tests of all workers to read.

    It has `sample_data/sample` and `workspace`. A test that changes something copies it first.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "sample_run"
    with (folder.parent / "sample_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = folder.with_name("sample_run_in_progress")
            shutil.rmtree(making, ignore_errors=True)
            shutil.copytree(ROOT / "sample_data" / "sample", making / "sample_data" / "sample")
            options = "--config sample_data/sample/hearth.toml --workspace workspace --no-orchestrator"
            subprocess.run(
                [sys.executable, "-m", "flows.cli", "run", *options.split()],
                check=True,
                capture_output=True,
                cwd=making,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            making.rename(folder)
    return folder
