"""The text of an agreement, read before it is checked: it takes no library of ours.

Command lines check the file here first, so that a wrong path is reported without delay.
"""

import tomllib
from pathlib import Path
from typing import Any

from governance.errors import Fault


def read_agreement_file(path: Path) -> dict[str, Any]:
    """Return what the file contains; raises Fault where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Fault(
            "AGREEMENT_UNREADABLE",
            f"{path}: {error.strerror}.",
            "Name the agreement in hearth.toml; `hearth init` writes a commented one.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault("AGREEMENT_SYNTAX", f"{path} is not TOML: {error}.", "Mend it at that line.") from None
