"""Which linkage keys and clear tables the linking process could open: the facts of LNK-01.

The linkage environment has no linkage key and no table in clear. Where one operator has everything,
both can be opened, and the rule decides whether that is allowed. A key is recognised by its content,
because a key file can have any name. Every file of the configured folders is examined that is
small enough to be a key.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from governance.keys.providers.sealed_file import FORMAT, MAXIMUM_FILE_BYTES
from schemas.storage.artefact_record import DISPOSED, RECORD
from schemas.storage.zones import CLEAR, QUARANTINE

_RECORDS = {RECORD, DISPOSED, "rights_requests.jsonl"}
#: Prefix of the agreement in the header of an outer key, which the linkage environment has to have.
OUTER = "outer/"
#: More small files than this in one folder are not examined; what was left out is a fact.
_MOST_FILES = 50_000
#: Files that this process has read: path -> what identifies the content, and whether it is a linkage key.
_read: dict[Path, tuple[tuple[int, ...], bool]] = {}


def access_facts(workspace: Path, folders: Mapping[str, Path]) -> dict[str, Any]:
    """Examine the workspace and the configured folders; returns facts without a path or a file's name.

    folders: what a folder is for ("project", "inbox", …) -> the folder, or one file. Facts:
    `clear_files_in_reach` and `keys_in_reach` (numbers), `examined` (files examined, by what their
    folder is for), `not_examined` (files beyond the limit).
    """
    keys: set[Path] = set()
    examined: dict[str, int] = {}
    left_out = 0
    for purpose, folder in {"workspace": workspace, **folders}.items():
        count = 0
        for path in _small_files(folder):
            if count >= _MOST_FILES:
                left_out += 1
                continue
            count += 1
            if _is_known_key(path):
                keys.add(path.resolve())
        examined[purpose] = count
    clear = [
        path
        for path in (workspace / CLEAR).glob("*/*/**/*")
        if path.name not in _RECORDS and QUARANTINE not in path.parts and _can_open(path)
    ]
    return {
        "clear_files_in_reach": len(clear),
        "keys_in_reach": len(keys),
        "examined": examined,
        "not_examined": left_out,
    }


def _is_known_key(path: Path) -> bool:
    """Answer whether a file is a linkage key; it is read again only if it changed since this process read it.

    A run examines twice, when it plans and when it links, because a key can be put there in between.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if (known := _read.get(path)) is None or known[0] != identity:
        known = _read[path] = (identity, is_linkage_key(path))
    return known[1]


def is_linkage_key(path: Path) -> bool:
    """Answer whether a file is a sealed linkage key of Hearth's, whatever its name."""
    try:
        content = path.read_bytes()
        start = content.find(b'{"')
        if not (0 <= start < 8 and FORMAT.encode() in content):
            return False
        header = json.loads(content[start:])["header"]
        return header.get("format") == FORMAT and not str(header.get("agreement", "")).startswith(OUTER)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _small_files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if _can_open(path) and path.stat().st_size <= MAXIMUM_FILE_BYTES:
                yield path


def _can_open(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)
