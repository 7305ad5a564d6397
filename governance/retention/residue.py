"""Spill that a killed run left: it holds rows in the clear, so it goes before anything else happens."""

import shutil
from pathlib import Path

from schemas.storage.zones import spill_folders


def remove_stale_spill(root: Path) -> int:
    """Remove the spill of every run, the workspace's lock being held; returns how many folders went."""
    stale = spill_folders(root)
    for folder in stale:
        shutil.rmtree(folder)
    return len(stale)
