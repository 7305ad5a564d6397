"""Spill (temporary files) of killed runs: it contains clear rows, so it is removed before anything else."""

import shutil
from pathlib import Path


def remove_stale_spill(root: Path) -> int:
    """Remove the spill of every run while the workspace is locked; returns the number of folders removed."""
    stale = [folder for folder in (root / "runs").glob("*/spill") if folder.is_dir()]
    for folder in stale:
        shutil.rmtree(folder)
    return len(stale)
