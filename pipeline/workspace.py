"""A workspace: one project's folder tree, whose zones `schemas/storage/zones.py` lists, and its run lock."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.errors import Fault
from schemas.storage.zones import RUNS, SPILL, ZONES


@dataclass(frozen=True)
class Workspace:
    """The folder tree of one project; `root` is absolute."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """Create the folders that are missing, private to the user; raises Fault if that is not possible."""
        os.umask(0o077)
        root = root.expanduser().absolute()
        try:
            for zone in ZONES:
                (root / zone).mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = root / RUNS / f".writable-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise Fault(
                "WORKSPACE_NOT_WRITABLE",
                f"The workspace {root} cannot be written to ({error.strerror}), so nothing was started.",
                "Correct its owner, permissions or free space, or choose another folder with --workspace.",
            ) from None
        return cls(root)

    def zone(self, name: str) -> Path:
        """Return a zone's folder."""
        if name not in ZONES:
            raise ValueError(f"no zone {name}")
        return self.root / name

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of one run, after making it if needed."""
        folder = self.zone(RUNS) / run_id
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @contextmanager
    def spill(self, run_id: str) -> Iterator[Path]:
        """Make the run's private spill folder; it is removed when the block ends, also after an error."""
        folder = self.run_folder(run_id) / SPILL
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the project's workspace for one run; the kernel releases the lock when the process ends.

        Raises Fault if another run of this project has locked it.
        """
        with (self.root / ".run.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Fault(
                    "RUN_IN_PROGRESS",
                    "Another run of this project is using the workspace, and only one can at a time.",
                    "Wait until that run has ended, then repeat the command.",
                ) from None
            yield
