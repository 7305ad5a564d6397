"""Which keys and clear files the linking process can open: the facts of LNK-01, found by testing access.

In the linkage environment there is no linkage key and nothing in the clear zone. In single-operator
custody the process can open both, and the rule decides whether that is allowed.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LINKAGE_KEYS = ("UNSAFE-demo.key", "linkage*.key")
_RECORDS = {"artefact.json", "disposed.json", "rights_requests.jsonl"}


def access_facts(workspace: Path, key_settings: Mapping[str, Any], project_folder: Path) -> dict[str, int]:
    """Count the clear tables and linkage keys that this process could open.

    key_settings: the [keys] table of hearth.toml. Returns `clear_files_in_reach`, `keys_in_reach`.
    """
    clear = [
        path
        for path in (workspace / "clear").glob("*/*/**/*")
        if path.name not in _RECORDS and "quarantine" not in path.parts and _can_open(path)
    ]
    keys = {
        path for pattern in _LINKAGE_KEYS for path in (workspace / "keys").rglob(pattern) if _can_open(path)
    }
    named = key_settings.get("path")
    if isinstance(named, str) and _can_open(path := project_folder / Path(named).expanduser()):
        keys.add(path)
    return {"clear_files_in_reach": len(clear), "keys_in_reach": len(keys)}


def _can_open(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)
