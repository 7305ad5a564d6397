"""Finds the matcher's own Python environment, and checks that it was built from this version's lock file.

uk-address-matcher needs splink<5 and duckdb<2 and Hearth needs later versions, so the two cannot share an
environment. `make assign-uprn-environment` builds it from requirements.lock in this folder, and stores that
file's digest in it.
"""

import hashlib
import os
import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from governance.errors import Fault

#: Environment variable with the path of the matcher's environment, if it is not next to Hearth's own.
FOLDER_VARIABLE = "HEARTH_UPRN_ENVIRONMENT"
_DEFAULT_NAME = ".venv-uk-address-matcher"
_STAMP = "hearth-lock.sha256"
_BUILD = "Run `make assign-uprn-environment` to build it. Everything else in Hearth works without it."


@dataclass(frozen=True)
class MatcherEnvironment:
    """The matcher's environment. python: its interpreter. version: of uk-address-matcher, as locked."""

    python: Path
    version: str


def environment_folder() -> Path:
    """Return the folder of the environment, whether or not it exists."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else Path(sys.prefix).parent / _DEFAULT_NAME


def open_environment() -> MatcherEnvironment:
    """Return the environment; raises Fault if it is missing or was built from another lock file."""
    folder = environment_folder()
    python = folder / "bin" / "python"
    if not python.exists():
        raise Fault(
            "MATCHER_NOT_INSTALLED",
            "uk-address-matcher is not installed (it is optional), so no UPRNs were assigned: there is no "
            f"environment {folder.name}.",
            f"{_BUILD} If it is in another folder, set {FOLDER_VARIABLE} to that folder.",
        )
    lock = (files("pipeline.assign_uprn") / "requirements.lock").read_bytes()
    stamp = folder / _STAMP
    if not stamp.is_file() or stamp.read_text("utf-8").split()[:1] != [hashlib.sha256(lock).hexdigest()]:
        raise Fault(
            "MATCHER_OUT_OF_DATE",
            f"No UPRNs were assigned, because the environment {folder.name} was built for another version of "
            "Hearth.",
            _BUILD,
        )
    locked = re.search(rb"^uk-address-matcher==(\S+)", lock, re.MULTILINE)
    assert locked is not None  # noqa: S101 the lock ships with this file
    return MatcherEnvironment(python, locked.group(1).decode())
