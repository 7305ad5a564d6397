"""Spill that a killed run left: it holds rows in the clear, so it goes before anything else happens."""

import shutil
from pathlib import Path


def remove_stale_spill(root: Path) -> int:
    """Remove the spill of every run, the workspace's lock being held; returns how many folders went."""
    stale = [folder for folder in (root / "runs").glob("*/spill") if folder.is_dir()]
    for folder in stale:
        shutil.rmtree(folder)
    return len(stale)
