"""Whatever goes wrong becomes an error that names no value.

Engines quote the offending cell in their messages, so of a foreign exception
only its type and the places it passed through are kept.
"""

import errno
import traceback
from pathlib import Path

from governance.errors import Fault, HearthError


class Interrupted(BaseException):
    """The operator or the service manager asked the run to stop."""


class StopRequest:
    """Whether this process was asked to stop: engines turn the interruption into errors of their own."""

    was_made = False


def as_hearth_error(error: BaseException, stage: str) -> HearthError:
    """Return `error` itself when it is ours, else a Fault that carries its type alone; a stop comes first."""
    if StopRequest.was_made or isinstance(error, KeyboardInterrupt | Interrupted):
        return Fault(
            "INTERRUPTED",
            f"The run was asked to stop during {stage}; nothing was published.",
            "Start it again: finished stages are not run twice.",
        )
    if isinstance(error, HearthError):
        return error
    if is_disk_full(error):
        return Fault(
            "DISK_FULL",
            f"The disk filled up during {stage}; nothing was published.",
            "Free space for the workspace (or move it with --workspace), then start the run again.",
        )
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
        return Fault(
            "OUT_OF_MEMORY",
            f"{stage} needed more memory than it may use.",
            "Raise [engine] memory_limit in hearth.toml, or lower [engine] threads.",
        )
    return Fault(
        "STAGE_FAULT",
        f"{stage} stopped on an unexpected {type(error).__name__}.",
        "The places it passed through are in the run's faults.log (without values); report it with them.",
    )


def is_disk_full(error: BaseException) -> bool:
    """Answer whether an exception, or what caused it, means that no space is left."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        text = str(seen)
        if "No space left on device" in text or "out of disk space" in text.lower():
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def write_places(error: BaseException, path: Path) -> None:
    """Append the type and the code places of an exception to a log, never its message."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{type(error).__module__}.{type(error).__name__}"]
    lines += [f"  {Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]
    try:
        with path.open("a") as log:
            log.write("\n".join(lines) + "\n")
    except OSError:
        return
