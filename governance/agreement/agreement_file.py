"""The text of an agreement, read before it is checked: it takes no library of ours.

Command lines check the file here first, so that a wrong path is reported without delay.
"""

import tomllib
from pathlib import Path
from typing import Any

from governance.errors import Fault
from governance.toml_fault import fault_place


def read_agreement_file(path: Path) -> dict[str, Any]:
    """Return what the file contains; raises Fault where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Fault(
            "AGREEMENT_UNREADABLE",
            f"The agreement {path} cannot be read ({error.strerror}).",
            "Set `agreement` under [project] in hearth.toml to the file's path. `hearth init` writes a "
            "template.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault(
            "AGREEMENT_SYNTAX",
            f"The agreement {path} is not valid TOML{fault_place(error)}.",
            "Correct the file at that line, then run `hearth governance check`.",
        ) from None
