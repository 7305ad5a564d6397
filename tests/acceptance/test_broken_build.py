"""A build that could be undone, and leaks of every kind: Hearth's own gates stop both."""

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from terminal import Ran, SampleProject, canary_seeds

from flows.run.run import RunRequest, run_pipeline
from pipeline.leakage.canary import canary_of

pytestmark = pytest.mark.slow

#: Stands before the command and breaks one thing in it, in the process of the command alone.
UNKEYED = "import governance.keys.providers.in_memory_key as k; k.derive_key = lambda *_: bytes(32)"


def test_an_unkeyed_build_is_refused_by_its_own_attack_and_nothing_is_linked(project: SampleProject) -> None:
    arguments = ("run", "--no-orchestrator", "--json", "--config", project.config)
    done = subprocess.run(
        [
            *(sys.executable, "-c", f"{UNKEYED}; from flows.cli import main; main()"),
            *(*map(str, arguments), "--workspace", str(project.workspace)),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ},
        cwd=Path(__file__).parents[2],
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert ran.code == 2, ran.err
    assert (ran.outcome["status"], ran.outcome["code"]) == ("refused", "PSEUDONYM_RECOVERED")
    assert ran.outcome["remedy"]
    attack = ran.outcome["stages"][-1]["facts"]["self_attack"]
    assert attack["candidates"] == attack["distinct"] <= attack["recovered"]
    assert project.releases() == []
    assert not any((project.workspace / "linkage").iterdir())
    assert not list((project.workspace / "pseudonymised").rglob("*.parquet"))


def test_a_leak_of_any_kind_in_the_workspace_refuses_the_night(
    published: tuple[SampleProject, dict[str, Any]], tmp_path: Path
) -> None:
    done, _ = published
    shutil.copytree(done.folder.parent, tmp_path / "copy", symlinks=True)
    project = SampleProject(tmp_path / "copy" / done.folder.name)
    planted = {part: canary_of(part, seed) for part, seed in canary_seeds(done.workspace).items()}
    place = project.workspace
    leaks = {
        "audit/debug.log: council surname, text": lambda path: path.write_text(planted["council"].surname),
        "controlled/notes.gz: nhs postcode, text gzip": lambda path: path.write_bytes(
            gzip.compress(planted["nhs"].postcode.encode())
        ),
        "linkage/rows.parquet: nhs NHS number, text parquet": lambda path: pq.write_table(
            pa.table({"note": [planted["nhs"].nhs_number]}), path
        ),
        "orchestrator/prefect.db: council UPRN, text": lambda path: remember(path, planted["council"].uprn),
    }
    for told, leak in leaks.items():
        path = place / told.partition(":")[0]
        path.parent.mkdir(exist_ok=True)
        leak(path)
    again = run_pipeline(RunRequest.of(project.config, place), quiet=True)
    assert (again.status, again.code) == ("refused", "CANARY_FOUND")
    for told in leaks:
        assert told in str(again.reason)
    assert not any(v in str(again.reason) for c in planted.values() for v in c.identifiers.values())


def remember(database: Path, message: str) -> None:
    """Leave a message in a database as an orchestrator's log table would."""
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE log (message TEXT)")
        connection.execute("INSERT INTO log VALUES (?)", (f"could not cast {message}",))
