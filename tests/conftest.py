"""Settings of every test: no time limit on a generated example, nothing printed after pytest's last line."""

import atexit
import os
import sys

from hypothesis import settings

# How long an example takes depends on the machine; `hearth bench` measures speed.
settings.register_profile("hearth", deadline=None)
settings.load_profile("hearth")


@atexit.register
def _close_standard_error() -> None:
    """Leave out about a hundred lines that DuckDB's binding prints at interpreter shutdown."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
