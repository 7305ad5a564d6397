"""Seconds and peak memory of one stage."""

import re
import time
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class StageMetrics:
    """Starts when created. Only Linux reports the peak memory of an interval; elsewhere it is None."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        try:
            _CLEAR.write_text("5")  # resets the kernel's high-water mark of this process
            self._memory = True
        except OSError:
            self._memory = False

    @property
    def seconds(self) -> float:
        """Wall seconds since the start, to the hundredth."""
        return round(time.perf_counter() - self._started, 2)

    @property
    def peak_memory_mib(self) -> int | None:
        """Largest resident memory since the start, in MiB."""
        if not self._memory:
            return None
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        return int(found.group(1)) // 1024 if found else None
