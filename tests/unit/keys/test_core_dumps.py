"""A process that has keys leaves no core dump, and neither does one that it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIMIT = "import resource; print(*resource.getrlimit(resource.RLIMIT_CORE))"
#: Runs `hearth --help` as the command does, then prints its own limit and that of a process it starts.
COMMAND = f"""
import resource, subprocess, sys
sys.argv = ["hearth", "--help"]
from flows.cli import main
try:
    main()
except SystemExit:
    pass
print("LIMITS", flush=True)
{LIMIT}
sys.stdout.flush()
subprocess.run([sys.executable, "-I", "-c", {LIMIT!r}])
"""


def run(code: str, place: Path) -> "subprocess.CompletedProcess[str]":
    """Run Python code under the highest limit that this machine allows."""
    shell = 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"'
    return subprocess.run(
        ["/bin/sh", "-c", shell, "sh", sys.executable, "-c", code],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_and_the_processes_it_starts_have_no_core_dump(tmp_path: Path) -> None:
    ran = run(COMMAND, tmp_path)
    limits = ran.stdout.rpartition("LIMITS\n")[2].splitlines()
    assert len(limits) == 2, ran.stderr
    assert set(limits) <= {"1 1", "0 0"}


def test_a_process_that_aborts_with_a_key_writes_no_file(tmp_path: Path) -> None:
    code = "import os\nfrom governance.keys.core_dumps import disable_core_dumps\n"
    ran = run(f"{code}disable_core_dumps()\ndisable_core_dumps()\nos.abort()", tmp_path)
    assert ran.returncode == -6, ran.stderr
    assert not list(tmp_path.iterdir())


def test_a_run_forbids_core_dumps_before_it_opens_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import flows.run.setup.run_setup as run_setup

    order: list[str] = []
    monkeypatch.setattr(run_setup, "disable_core_dumps", lambda: order.append("no dumps"))
    monkeypatch.setattr(run_setup, "open_controller_keys", lambda *_: order.append("keys"))
    monkeypatch.setattr(run_setup, "open_run_keys", lambda *_: order.append("keys"))
    setup = run_setup.RunSetup(None, None, "run", None, "controller")  # type: ignore[arg-type]
    setup.open_keys(None)  # type: ignore[arg-type]
    assert order == ["no dumps", "keys"]
