"""Spill (temporary files) of killed runs: it contains clear rows, so it is removed before anything else."""

import shutil
from pathlib import Path

from schemas.storage.zones import spill_folders


def remove_stale_spill(root: Path) -> int:
    """Remove the spill of every run while the workspace is locked; returns the number of folders removed."""
    stale = spill_folders(root)
    for folder in stale:
        shutil.rmtree(folder)
    return len(stale)
