"""Where DuckDB spills: it writes what does not fit in memory in clear, so the volume has to protect it.

tmpfs      memory; gone with the power
encrypted  a dm-crypt (LUKS) device, directly or under LVM and RAID
plain      anything else; what is deleted there can be recovered
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
    """Return how the volume that holds a folder protects what is written there.

    mounts, devices: where the kernel tells; only tests give others. What cannot be told is "plain".
    """
    entry = _mount_entry(folder, mounts)
    if entry is None:
        return "plain"
    device, file_system = entry
    if file_system in _MEMORY:
        return "tmpfs"
    return "encrypted" if _is_crypt(devices / device) else "plain"


def check_spill_volume(folder: Path, production: bool) -> str | None:
    """Return a warning where the spill would lie unprotected, None where it would not.

    Raises Refused in production.
    """
    if volume_of(folder) != "plain":
        return None
    if production:
        raise Refused(
            "SPILL_NOT_PROTECTED",
            "The workspace lies on a volume that is neither memory nor encrypted; DuckDB spills in clear.",
            "Put the workspace on tmpfs or a LUKS volume, or name one with --workspace.",
        )
    return (
        "WARNING: the workspace is on neither tmpfs nor an encrypted volume; while a run is under way what "
        "does not fit in memory lies there in clear. In production this would be refused."
    )


def _mount_entry(folder: Path, mounts: Path) -> tuple[str, str] | None:
    """Return (major:minor, file system) of the innermost mount that holds a folder."""
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
    """Answer whether a block device is dm-crypt, or lies wholly on devices that are."""
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
