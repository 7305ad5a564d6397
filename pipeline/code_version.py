"""The version of the code, as a digest of every file that can change a result.

It is part of every stage's fingerprint, so a changed file makes the stages run again.
"""

import hashlib
from functools import cache
from pathlib import Path

_PACKAGES = ("schemas", "governance", "pipeline")
_SUFFIXES = {".py", ".sql", ".yaml", ".csv", ".json", ".toml"}


@cache
def code_version() -> str:
    """Return the SHA-256 over the names and bytes of the packages' source and data files, as hexadecimal."""
    root = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file():
                total.update(path.relative_to(root).as_posix().encode() + b"\0")
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
