"""Optional trusted time: an RFC 3161 time-stamp of a checkpoint, by an authority of the officer's choice.

    hearth audit timestamp request …    writes a query (.tsq); nothing is sent
    hearth audit timestamp accept …     keeps the reply (.tsr) that answers it, beside the log

The stamped bytes are the checkpoint's text, so later countersignatures leave the stamp valid. Here it
is checked that the reply grants the request and stamps these very bytes; the authority's signature is
checked with its certificate by `openssl ts -verify -data checkpoint.txt -in reply.tsr -CAfile tsa.pem`.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from governance.audit.folder import checkpoint_path, newest_checkpoint
from governance.audit.verify import read_note
from governance.errors import Fault, Refused

TIMESTAMPS = "timestamps"
_INTEGER, _OCTETS, _NULL, _OID, _SEQUENCE, _TIME = 0x02, 0x04, 0x05, 0x06, 0x30, 0x18
_SHA256 = bytes.fromhex("608648016503040201")
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")


@dataclass(frozen=True)
class Stamp:
    """What a reply states: the lines stamped, and when."""

    size: int
    time: datetime


def timestamp_request(folder: Path) -> tuple[bytes, bytes, int]:
    """Return (query in DER, the checkpoint's text it is about, lines covered) for the newest checkpoint."""
    checkpoint, note, _ = newest_checkpoint(folder)
    imprint = _imprint(note.text)
    nonce = _encode(_INTEGER, b"\x01" + secrets.token_bytes(8))
    query = _encode(_SEQUENCE, _encode(_INTEGER, b"\x01") + imprint + nonce + b"\x01\x01\xff")
    return query, note.text, checkpoint.size


def accept_timestamp(folder: Path, reply: bytes, size: int) -> Stamp:
    """Keep the reply beside the log; raises Refused unless it grants a stamp of the checkpoint at `size`."""
    path = checkpoint_path(folder, size)
    if not path.is_file():
        raise Fault("NO_CHECKPOINT", f"There is no checkpoint over {size} lines.", "Name the one requested.")
    imprint, time = _read_reply(reply)
    if imprint != _imprint(read_note(path.read_bytes()).text):
        raise Refused(
            "TIMESTAMP_OF_ANOTHER",
            "The reply stamps other bytes than this checkpoint's.",
            "Check which request it answers; lines may have been changed since.",
        )
    kept = folder / TIMESTAMPS / f"{size:012d}.tsr"
    kept.parent.mkdir(exist_ok=True, mode=0o700)
    kept.write_bytes(reply)
    return Stamp(size, time)


def _imprint(text: bytes) -> bytes:
    algorithm = _encode(_SEQUENCE, _encode(_OID, _SHA256) + _encode(_NULL, b""))
    return _encode(_SEQUENCE, algorithm + _encode(_OCTETS, hashlib.sha256(text).digest()))


def _read_reply(reply: bytes) -> tuple[bytes, datetime]:
    """Return the message imprint (DER) and time of a TimeStampResp (RFC 3161, 2.4.2)."""
    try:
        status, *token = _items(_content(reply, _SEQUENCE))
        granted = int.from_bytes(_content(_items(_content(status, _SEQUENCE))[0], _INTEGER), "big")
        if granted > 1 or len(token) != 1:
            raise Refused(
                "TIMESTAMP_NOT_GRANTED",
                f"The authority answered status {granted}.",
                "Ask it why, or another.",
            )
        kind, signed = _items(_content(token[0], _SEQUENCE))
        encapsulated = _items(_content(_content(signed, 0xA0), _SEQUENCE))[2]
        content_kind, content = _items(_content(encapsulated, _SEQUENCE))
        if _content(kind, _OID) != _SIGNED_DATA or _content(content_kind, _OID) != _TST_INFO:
            raise ValueError("not a time-stamp token")  # noqa: TRY301
        info = _items(_content(_content(_content(content, 0xA0), _OCTETS), _SEQUENCE))
        text = _content(info[4], _TIME).decode("ascii").split(".")[0].rstrip("Z")
        return info[2], datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except (ValueError, IndexError):
        raise Fault(
            "TIMESTAMP_MALFORMED", "The reply is not an RFC 3161 time-stamp.", "Ask the authority again."
        ) from None


def _encode(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _split(data: bytes) -> tuple[int, bytes, bytes, bytes]:
    """Return (tag, content, the whole item, the rest) of the first DER item."""
    if len(data) < 2:
        raise ValueError("too short")
    start, length = 2, data[1]
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or len(data) < 2 + count:
            raise ValueError("length")
        start, length = 2 + count, int.from_bytes(data[2 : 2 + count], "big")
    end = start + length
    if len(data) < end:
        raise ValueError("too short")
    return data[0], data[start:end], data[:end], data[end:]


def _content(item: bytes, tag: int) -> bytes:
    found, content, _, rest = _split(item)
    if found != tag or rest:
        raise ValueError("another kind of item")
    return content


def _items(content: bytes) -> list[bytes]:
    items = []
    while content:
        _, _, item, content = _split(content)
        items.append(item)
    return items
