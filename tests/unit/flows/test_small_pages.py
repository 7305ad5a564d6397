"""The names by which numpy and Arrow are asked for small pages are those that they listen to.

The kernel tells of each stretch of a process's memory whether large pages were asked for ("hg").
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import SMALL_PAGES

_PROGRAM = """
{held}
middle = held.{address} + (32 << 20)
inside = False
for line in open("/proc/self/smaps"):
    head = line.split()[0]
    if not head.endswith(":"):
        low, high = (int(end, 16) for end in head.split("-"))
        inside = low <= middle < high
    elif inside and head == "VmFlags:":
        print("hg" in line.split())
"""
_NUMPY = _PROGRAM.format(
    held="import numpy as np; held = np.ones(64 << 20, dtype=np.uint8)", address="ctypes.data"
)
_ARROW = _PROGRAM.format(held="import pyarrow as pa; held = pa.allocate_buffer(64 << 20)", address="address")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the kernel does not tell")
@pytest.mark.parametrize("program", [_NUMPY, _ARROW], ids=["numpy", "arrow"])
def test_no_large_pages_are_asked_for(program: str) -> None:
    def asks(**names: str) -> str:
        bare = {name: value for name, value in os.environ.items() if name not in SMALL_PAGES}
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=bare | names, capture_output=True, text=True, check=True
        ).stdout.strip()

    if asks() != "True":
        pytest.skip("it does not ask for large pages of itself")
    assert asks(**SMALL_PAGES) == "False"
