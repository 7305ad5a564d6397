"""Ctrl-C and a service manager's SIGTERM as an orderly end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flows.run.faults import Interrupted, StopRequest


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise Interrupted where the process is asked to stop, so that what is private is cleared away."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        StopRequest.was_made = True
        raise Interrupted

    StopRequest.was_made = False
    try:
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever owns the process handles its signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
