"""A script of its own beside this process, fed through private pipes: no environment, no arguments.

Keys and clear values reach it through its standard input alone; it ends when that is closed.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: How long a process may take to notice that its input has ended, before it is killed.
_PAUSE_SECONDS = 10


@contextmanager
def worker_process(script: Path) -> Iterator[tuple[Any, Any]]:
    """Start the script; lends the pipe of its requests and that of its replies, and ends it."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    pipes: tuple[Any, Any] = process.stdin, process.stdout
    try:
        yield pipes
    finally:
        for pipe in pipes:
            try:
                pipe.close()
            except OSError:
                continue
        try:
            process.wait(_PAUSE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
