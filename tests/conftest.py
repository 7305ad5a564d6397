"""What holds for every test: nothing is printed after pytest's closing line.

DuckDB's binding counts references at interpreter shutdown, a hundred lines that nobody can act on.
"""

import atexit
import os
import sys


@atexit.register
def _hush_teardown() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
