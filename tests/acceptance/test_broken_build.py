"""A build of Hearth whose pseudonyms could be undone: its own gate stops it before anything is linked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Ran, SampleProject

pytestmark = pytest.mark.slow

#: Each stands before the command and breaks one thing in it, in the process of the command alone.
BROKEN = {
    "no key at all": "import governance.keys.held_key as k; k.derive_key = lambda *_: bytes(32)",
    "a key that follows from the agreement": (
        "import hashlib, governance.keys.held_key as k; "
        "k.derive_key = lambda root, context, kind: hashlib.sha256(context.agreement.encode()).digest()"
    ),
}


def broken_run(project: SampleProject, breakage: str) -> Ran:
    program = f"{breakage}; import sys; sys.argv[0] = 'hearth'; from flows.cli import main; main()"
    arguments = ("run", "--no-orchestrator", "--json", "--config", project.config)
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments), "--workspace", str(project.workspace)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ},
        cwd=Path(__file__).parents[2],
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize("breakage", BROKEN)
def test_an_unkeyed_build_is_refused_by_its_own_attack_and_nothing_is_linked(
    project: SampleProject, breakage: str
) -> None:
    ran = broken_run(project, BROKEN[breakage])
    assert ran.code == 2, ran.err
    assert (ran.outcome["status"], ran.outcome["code"]) == ("refused", "PSEUDONYM_RECOVERED")
    assert ran.outcome["remedy"]
    attack = ran.outcome["stages"][-1]["facts"]["self_attack"]
    assert attack["candidates"] == attack["distinct"] <= attack["recovered"]
    assert project.releases() == []
    assert not any((project.workspace / "linkage").iterdir())
    assert not list((project.workspace / "pseudonymised").rglob("*.parquet"))
