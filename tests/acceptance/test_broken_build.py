"""Builds of Hearth that could be undone, or that let an identifier out: their own gates stop them."""

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


#: Writes what it sees of every canary, as a forgotten debug log would, compressed.
LEAKING = """
import gzip, pathlib, pipeline.pseudonymise.stage as stage
uproot = stage.uproot
def leak(connection, canary, sources):
    seen = connection.execute(f"SELECT forename, surname FROM {next(s for s in sources if 'person' in s)}")
    lines = "\\n".join(str(row) for row in seen.fetchall())
    pathlib.Path(WORKSPACE, "linkage", "debug.log.gz").write_bytes(gzip.compress(lines.encode()))
    uproot(connection, canary, sources)
stage.uproot = leak
"""


def broken_run(project: SampleProject, breakage: str) -> Ran:
    program = f"WORKSPACE = {str(project.workspace)!r}\n{breakage}\nfrom flows.cli import main; main()"
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


def test_a_build_that_writes_people_to_a_compressed_log_publishes_nothing(project: SampleProject) -> None:
    ran = broken_run(project, LEAKING)
    assert ran.code == 2, ran.err
    assert (ran.outcome["status"], ran.outcome["code"]) == ("refused", "CANARY_FOUND")
    assert "linkage/debug.log.gz: nhs surname, text gzip" in ran.outcome["reason"]
    assert ran.outcome["remedy"]
    assert [name for name in project.releases() if not name.startswith(".")] == []
