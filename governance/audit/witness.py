"""Witnessing: the other controller's IG office countersigns that the log has only grown.

No server is needed: a request and its answer are small text files that can be sent by e-mail.

    request (C2SP tlog-witness)     old <size the witness last signed>
                                    <consistency proof, base64 lines>

                                    <the new checkpoint, a signed note>
    answer                          the same note with one more line: the witness's cosignature

The witness keeps the last checkpoint it signed. If the log was shortened, rewritten or forked since
then, no valid proof exists that the new checkpoint continues the kept one.
"""

import base64
import binascii
from datetime import datetime
from pathlib import Path

from governance.audit.folder import checkpoint_path, log_leaves, newest_checkpoint
from governance.audit.merkle import consistency_proof
from governance.audit.note import NoteSigner
from governance.audit.verify import (
    LARGEST_NOTE,
    Checkpoint,
    Note,
    VerifierKey,
    consistency_holds,
    read_checkpoint,
    read_note,
    read_regular,
)
from governance.counted import counted
from governance.errors import Fault, Refused
from schemas.storage.durable_write import write_durably


def cosign_request(folder: Path, old_size: int) -> bytes:
    """Return the request for a countersignature of the newest checkpoint.

    old_size: number of lines that the witness signed last; 0 for its first signature.
    """
    checkpoint, _, note = newest_checkpoint(folder)
    if not 0 <= old_size <= checkpoint.size:
        raise Fault(
            "WITNESS_AHEAD",
            f"The witness has signed {counted(old_size, 'entry', 'entries')}, but the newest checkpoint "
            f"covers {checkpoint.size:,}.",
            "Check the number given with --old. If it is right, entries were removed from the log: run "
            "`hearth audit verify`.",
        )
    proof = consistency_proof(log_leaves(folder)[: checkpoint.size], old_size)
    return b"\n".join([b"old %d" % old_size, *(base64.b64encode(step) for step in proof), b"", note])


def cosign(
    request: bytes, kept: bytes | None, log_key: VerifierKey, witness: NoteSigner, now: datetime
) -> bytes:
    """Return the countersigned checkpoint; the witness keeps it to compare with the next request.

    kept: the checkpoint that this witness signed last, None the first time. log_key: the log's key,
    which the witness did not get from the request.

    Raises Refused if the checkpoint is not the log's or does not continue the kept one.
    """
    note, note_bytes = _continued(request, kept, log_key)
    return note_bytes + witness.cosign(note.text, int(now.timestamp()))


def check_grown(request: bytes, kept: bytes | None, log_key: VerifierKey) -> tuple[int, Checkpoint]:
    """Return (lines of the kept checkpoint, the new checkpoint) if the log only grew in between.

    request: from `cosign_request`. Raises Refused if the log was changed or the key does not match.
    """
    note, _ = _continued(request, kept, log_key)
    return (0 if kept is None else read_checkpoint(read_note(kept)).size), read_checkpoint(note)


def _continued(request: bytes, kept: bytes | None, log_key: VerifierKey) -> tuple[Note, bytes]:
    """Return the request's checkpoint as a note, and its bytes, if it continues the kept checkpoint."""
    head, _, note_bytes = request.partition(b"\n\n")
    try:
        rows = head.split(b"\n")
        word, _, digits = rows[0].partition(b" ")
        if word != b"old" or not digits.isdigit() or len(digits) > 16:
            raise ValueError("it does not start with the old size")  # noqa: TRY301
        proof = [base64.b64decode(row, validate=True) for row in rows[1:]]
        note = read_note(note_bytes)
        checkpoint = read_checkpoint(note)
        before = None if kept is None else read_note(kept)
        old = None if before is None else read_checkpoint(before)
    except (ValueError, binascii.Error) as error:
        raise Fault(
            "WITNESS_REQUEST_MALFORMED",
            f"The witness request cannot be read: {error}.",
            "Ask the operator to make it again with `hearth audit request`.",
        ) from None
    if not note.signed_by(log_key) or (old is not None and old.origin != checkpoint.origin):
        raise Refused(
            "CHECKPOINT_NOT_THE_LOGS",
            "The checkpoint is not signed with the key of the log that you witness.",
            "Do not sign it. Ask the operator why the log's key or name has changed.",
        )
    old_size, old_root = (0, b"") if old is None else (old.size, old.root)
    continues = old is None or (
        int(digits) == old_size
        and consistency_holds(old_size, old_root, checkpoint.size, checkpoint.root, proof)
    )
    if not continues:
        raise Refused(
            "HISTORY_DIFFERS",
            f"The new checkpoint ({counted(checkpoint.size, 'entry', 'entries')}) does not continue the one "
            f"you kept ({counted(old_size, 'entry', 'entries')}).",
            "Do not sign it. Ask the operator: either the request was made with a wrong --old, or the log "
            "was rewritten.",
        )
    return note, note_bytes


def accept_cosignature(folder: Path, answer: bytes, witness_key: VerifierKey) -> int:
    """Add a witness's signature to its checkpoint in the folder; returns the number of lines it covers.

    Raises Refused if the signature is invalid or is not of a checkpoint of this log.
    """
    try:
        note = read_note(answer)
        checkpoint = read_checkpoint(note)
    except ValueError as error:
        raise Fault(
            "ANSWER_MALFORMED",
            f"The witness's answer cannot be read: {error}.",
            "Ask the witness to send the file from `hearth audit cosign` again.",
        ) from None
    path = checkpoint_path(folder, checkpoint.size)
    try:
        present = read_regular(path, LARGEST_NOTE)
    except OSError:
        present = b""
    if not present.startswith(note.text + b"\n") or not note.signed_by(witness_key):
        raise Refused(
            "COSIGNATURE_REFUSED",
            "The answer has no valid signature of this witness on a checkpoint of this log.",
            "Check that the answer belongs to this log's newest request, and check the key given with "
            "--witness.",
        )
    known = set(present.split(b"\n"))
    lines = answer[len(note.text) + 1 :].splitlines()
    new = [
        line + b"\n"
        for line, signature in zip(lines, note.signatures, strict=True)
        if line not in known and Note(note.text, (signature,)).signed_by(witness_key)
    ]
    write_durably(path, present + b"".join(new))
    return checkpoint.size
