import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from governance.errors import Fault
from pipeline.workspace import ZONES, Workspace


def hold(
    root: Path, held: "multiprocessing.synchronize.Event", leave: "multiprocessing.synchronize.Event"
) -> None:
    with Workspace.open(root).lock():
        held.set()
        leave.wait(30)


def test_every_zone_is_private_to_the_user(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "w")
    modes = {zone: stat.S_IMODE(workspace.zone(zone).stat().st_mode) for zone in ZONES}
    assert modes == dict.fromkeys(ZONES, 0o700)


def test_files_written_afterwards_are_private(tmp_path: Path) -> None:
    Workspace.open(tmp_path / "w")
    path = tmp_path / "file"
    path.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_runs_of_one_project_cannot_overlap_and_a_killed_one_frees_the_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held, leave = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, held, leave))
    other.start()
    assert held.wait(30)
    workspace = Workspace.open(tmp_path)
    with pytest.raises(Fault, match="RUN_IN_PROGRESS"), workspace.lock():
        pass
    other.kill()
    other.join()
    with workspace.lock():
        pass


def test_a_workspace_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match="WORKSPACE_NOT_WRITABLE"):
        Workspace.open(tmp_path / "file" / "w")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_workspace_is_a_fault(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Fault, match="WORKSPACE_NOT_WRITABLE"):
        Workspace.open(tmp_path / "w")


def test_the_spill_is_gone_whatever_happened(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    seen: list[Path] = []

    def dies() -> None:
        with workspace.spill("run") as spill:
            seen.append(spill)
            (spill / "block").write_bytes(b"rows")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()
    assert not seen[0].exists()
