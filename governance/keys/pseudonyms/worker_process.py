"""A script in a separate process, fed through private pipes: no environment, no arguments.

It receives keys and clear values only through its standard input, and ends when that is closed.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: How long a process may take to end after its input is closed, before it is killed.
_PAUSE_SECONDS = 10


@contextmanager
def worker_process(script: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the script, provide its process, and end it afterwards."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    try:
        yield process
    finally:
        for pipe in pipes(process):
            try:
                pipe.close()
            except OSError:
                continue
        try:
            process.wait(_PAUSE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pipes(process: "subprocess.Popen[bytes]") -> tuple[Any, Any]:
    """Return where its requests are written and where its replies are read."""
    return process.stdin, process.stdout
