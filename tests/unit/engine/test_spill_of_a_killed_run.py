"""Clear rows that a run spilled to disk are gone after it ended, and after SIGKILL with the next run."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.run.run import RunRequest, run_pipeline
from governance.retention.residue import remove_stale_spill

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "sample_data" / "sample"
CANARY = b"ZYXQUORBLE"
#: Sorts more clear rows than fit in memory, and stops in the middle of it.
SPILLING = """
import sys, time
from pathlib import Path
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.workspace import Workspace
workspace = Workspace.open(Path(sys.argv[1]))
with workspace.spill("killed") as spill:
    with locked_connection(EngineSettings(threads=1, memory_limit="40MB"), spill) as connection:
        reader = connection.sql(
            "SELECT 'ZYXQUORBLE' || hash(i) || repeat('x', 80) AS name FROM range(1500000) r(i) ORDER BY name"
        ).to_arrow_reader(1000)
        reader.read_next_batch()
        print("spilled", flush=True)
        if sys.argv[2] == "killed":
            time.sleep(600)
        del reader
print("ended", flush=True)
"""


def spilling(workspace: Path, end: str) -> "subprocess.Popen[str]":
    """Start the process and return when it has spilled."""
    process = subprocess.Popen(
        [sys.executable, "-c", SPILLING, str(workspace), end],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    # DuckDB may draw its progress bar first.
    assert any(line.strip().endswith("spilled") for line in iter(process.stdout.readline, ""))
    return process


def spilled(workspace: Path) -> list[Path]:
    return [p for p in workspace.rglob("*") if p.is_file() and "spill" in p.parts]


def test_nothing_that_was_spilled_is_left_after_a_normal_end(tmp_path: Path) -> None:
    process = spilling(tmp_path / "workspace", "ends")
    assert process.wait(120) == 0
    assert spilled(tmp_path / "workspace") == []


@pytest.mark.parametrize("next_run", ["starts", "is refused"])
def test_what_a_killed_run_spilled_is_removed_by_the_next_run_even_if_that_is_refused(
    tmp_path: Path, next_run: str
) -> None:
    workspace = tmp_path / "workspace"
    process = spilling(workspace, "killed")
    files = spilled(workspace)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert files
    assert all(p.stat().st_mode & 0o077 == 0 or p.parent.stat().st_mode & 0o077 == 0 for p in files)
    left = spilled(workspace)
    assert left, "the killed process was to leave something"
    if next_run == "starts":
        remove_stale_spill(workspace)
    else:
        for name in ("hearth.toml", "agreement.toml", "agreement.toml.sig"):
            shutil.copy(SAMPLE / name, tmp_path)
        agreement = tmp_path / "agreement.toml"
        agreement.write_text(agreement.read_text() + "\nunknown = [\n")
        outcome = run_pipeline(RunRequest.of(tmp_path / "hearth.toml", workspace), quiet=True)
        assert outcome.status != "published"
    assert spilled(workspace) == []
    assert not any(CANARY in p.read_bytes() for p in workspace.rglob("*") if p.is_file())
