"""The verifier as one file that runs on any machine with Python 3.11 and `cryptography`."""

import io
import os
import zipfile
from importlib.resources import files
from pathlib import Path

#: The earliest time that a zip archive can store, so that the same source makes the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_verifier(path: Path) -> int:
    """Write `verify.py` as an executable zipapp (`python hearth-verify.pyz AUDIT_DIR`); returns its size."""
    source = files("governance.audit").joinpath("verify.py").read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(zipfile.ZipInfo("verify.py", _NO_TIME), source)
        bundle.writestr(
            zipfile.ZipInfo("__main__.py", _NO_TIME),
            "import sys\nimport verify\n\nsys.exit(verify.main())\n",
        )
    data = b"#!/usr/bin/env python3\n" + archive.getvalue()
    path.write_bytes(data)
    path.chmod(path.stat().st_mode | 0o111 & ~_umask())
    return len(data)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
