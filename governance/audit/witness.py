"""Witnessing: the other controller's IG office countersigns that it has seen one history only.

No server: a request and its answer are small text files that travel by e-mail.

    request (C2SP tlog-witness)     old <size the witness last signed>
                                    <consistency proof, base64 lines>

                                    <the new checkpoint, a signed note>
    answer                          the same note, a line longer: the witness's cosignature

The witness keeps the last checkpoint it signed; whoever shortens, rewrites or forks the log cannot
give it a proof that the new one continues the old.
"""

import base64
import binascii
from datetime import datetime
from pathlib import Path

from governance.audit.folder import checkpoint_path, log_leaves, newest_checkpoint
from governance.audit.merkle import consistency_proof
from governance.audit.note import NoteSigner
from governance.audit.verify import (
    Checkpoint,
    Note,
    VerifierKey,
    consistency_holds,
    read_checkpoint,
    read_note,
)
from governance.errors import Fault, Refused
from schemas.storage.durable_write import write_durably


def cosign_request(folder: Path, old_size: int) -> bytes:
    """Return the request for a countersignature to the newest checkpoint.

    old_size: lines under the checkpoint that the witness signed last, 0 for its first.
    """
    checkpoint, _, note = newest_checkpoint(folder)
    if not 0 <= old_size <= checkpoint.size:
        raise Fault(
            "WITNESS_AHEAD",
            f"The witness signed {old_size} lines and the newest checkpoint covers {checkpoint.size}.",
            "Run `hearth audit verify`: lines seem to have been cut off since.",
        )
    proof = consistency_proof(log_leaves(folder)[: checkpoint.size], old_size)
    return b"\n".join([b"old %d" % old_size, *(base64.b64encode(step) for step in proof), b"", note])


def cosign(
    request: bytes, kept: bytes | None, log_key: VerifierKey, witness: NoteSigner, now: datetime
) -> bytes:
    """Return the countersigned checkpoint; keep it, for the next request is measured against it.

    kept: the checkpoint that this witness signed last, None the first time. log_key: the log's key,
    which the witness got from elsewhere than the request.

    Raises Refused where the checkpoint is not the log's, or does not continue the one that was kept.
    """
    note, note_bytes = _continued(request, kept, log_key)
    return note_bytes + witness.cosign(note.text, int(now.timestamp()))


def check_grown(request: bytes, kept: bytes | None, log_key: VerifierKey) -> tuple[int, Checkpoint]:
    """Return (lines of the checkpoint that was kept, the new checkpoint) where the log only grew since.

    request: as `cosign_request` makes it. Raises Refused where it did not, or the key is another's.
    """
    note, _ = _continued(request, kept, log_key)
    return (0 if kept is None else read_checkpoint(read_note(kept)).size), read_checkpoint(note)


def _continued(request: bytes, kept: bytes | None, log_key: VerifierKey) -> tuple[Note, bytes]:
    """Return the request's checkpoint as a note, and its bytes, where it continues the one that was kept."""
    head, _, note_bytes = request.partition(b"\n\n")
    try:
        rows = head.split(b"\n")
        word, _, digits = rows[0].partition(b" ")
        if word != b"old" or not digits.isdigit():
            raise ValueError("the request does not begin with the old size")  # noqa: TRY301
        proof = [base64.b64decode(row, validate=True) for row in rows[1:]]
        note = read_note(note_bytes)
        checkpoint = read_checkpoint(note)
        before = None if kept is None else read_note(kept)
        old = None if before is None else read_checkpoint(before)
    except (ValueError, binascii.Error) as error:
        raise Fault(
            "WITNESS_REQUEST_MALFORMED", f"The request cannot be read: {error}.", "Ask for it again."
        ) from None
    if not note.signed_by(log_key) or (old is not None and old.origin != checkpoint.origin):
        raise Refused(
            "CHECKPOINT_NOT_THE_LOGS",
            "The checkpoint is not signed by the key of the log that you witness.",
            "Do not sign. Ask the operator why the log's key or name changed.",
        )
    old_size, old_root = (0, b"") if old is None else (old.size, old.root)
    continues = old is None or (
        int(digits) == old_size
        and consistency_holds(old_size, old_root, checkpoint.size, checkpoint.root, proof)
    )
    if not continues:
        raise Refused(
            "HISTORY_DIFFERS",
            f"The new checkpoint ({checkpoint.size} lines) does not continue the one you kept "
            f"({old_size} lines).",
            "Do not sign. Either the request was made for another size, or the log was rewritten: ask.",
        )
    return note, note_bytes


def accept_cosignature(folder: Path, answer: bytes, witness_key: VerifierKey) -> int:
    """Put a witness's signature under the checkpoint that it is of; returns the lines it covers.

    Raises Refused where the signature does not hold or is of another history.
    """
    try:
        note = read_note(answer)
        checkpoint = read_checkpoint(note)
    except ValueError as error:
        raise Fault("ANSWER_MALFORMED", f"The answer cannot be read: {error}.", "Ask for it again.") from None
    path = checkpoint_path(folder, checkpoint.size)
    standing = path.read_bytes() if path.is_file() else b""
    if not standing.startswith(note.text + b"\n") or not note.signed_by(witness_key):
        raise Refused(
            "COSIGNATURE_REFUSED",
            "The answer does not carry this witness's signature under a checkpoint of this log.",
            "Check that the answer is to the newest request, and the witness's key.",
        )
    known = set(standing.split(b"\n"))
    lines = answer[len(note.text) + 1 :].splitlines()
    new = [
        line + b"\n"
        for line, signature in zip(lines, note.signatures, strict=True)
        if line not in known and Note(note.text, (signature,)).signed_by(witness_key)
    ]
    write_durably(path, standing + b"".join(new))
    return checkpoint.size
