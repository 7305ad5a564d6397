"""Reading an audit folder: its lines, its newest checkpoint, and its other files.

Everything is read through `verify.read_regular`, so no reader waits for a pipe, follows a link out of the
folder, or reads a file without end.
"""

import re
import stat
from pathlib import Path
from typing import Any

from governance.audit.verify import (
    CHECKPOINTS,
    LARGEST_LOG,
    LARGEST_NOTE,
    LOG_NAME,
    Checkpoint,
    Note,
    entries_of,
    leaf_hash,
    read_checkpoint,
    read_event,
    read_note,
    read_regular,
)
from governance.errors import Fault, Refused

#: The largest certificate or timestamp that is read, in bytes.
LARGEST_CERTIFICATE = 16 << 20
_CHECKPOINT_NAME = re.compile(r"[0-9]{12}\.note")


def log_lines(folder: Path) -> list[bytes]:
    """Return the complete lines of the log; raises Fault if there is no log to read."""
    try:
        data = read_regular(folder / LOG_NAME, LARGEST_LOG)
    except OSError as error:
        raise Fault(
            "AUDIT_LOG_UNREADABLE",
            f"The audit log {folder.name}/{LOG_NAME} cannot be read ({error.strerror}).",
            "Name the `audit` folder of a workspace, or a copy of it.",
        ) from None
    whole = data.rpartition(b"\n")[0]
    return whole.split(b"\n") if whole else []


def log_event(line: bytes, number: int) -> dict[str, Any]:
    """Return the event in a line of the log; raises Refused if the line breaks the closed schema."""
    event, fault = read_event(line)
    if event is None:
        raise changed_log(f"entry {number} {fault}")
    return event


def changed_log(what: str) -> Refused:
    """Return the refusal of a log that is not as Hearth wrote it."""
    return Refused(
        "AUDIT_LOG_CHANGED",
        f"The audit log was changed outside Hearth: {what}.",
        "Run `hearth audit verify`, find out who changed the log, and restore it from its copy.",
    )


def regular_files(folder: Path, *suffixes: str) -> list[Path]:
    """Return the regular files with such a suffix in a folder, in order; none where there is no such folder.

    What else is there is left out; `hearth audit verify` reports it.
    """
    try:
        found = entries_of(folder)
    except OSError:
        return []
    return [path for path, mode in found if stat.S_ISREG(mode) and path.suffix in suffixes]


def log_leaves(folder: Path) -> list[bytes]:
    """Return the leaf hashes of the log's lines."""
    return [leaf_hash(line) for line in log_lines(folder)]


def checkpoint_path(folder: Path, size: int) -> Path:
    """Return the path of the checkpoint over the first `size` lines, whether or not it exists."""
    return folder / CHECKPOINTS / f"{size:012d}.note"


def newest_checkpoint(folder: Path) -> tuple[Checkpoint, Note, bytes]:
    """Return the newest checkpoint, its note, and the note's bytes; raises Fault if there is none."""
    named = [path for path in (folder / CHECKPOINTS).glob("*.note") if _CHECKPOINT_NAME.fullmatch(path.name)]
    for path in sorted(named, reverse=True):
        try:
            data = read_regular(path, LARGEST_NOTE)
            note = read_note(data)
            return read_checkpoint(note), note, data
        except (OSError, ValueError):
            raise Fault(
                "CHECKPOINT_MALFORMED",
                f"{path.name} is not a readable checkpoint.",
                "Run `hearth audit verify` on this folder and restore the file from its copy.",
            ) from None
    raise Fault(
        "NO_CHECKPOINT",
        "The audit log has not been signed yet.",
        "Run `hearth run`: every gate signs the log.",
    )
