"""Recognises errors that mean that disk or memory ran out.

The message of the engine is examined here and shown nowhere, because it can quote cells.
"""

import errno

from governance.errors import Fault

#: DuckDB limits its spill to the free space of the volume, and reports reaching that limit as out of memory.
_DISK_FULL_WORDS = ("no space left on device", "out of disk space", "max_temp_directory_size")


def exhaustion_fault(error: BaseException, stage: str) -> Fault | None:
    """Return the fault to raise if disk or memory ran out during a stage; None for any other error.

    stage: its name, used in the message.
    """
    if is_disk_full(error):
        return Fault(
            "DISK_FULL",
            f"The disk filled up during {stage}; nothing was published.",
            "Free space on the volume of the workspace, or choose another folder with --workspace. Then "
            "repeat the command.",
        )
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
        return Fault(
            "OUT_OF_MEMORY",
            f"The memory limit was reached during {stage}; nothing was published.",
            "Raise memory_limit or lower threads under [engine] in hearth.toml. Then repeat the command.",
        )
    return None


def is_disk_full(error: BaseException) -> bool:
    """Answer whether an exception, or one that caused it, means that no disk space is left."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(seen).lower() for words in _DISK_FULL_WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
