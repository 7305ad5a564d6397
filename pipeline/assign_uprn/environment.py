"""The matcher's own environment: where it is, and that it is the one that was locked.

uk-address-matcher needs splink<5 and duckdb<2, Hearth the versions after those, so the two never
share an environment. It is built from requirements.lock beside this file, whose digest it is stamped with.
"""

import hashlib
import os
import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from governance.errors import Fault

#: Names another folder than the one beside Hearth's own environment.
FOLDER_VARIABLE = "HEARTH_UPRN_ENVIRONMENT"
_DEFAULT_NAME = ".venv-uk-address-matcher"
_STAMP = "hearth-lock.sha256"
_BUILD = "Build it with `make assign-uprn-environment`; everything else in Hearth works without it."


@dataclass(frozen=True)
class MatcherEnvironment:
    """python: its interpreter. version: of uk-address-matcher, as locked."""

    python: Path
    version: str


def environment_folder() -> Path:
    """Return where the environment is, or is to be."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else Path(sys.prefix).parent / _DEFAULT_NAME


def open_environment() -> MatcherEnvironment:
    """Return the environment; raises Fault where it is not installed, or of another lock."""
    folder = environment_folder()
    python = folder / "bin" / "python"
    if not python.exists():
        raise Fault(
            "MATCHER_NOT_INSTALLED",
            f"uk-address-matcher is not installed: there is no environment {folder.name} (it is optional).",
            f"{_BUILD} {FOLDER_VARIABLE} names one elsewhere.",
        )
    lock = (files("pipeline.assign_uprn") / "requirements.lock").read_bytes()
    stamp = folder / _STAMP
    if not stamp.is_file() or stamp.read_text("utf-8").split()[:1] != [hashlib.sha256(lock).hexdigest()]:
        raise Fault(
            "MATCHER_OUT_OF_DATE",
            f"The environment {folder.name} was not built from this version's requirements.lock.",
            _BUILD,
        )
    locked = re.search(rb"^uk-address-matcher==(\S+)", lock, re.MULTILINE)
    assert locked is not None  # noqa: S101 the lock ships with this file
    return MatcherEnvironment(python, locked.group(1).decode())
