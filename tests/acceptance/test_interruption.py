"""A night cut short at any stage: nothing half-written, a trail that verifies, a rerun that publishes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from terminal import SampleProject, hearth

#: Kills its own process when a stage has written its files and not yet renamed them into place.
KILLED_IN = """
import os, signal, sys
import pipeline.artefact_store as store
import pipeline.publish.commit_release as reveal
import pipeline.publish.stage as publish
stage = sys.argv.pop(1)
def dies(*_):
    os.kill(os.getpid(), signal.SIGKILL)
settled = store._settled
def dies_in_stage(folder, rows):
    return dies() if folder.name.startswith(stage) else settled(folder, rows)
store._settled = dies_in_stage
if stage == "publish":
    publish.write_manifest = dies
if stage == "reveal":
    reveal._finish = dies
from flows.cli import main
main()
"""
STAGES = [
    "ingest-council",
    "pseudonymise-nhs",
    "group",
    "link",
    "quality",
    "household",
    "aggregate",
    "disclosure",
    "publish",
    "reveal",
]


@pytest.mark.slow
def test_nights_killed_in_one_stage_after_another_leave_no_release_and_the_next_one_publishes(
    project: SampleProject,
) -> None:
    for stage in STAGES:
        killed = subprocess.run(
            [
                sys.executable,
                "-c",
                KILLED_IN,
                stage,
                "run",
                "--config",
                str(project.config),
                "--workspace",
                str(project.workspace),
                "--no-orchestrator",
            ],
            capture_output=True,
            check=False,
            timeout=300,
        )
        assert killed.returncode == -signal.SIGKILL, stage
        assert [name for name in project.releases() if not name.startswith(".")] == [], stage
        assert hearth("audit", "verify", project.workspace / "audit").code == 3  # a run has no end on record
    ran = project.run()
    assert ran.code == 0, ran.err
    done = {f"{s['stage']}-{s['part']}": s["outcome"] for s in ran.outcome["stages"]}
    finished = [part for part in done if not part.startswith(("publish", "reveal"))]
    assert {done[part] for part in finished} == {"reused"}, done
    assert len(finished) >= len(STAGES) - 2
    assert not list(project.workspace.rglob("*.partial"))
    assert hearth("audit", "verify", project.workspace / "audit").code in (0, 3, 4)


def test_ctrl_c_ends_the_night_with_a_message_and_an_entry(project: SampleProject) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "flows.cli",
            "run",
            "--config",
            project.config,
            "--workspace",
            project.workspace,
            "--no-orchestrator",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    wait_for(project.workspace, "link")
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "INTERRUPTED" in error
    assert project.releases() == []
    assert hearth("audit", "verify", project.workspace / "audit").code in (0, 4)
    assert project.run().code == 0


def wait_for(workspace: Path, stage: str) -> None:
    for _ in range(6000):
        logs = list((workspace / "runs").glob("*/run.log")) if workspace.exists() else []
        if any(f" {stage}" in log.read_text() for log in logs):
            return
        time.sleep(0.05)
    raise AssertionError(f"{stage} never began")


def test_a_full_disk_is_told_and_a_rerun_works_once_there_is_room(
    project: SampleProject, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        arguments = (
            "run",
            "--config",
            project.config,
            "--workspace",
            disk / "w",
            "--no-orchestrator",
            "--json",
        )
        ran = hearth(*arguments)
        assert ran.code == 1
        assert ran.outcome["code"] in ("DISK_FULL", "AUDIT_LOG_NOT_WRITABLE", "WORKSPACE_NOT_WRITABLE")
        assert "Traceback" not in ran.err
        subprocess.run(["mount", "-o", "remount,size=900m", disk], check=True)
        again = hearth(*arguments)
        assert again.code == 0, again.err
    finally:
        subprocess.run(["umount", disk], check=True)
