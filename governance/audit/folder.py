"""Reading an audit folder: its lines, and the newest checkpoint that covers one of them."""

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
    """Return the whole lines of the log, a half-written last one left out; raises Fault if there is none."""
    try:
        data = (folder / LOG_NAME).read_bytes()
    except OSError as error:
        raise Fault(
            "AUDIT_LOG_UNREADABLE",
            f"{folder.name}/{LOG_NAME}: {error.strerror}.",
            "Name the audit folder of a workspace, or a copy of it.",
        ) from None
    whole = data.rpartition(b"\n")[0]
    return whole.split(b"\n") if whole else []


def log_leaves(folder: Path) -> list[bytes]:
    """Return the leaf hashes of the log's lines."""
    return [leaf_hash(line) for line in log_lines(folder)]


def checkpoint_path(folder: Path, size: int) -> Path:
    """Return where the checkpoint over the first `size` lines stands, or would stand."""
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
                f"{path.name} is not a checkpoint.",
                "Run `hearth audit verify` on this folder.",
            ) from None
    raise Fault(
        "NO_CHECKPOINT",
        "The log has no signed checkpoint yet.",
        "Let a run reach its first gate, which signs the log.",
    )
