"""Stop a run cleanly on Ctrl-C and on a service manager's SIGTERM."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flows.run.reporting.faults import Interrupted, StopRequest


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise Interrupted on these signals, so that private data are deleted before the process ends."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        StopRequest.was_made = True
        raise Interrupted

    StopRequest.was_made = False
    try:
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: the main thread handles signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
