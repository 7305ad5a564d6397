"""Files and folders that are whole or absent after a crash.

The bytes go to a temporary file in the same folder and are flushed to the disk. Then one rename puts
the file in place and the folder is flushed too (POSIX rename(2), fsync(2)).
"""

import os
from pathlib import Path


def write_durably(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a private file (mode 0600).

    Raises FileExistsError where the file exists and `replace` is False, OSError where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.partial")
    # A killed process can leave this name as a second link to `path` itself, so it is never written through.
    if not temporary.is_symlink():
        temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def rename_durably(source: Path, target: Path) -> None:
    """Put a file or folder, whose content is complete, in the place of `target` by one rename."""
    sync(source)
    source.replace(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
