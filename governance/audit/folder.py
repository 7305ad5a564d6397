"""Reading an audit folder: its lines and its newest checkpoint."""

from pathlib import Path

from governance.audit.verify import (
    CHECKPOINTS,
    LOG_NAME,
    Checkpoint,
    Note,
    leaf_hash,
    read_checkpoint,
    read_note,
)
from governance.errors import Fault


def log_lines(folder: Path) -> list[bytes]:
    """Return the complete lines of the log; raises Fault if there is no log to read."""
    try:
        data = (folder / LOG_NAME).read_bytes()
    except OSError as error:
        raise Fault(
            "AUDIT_LOG_UNREADABLE",
            f"The audit log {folder.name}/{LOG_NAME} cannot be read ({error.strerror}).",
            "Name the `audit` folder of a workspace, or a copy of it.",
        ) from None
    whole = data.rpartition(b"\n")[0]
    return whole.split(b"\n") if whole else []


def log_leaves(folder: Path) -> list[bytes]:
    """Return the leaf hashes of the log's lines."""
    return [leaf_hash(line) for line in log_lines(folder)]


def checkpoint_path(folder: Path, size: int) -> Path:
    """Return the path of the checkpoint over the first `size` lines, whether or not it exists."""
    return folder / CHECKPOINTS / f"{size:012d}.note"


def newest_checkpoint(folder: Path) -> tuple[Checkpoint, Note, bytes]:
    """Return the newest checkpoint, its note, and the note's bytes; raises Fault if there is none."""
    for path in sorted((folder / CHECKPOINTS).glob("*.note"), reverse=True):
        try:
            data = path.read_bytes()
            note = read_note(data)
            return read_checkpoint(note), note, data
        except ValueError:
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
