"""The README is kept true: every `hearth` command in it runs, in order, as it stands there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from planted_in_findings import check_planted_effects
from terminal import ROOT

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("   #")[0] for block in BLOCKS for line in block.splitlines() if line.strip()]
MAY_END_WITH = {"hearth audit verify workspace/audit": {0, 4}}


@pytest.mark.slow
def test_every_hearth_command_of_the_readme_runs_and_the_findings_show_what_was_planted(
    tmp_path: Path, sample_run: Path
) -> None:
    shutil.copytree(sample_run, tmp_path, symlinks=True, dirs_exist_ok=True)
    commands = [line for line in COMMANDS if line.startswith("hearth ")]
    for line in commands:  # `make run` comes first in the README, and is `sample_run`
        ran = subprocess.run(
            [sys.executable, "-m", "flows.cli", *shlex.split(line)[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert ran.returncode in MAY_END_WITH.get(line, {0}), f"{line}\n{ran.stdout}\n{ran.stderr}"
    check_planted_effects(tmp_path / "findings")


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in COMMANDS if line.startswith("make ")}
    assert named >= {"run", "test"}
    assert named <= targets


def test_every_file_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
