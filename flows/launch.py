"""What the `hearth` script starts: the command line in an isolated interpreter (`python -I`).

An isolated interpreter ignores PYTHONPATH and every other PYTHON* variable, the current folder and the
account's own site-packages, so none of them can change what a gate decides. Only the standard library is
imported here, because this interpreter ends immediately.
"""

import os
import sys


def main() -> None:
    """Start the command line, in place of this process unless the interpreter is isolated already."""
    if not sys.flags.isolated:
        os.execv(sys.executable, [sys.executable, "-I", "-m", "flows.cli", *sys.argv[1:]])  # noqa: S606
    from flows.cli import main as command_line

    command_line()
