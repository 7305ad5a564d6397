"""Whether something stopped for lack of disk or memory: an engine's message is read here and told nowhere."""

import errno

from governance.errors import Fault

#: DuckDB bounds its spill by the free space of the volume, and calls reaching that bound out of memory.
_DISK_FULL_WORDS = ("no space left on device", "out of disk space", "max_temp_directory_size")


def exhaustion_fault(error: BaseException, stage: str) -> Fault | None:
    """Return the fault to tell where disk or memory ran out during a stage, None for any other error."""
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
    return None


def is_disk_full(error: BaseException) -> bool:
    """Answer whether an exception, or what caused it, means that no space is left."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(seen).lower() for words in _DISK_FULL_WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
