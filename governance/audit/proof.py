"""Proof that one line is in the log: a short text that can be checked years later (C2SP tlog-proof).

c2sp.org/tlog-proof@v1
extra <the line, base64>
index <its number>
<hashes, base64>

<the checkpoint, a signed note>
"""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

from governance.audit.folder import log_lines, newest_checkpoint
from governance.audit.merkle import inclusion_proof
from governance.audit.verify import (
    Checkpoint,
    VerifierKey,
    inclusion_holds,
    leaf_hash,
    read_checkpoint,
    read_event,
    read_note,
)
from governance.counted import counted
from governance.errors import Fault

_HEADER = b"c2sp.org/tlog-proof@v1"


def prove_line(folder: Path, number: int) -> bytes:
    """Return the proof that the newest checkpoint covers line `number`; raises Fault if it does not."""
    checkpoint, _, note = newest_checkpoint(folder)
    lines = log_lines(folder)[: checkpoint.size]
    if not 0 <= number < len(lines):
        raise Fault(
            "LINE_NOT_SIGNED",
            f"Entry {number} is not signed yet: the newest checkpoint covers "
            f"{counted(checkpoint.size, 'entry', 'entries')}, numbered from 0.",
            "Give a lower number, or run `hearth audit prove` again once a run has signed the log.",
        )
    path = inclusion_proof([leaf_hash(line) for line in lines], number)
    head = [_HEADER, b"extra " + base64.b64encode(lines[number]), b"index %d" % number]
    return b"\n".join([*head, *(base64.b64encode(step) for step in path), b"", note])


def check_proof(proof: bytes, keys: Sequence[VerifierKey]) -> tuple[bytes, int, Checkpoint]:
    """Return (line, its number, checkpoint) if the proof is valid under one of the log's keys.

    Raises ValueError with the reason otherwise.
    """
    head, _, note_bytes = proof.partition(b"\n\n")
    rows = head.split(b"\n")
    if len(rows) < 3 or rows[0] != _HEADER or not rows[1].startswith(b"extra "):
        raise ValueError("this is not a proof of an entry")
    word, _, digits = rows[2].partition(b" ")
    if word != b"index" or not digits.isdigit() or len(digits) > 16:
        raise ValueError("the proof has no entry number")
    try:
        line = base64.b64decode(rows[1].removeprefix(b"extra "), validate=True)
        path = [base64.b64decode(row, validate=True) for row in rows[3:]]
    except binascii.Error:
        raise ValueError("the proof is not base64") from None
    note = read_note(note_bytes)
    checkpoint = read_checkpoint(note)
    if not any(note.signed_by(key) for key in keys):
        raise ValueError("its checkpoint is not signed by a known key of this log")
    if not inclusion_holds(leaf_hash(line), int(digits), checkpoint.size, path, checkpoint.root):
        raise ValueError("the entry is not in the log that was signed")
    if fault := read_event(line)[1]:
        raise ValueError(f"the entry {fault}")
    return line, int(digits), checkpoint
