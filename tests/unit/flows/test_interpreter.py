"""The interpreter that `hearth` starts: isolated, and what else could change its imports is shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEARTH = Path(sys.prefix) / "bin" / "hearth"
SHOW = "from flows.run.interpreter import import_overrides as found; print(';'.join(found()))"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def shown(*options: str, cwd: Path | None = None, **environment: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, *options, "-c", SHOW],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env=CLEAN | environment,
    )
    return [item for item in ran.stdout.strip().split(";") if item]


def test_nothing_can_change_the_imports_of_an_isolated_interpreter(tmp_path: Path) -> None:
    assert shown("-I", cwd=tmp_path) == []


def test_variables_that_would_change_imports_are_shown_even_where_they_have_no_effect(tmp_path: Path) -> None:
    assert shown("-I", PYTHONPATH=str(tmp_path), PYTHONOPTIMIZE="1") == ["PYTHONOPTIMIZE", "PYTHONPATH"]
    assert shown("-I", PYTHONUNBUFFERED="1") == []


def test_another_start_is_shown(tmp_path: Path) -> None:
    found = shown(cwd=tmp_path)
    assert "interpreter not isolated" in found
    assert "import folder outside the environment" in found
    assert shown(cwd=tmp_path, PYTHONSAFEPATH="1", PYTHONNOUSERSITE="1") == []


def test_a_startup_module_from_elsewhere_is_shown(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("")
    found = shown(PYTHONPATH=str(tmp_path))
    assert "sitecustomize outside the environment" in found


@pytest.mark.skipif(not HEARTH.is_file(), reason="hearth is not installed as a command here")
def test_the_command_leaves_pythonpath_and_the_current_folder_behind(tmp_path: Path) -> None:
    note = f"with open({str(tmp_path / 'ran')!r}, 'a') as file:\n    file.write('ran\\n')\n"
    (tmp_path / "sitecustomize.py").write_text(note)
    (tmp_path / "typer.py").write_text("raise SystemExit('another typer')\n")
    ran = subprocess.run(
        [HEARTH, "init", "project"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=CLEAN | {"PYTHONPATH": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "ran").read_text() == "ran\n"  # only where the isolated one is started
    assert (tmp_path / "project" / "agreement.toml").is_file()
