"""The private folder for clear addresses while they are looked up. It is removed afterwards.

It is next to the result, on the same volume, so the two have the same protection. If a process is killed, the
next one removes its folder: the kernel has released the lock in it, which shows that it is no longer used.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.errors import Fault

_PREFIX = ".hearth-assign-uprn-"
_LOCK = "lock"


@contextmanager
def private_folder(result: Path) -> Iterator[Path]:
    """Make a folder (0700) next to `result`; it is removed when the block ends, also after an error.

    Raises Fault if it cannot be made.
    """
    os.umask(0o077)
    try:
        result.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(result.parent)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=result.parent))
    except OSError as error:
        raise Fault(
            "OUT_NOT_WRITABLE",
            f"The parent folder of --out cannot be written to ({error.strerror}), so nothing was done.",
            "Correct its owner, permissions or free space, or choose another folder with --out.",
        ) from None
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            with (folder / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:
            continue  # in use by another process, or another user's folder
