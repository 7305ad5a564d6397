"""Optional trusted time: an RFC 3161 time-stamp of a checkpoint, by an authority of the officer's choice.

    hearth audit timestamp request …    writes a query (.tsq); nothing is sent
    hearth audit timestamp accept …     stores the reply (.tsr) that answers it, next to the log

The stamped bytes are the checkpoint's text, so later countersignatures leave the stamp valid. A reply is
stored only where it grants the request and stamps these very bytes. The authority's signature is
verified where its root certificate is given; `openssl ts -verify` does the same.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from governance.audit.folder import checkpoint_path, newest_checkpoint
from governance.audit.verify import LARGEST_NOTE, read_note, read_regular
from governance.errors import Fault, Refused
from schemas.storage.durable_write import write_durably

TIMESTAMPS = "timestamps"
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_GRANTED = (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS)


@dataclass(frozen=True)
class Stamp:
    """What a reply states: the entries stamped, and when. verified: the authority's signature was checked."""

    size: int
    time: datetime
    verified: bool


def timestamp_request(folder: Path) -> tuple[bytes, bytes, int]:
    """Return (query in DER, text that is stamped, entries covered) for the newest checkpoint."""
    checkpoint, note, _ = newest_checkpoint(folder)
    builder = TimestampRequestBuilder().data(note.text).hash_algorithm(HashAlgorithm.SHA256)
    query = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    return query.as_bytes(), note.text, checkpoint.size


def accept_timestamp(folder: Path, reply: bytes, size: int, roots: Sequence[x509.Certificate] = ()) -> Stamp:
    """Store the reply next to the log. roots: the authority's root certificates, to verify its signature.

    Raises Refused unless the reply grants a stamp of the checkpoint over `size` entries, signed under one
    of `roots` where any is given; Fault where it is no reply or there is no such checkpoint.
    """
    path = checkpoint_path(folder, size)
    try:
        text = read_note(read_regular(path, LARGEST_NOTE)).text
    except (OSError, ValueError):
        raise Fault(
            "NO_CHECKPOINT",
            f"The log has no checkpoint over {size} entries.",
            "Give --size the number that `hearth audit timestamp request` printed.",
        ) from None
    response = _read(reply)
    stamped = response.tst_info.message_imprint
    if stamped.hash_algorithm != _SHA256 or stamped.message != hashlib.sha256(text).digest():
        raise Refused(
            "TIMESTAMP_OF_ANOTHER",
            "The reply stamps other bytes than this checkpoint's.",
            "Check which request it answers, then run `hearth audit verify`: the log may have been changed.",
        )
    if roots:
        _verify(response, text, roots)
    stored = folder / TIMESTAMPS / f"{size:012d}.tsr"
    stored.parent.mkdir(exist_ok=True, mode=0o700)
    write_durably(stored, reply)
    return Stamp(size, response.tst_info.gen_time, bool(roots))


def _read(reply: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(reply)
        status = PKIStatus(response.status)
        if status in _GRANTED:
            _ = response.tst_info  # raises ValueError where the reply has no readable token
    except ValueError:
        raise Fault(
            "TIMESTAMP_MALFORMED",
            "The file is not the reply of a time-stamp authority (RFC 3161).",
            "Send the query again, and give the file that the authority returns (.tsr).",
        ) from None
    if status not in _GRANTED:
        raise Refused(
            "TIMESTAMP_NOT_GRANTED",
            f"The authority did not grant the request (status {int(status)}, {status.name.lower()}).",
            "Ask the authority for the reason, or use another one.",
        )
    return response


def _verify(response: TimeStampResponse, text: bytes, roots: Sequence[x509.Certificate]) -> None:
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(response, text)
    except VerificationError:
        raise Refused(
            "TIMESTAMP_NOT_SIGNED",
            "The reply is not signed by an authority under the given root certificates.",
            "Check that --certificate names the root certificate of the authority that answered.",
        ) from None
