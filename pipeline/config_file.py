"""The text of a `hearth.toml`, read before anything else is: it takes no engine and no library of ours.

Command lines check the file here first, so that a wrong path is reported without delay.
"""

import tomllib
from pathlib import Path
from typing import Any

from governance.errors import Fault
from governance.toml_fault import fault_place


def read_config(path: Path) -> dict[str, Any]:
    """Return what the file contains; raises Fault where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Fault(
            "CONFIG_UNREADABLE",
            f"The configuration file {path} cannot be read ({error.strerror}), so nothing was started.",
            "Give the path of your hearth.toml with --config. `hearth init my-project` writes an example.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault(
            "CONFIG_SYNTAX",
            f"{path} is not valid TOML, so nothing was started{fault_place(error)}.",
            "Correct the file at that line, then repeat the command.",
        ) from None
