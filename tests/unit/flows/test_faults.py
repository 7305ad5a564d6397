"""An unexpected error leaves its stack trace, without values, in a private file that the message names."""

import errno
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flows.run.reporting.faults import TRACE_LOG, Interrupted, as_hearth_error, record_fault
from flows.run.run import RunRequest, run_pipeline
from governance.errors import Fault

SECRET = "9434765919"
SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample" / "hearth.toml"
#: `hearth releases list`, with an engine that quotes a cell in its message.
INJECTED = f"""
import sys
from flows.cli import main
from flows.actions import release_reading

def broken(folder):
    raise RuntimeError("cell {SECRET} cannot be cast")

release_reading.release_folders = broken
sys.argv = ["hearth", "releases", "list"]
main()
"""


def ran(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", INJECTED],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **environment},
    )


def named_file(message: str) -> Path:
    found = re.search(r"Stack trace without data values: (\S+)", message)
    assert found is not None, message
    return Path(found.group(1))


def check_trace(path: Path, error: str, function: str) -> None:
    text = path.read_text()
    assert error in text
    assert f" {function}\n" in text
    assert SECRET not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_outside_a_run_leaves_its_trace_in_the_state_folder(tmp_path: Path) -> None:
    process = ran(tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))
    assert process.returncode == 1
    assert process.stderr.startswith("STAGE_FAULT: hearth stopped because of an unexpected RuntimeError, ")
    assert SECRET not in process.stderr + process.stdout
    trace = named_file(process.stderr)
    assert trace == tmp_path / "state" / "hearth" / TRACE_LOG
    assert stat.S_IMODE(trace.parent.stat().st_mode) == 0o700
    check_trace(trace, "builtins.RuntimeError", "broken")


def test_where_the_state_folder_cannot_be_written_a_temporary_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, where a folder should be")
    process = ran(tmp_path, XDG_STATE_HOME=str(tmp_path / "state"), TMPDIR=str(tmp_path))
    trace = named_file(process.stderr)
    assert trace.parent == tmp_path
    check_trace(trace, "builtins.RuntimeError", "broken")


def test_where_nothing_can_be_written_no_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nowhere" / "state"))

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    told = record_fault(KeyError(SECRET), "link")
    assert told.code == "STAGE_FAULT"
    assert told.remedy.endswith("The stack trace could not be written.")


def test_a_failure_in_a_run_leaves_its_trace_in_the_folder_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"cell {SECRET} cannot be cast")

    monkeypatch.setattr("flows.run.run.set_up_run", broken)
    request = RunRequest.of(SAMPLE, tmp_path / "workspace")
    outcome = run_pipeline(request, quiet=True)
    assert (outcome.status, outcome.code) == ("fault", "STAGE_FAULT")
    trace = named_file(str(outcome.remedy))
    assert trace == tmp_path / "workspace" / "runs" / request.run_id / TRACE_LOG
    check_trace(trace, "builtins.RuntimeError", "broken")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Fault("NO_LINKS", "No links.", "Run."), "NO_LINKS"),
        (MemoryError(), "OUT_OF_MEMORY"),
        (Interrupted(), "INTERRUPTED"),
    ],
)
def test_an_error_that_explains_itself_leaves_no_file_outside_a_run(
    error: BaseException, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert record_fault(error, "evaluate").code == code
    assert list(tmp_path.iterdir()) == []


def test_traces_of_several_failures_follow_each_other_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for error in (KeyError(SECRET), OSError(SECRET)):
        record_fault(error, "hearth")
    text = (tmp_path / "hearth" / TRACE_LOG).read_text()
    assert re.findall(r"builtins\.(\w+)", text) == ["KeyError", "OSError"]


def test_a_trace_log_that_is_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / "hearth").mkdir()
    (tmp_path / "hearth" / TRACE_LOG).symlink_to(target)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    trace = named_file(record_fault(KeyError(SECRET), "hearth").remedy)
    assert not target.exists()
    assert trace.name.startswith("hearth-faults-")


def test_an_error_of_ours_is_shown_as_it_is() -> None:
    fault = Fault("NO_LINKS", "No links.", "Run.")
    assert as_hearth_error(fault, "evaluate") is fault
