"""The matcher's own environment: absent, out of date, or failing, it says so and tells nothing else."""

import hashlib
import os
import re
import stat
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import pytest

from governance.errors import Fault
from pipeline.assign_uprn.assignment import assign_uprns
from pipeline.assign_uprn.environment import FOLDER_VARIABLE, MatcherEnvironment, open_environment
from pipeline.assign_uprn.private_folder import private_folder

from .conftest import LIST, Desk

LOCK = files("pipeline.assign_uprn") / "requirements.lock"
PEOPLE = "record_id,uprn,address,postcode\nr1,,1 SECRET STREET,M33 1AA\n"
COMMAND = [
    *(sys.executable, "-m", "flows.cli", "assign-uprn"),
    *("--extract", "people.csv", "--address-list", "list.csv", "--out", "out"),
]


def _install(folder: Path, python: str, lock: bytes | None = None) -> None:
    (folder / "bin").mkdir(parents=True)
    interpreter = folder / "bin" / "python"
    interpreter.write_text(f"#!{sys.executable}\n{python}")
    interpreter.chmod(stat.S_IRWXU)
    digest = hashlib.sha256(LOCK.read_bytes() if lock is None else lock).hexdigest()
    (folder / "hearth-lock.sha256").write_text(f"{digest}  -\n")


def _unreplaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str) -> Desk:
    """A desk whose matcher is a Python that does what a test says."""
    _install(tmp_path / "environment", python)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "environment"))
    folder = tmp_path / "desk"
    folder.mkdir()
    return Desk(folder, {})


def test_without_the_tool_the_command_says_how_to_get_it_and_that_it_is_optional(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "list.csv").write_text(LIST)
    ran = subprocess.run(
        COMMAND,
        cwd=tmp_path,
        env={**os.environ, FOLDER_VARIABLE: str(tmp_path / "none"), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "MATCHER_NOT_INSTALLED: uk-address-matcher is not installed" in ran.stderr
    assert "make assign-uprn-environment" in ran.stderr
    assert "it is optional" in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.csv", "people.csv"]


def test_an_environment_of_another_lock_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, "", lock=b"another")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(Fault, match="MATCHER_OUT_OF_DATE"):
        open_environment()


def test_an_environment_of_this_lock_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, "")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert open_environment() == MatcherEnvironment(tmp_path / "bin" / "python", "1.5.3")


def test_the_lock_names_no_registry_and_gives_every_package_a_hash() -> None:
    text = LOCK.read_text("utf-8")
    assert "://" not in text
    packages = re.findall(r"^[a-z0-9-]+==", text, re.MULTILINE)
    assert len(packages) == len(re.findall(r"==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", text)) > 10


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("import sys; sys.exit('1 SECRET STREET')", "exit code 1"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
        (
            "import json, pathlib, sys; print('1 SECRET STREET', file=sys.stderr)\n"
            "said = {'version': '1.5.3', 'error': 'OutOfMemoryException', 'disk_full': False}\n"
            "said['places'] = ['worker.py:1 main']\n"
            "pathlib.Path(sys.argv[-1], 'outcome.json').write_text(json.dumps(said)); sys.exit(1)",
            "OutOfMemoryException in worker.py:1 main",
        ),
    ],
)
def test_a_matcher_that_fails_is_told_by_kind_and_its_words_are_thrown_away(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    python: str,
    told: str,
) -> None:
    desk = _unreplaced(tmp_path, monkeypatch, python)
    with pytest.raises(Fault, match="MATCHER_FAILED") as caught:
        assign_uprns(desk.request(desk.put("people.csv", PEOPLE)))
    assert told in str(caught.value)
    assert "SECRET" not in str(caught.value) + "".join(capfd.readouterr())
    assert sorted(path.name for path in desk.folder.iterdir()) == ["list.csv", "people.csv"]


def test_the_matcher_gets_no_record_id_no_uprn_and_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setenv("HEARTH_SECRET", "in the environment")
    desk = _unreplaced(
        tmp_path,
        monkeypatch,
        "import os, pathlib, shutil, sys\n"
        f"shutil.copytree(sys.argv[-1], {str(seen)!r})\n"
        f"pathlib.Path({str(seen)!r}, 'environ').write_text(repr((sys.argv, dict(os.environ)))); sys.exit(1)",
    )
    with pytest.raises(Fault, match="MATCHER_FAILED"):
        assign_uprns(desk.request(desk.put("people.csv", PEOPLE.replace("r1", "record-17"))))
    told = (seen / "environ").read_text()
    assert "in the environment" not in told
    assert "SECRET" not in told
    handed_over = b"".join(path.read_bytes() for path in seen.rglob("*") if path.is_file())
    assert b"1 SECRET STREET" in handed_over
    assert b"record-17" not in handed_over
    assert b"100000000001" not in handed_over


def test_what_a_killed_assignment_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    left = tmp_path / ".hearth-assign-uprn-killed"
    left.mkdir()
    (left / "address_to_match.parquet").write_bytes(b"clear")
    with private_folder(tmp_path / "out") as folder:
        assert not left.exists()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_an_assignment_under_way_is_left_alone(tmp_path: Path) -> None:
    with private_folder(tmp_path / "first") as first, private_folder(tmp_path / "second"):
        assert first.is_dir()


def test_an_assignment_that_is_asked_to_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    _install(tmp_path / "environment", "import time; time.sleep(60)")
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "list.csv").write_text(LIST)
    process = subprocess.Popen(
        COMMAND,
        cwd=tmp_path,
        env={**os.environ, FOLDER_VARIABLE: str(tmp_path / "environment"), "PYTHONPATH": str(Path.cwd())},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 30
    while not list(tmp_path.glob(".hearth-assign-uprn-*/lookup/task.json")) and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "INTERRUPTED" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["environment", "list.csv", "people.csv"]


def test_a_disk_that_fills_during_the_lookup_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real worker, with a package in the matcher's place that finds no room."""
    package = tmp_path / "packages"
    package.mkdir()
    (package / "uk_address_matcher.py").write_text(
        "raise OSError(28, 'No space left on device', '1 SECRET ST')"
    )
    (package / "uk_address_matcher-1.5.3.dist-info").mkdir()
    (package / "uk_address_matcher-1.5.3.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: uk-address-matcher\nVersion: 1.5.3\n"
    )
    desk = _unreplaced(
        tmp_path,
        monkeypatch,
        f"import runpy, sys\nsys.path.insert(0, {str(package)!r})\n"
        "sys.argv = sys.argv[-2:]\nrunpy.run_path(sys.argv[0], run_name='__main__')",
    )
    with pytest.raises(Fault, match="DISK_FULL") as caught:
        assign_uprns(desk.request(desk.put("people.csv", PEOPLE)))
    assert "SECRET" not in str(caught.value)
