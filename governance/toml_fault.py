"""Where a TOML file is wrong, without quoting the file."""

import re


def fault_place(error: Exception) -> str:
    """Return " (the fault is at line 3, column 7)", or "" where the parser names no place.

    The rest of the parser's message could quote the file.
    """
    found = re.search(r"\(at (line [0-9]+, column [0-9]+|end of document)\)", str(error))
    return f" (the fault is at {found[1]})" if found else ""
