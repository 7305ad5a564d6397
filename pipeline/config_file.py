"""The text of a `hearth.toml`, read before anything else is: it takes no engine and no library of ours.

Command lines check the file here first, so that a wrong path is reported without delay.
"""

import tomllib
from pathlib import Path
from typing import Any

from governance.errors import Fault


def read_config(path: Path) -> dict[str, Any]:
    """Return what the file contains; raises Fault where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Fault(
            "CONFIG_UNREADABLE", f"{path}: {error.strerror}.", "Name a hearth.toml with --config."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault("CONFIG_SYNTAX", f"{path} is not TOML: {error}.", "Mend the file at that line.") from None
