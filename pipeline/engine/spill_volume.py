"""Checks that the volume on which DuckDB spills protects clear data.

DuckDB writes data that does not fit in memory to disk, unencrypted. Volumes are of three kinds:

tmpfs      memory; its content is lost when the machine is switched off
encrypted  a dm-crypt (LUKS) device, directly or under LVM and RAID
plain      anything else; deleted files could be recovered
"""

import os
from pathlib import Path
from typing import Literal

from governance.errors import Refused

Volume = Literal["tmpfs", "encrypted", "plain"]
_MEMORY = ("tmpfs", "ramfs")


def volume_of(
    folder: Path, mounts: Path = Path("/proc/self/mountinfo"), devices: Path = Path("/sys/dev/block")
) -> Volume:
    """Return the kind of volume that a folder is on; "plain" if that cannot be determined.

    mounts, devices: the kernel's files about them; only tests use others.
    """
    entry = _mount_entry(folder, mounts)
    if entry is None:
        return "plain"
    device, file_system = entry
    if file_system in _MEMORY:
        return "tmpfs"
    return "encrypted" if _is_crypt(devices / device) else "plain"


def check_spill_volume(folder: Path, production: bool) -> str | None:
    """Return a warning if spilled data in `folder` would be unprotected, otherwise None.

    Raises Refused instead of warning if `production` is true.
    """
    if volume_of(folder) != "plain":
        return None
    if production:
        raise Refused(
            "SPILL_NOT_PROTECTED",
            "The workspace is on a volume that is neither memory nor encrypted. DuckDB would write data that "
            "does not fit in memory there, unencrypted, so the run was not started.",
            "Move the workspace to tmpfs or a LUKS volume, and give its path with --workspace.",
        )
    return (
        "WARNING: the workspace is neither on tmpfs nor on an encrypted volume. During a run, data that does "
        "not fit in memory is stored there unencrypted. In production this would be refused."
    )


def _mount_entry(folder: Path, mounts: Path) -> tuple[str, str] | None:
    """Return (major:minor, file system) of the innermost mount that contains a folder."""
    resolved = folder.resolve()
    best: tuple[int, str, str] | None = None
    try:
        lines = mounts.read_text("utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        fields, _, rest = line.partition(" - ")
        parts, after = fields.split(" "), rest.split(" ")
        if len(parts) < 5 or not after[0]:
            continue
        point = Path(os.fsdecode(parts[4].encode().decode("unicode_escape").encode("latin-1")))
        if resolved.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), parts[2], after[0])
    return None if best is None else best[1:]


def _is_crypt(device: Path) -> bool:
    """Answer whether a block device is dm-crypt, or consists only of devices that are."""
    try:
        if (device / "dm" / "uuid").read_text().startswith("CRYPT-"):
            return True
    except OSError:
        pass
    try:
        below = list((device / "slaves").iterdir())
    except OSError:
        return False
    return bool(below) and all(_is_crypt(slave) for slave in below)
