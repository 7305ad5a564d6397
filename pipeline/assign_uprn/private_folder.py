"""Where clear addresses lie while they are looked up: a private folder beside the result, then gone.

Whatever protects the volume of the result protects it too. A process that was killed cannot clean up;
the next one does, for the kernel frees the lock that its folder was held by.
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
def private_folder(beside: Path) -> Iterator[Path]:
    """Lend a folder (0700) in the parent of `beside`; it is gone afterwards, whatever happened.

    Raises Fault where none can be made.
    """
    os.umask(0o077)
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(beside.parent)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside.parent))
    except OSError as error:
        raise Fault(
            "OUT_NOT_WRITABLE",
            f"The folder of --out cannot be written ({error.strerror}).",
            "Choose another with --out, or mend its owner, permissions or free space.",
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
            continue  # somebody's at work in it, or another user's
