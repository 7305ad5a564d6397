"""Hashes UPRNs with given methods and returns the digests that are among the pseudonyms.

Large attacks start this file as a process of its own, in Python's isolated mode, as the hashing processes are
started. Keys and UPRNs are sent to it only through an anonymous pipe and are not stored. Small attacks use
the class `Guessing` in their own process. The protocol of the pipe:

    start     u32 number of keys, 32 bytes each; u32 number of pseudonyms, first 16 bytes of each digest
    request   u32 length, JSON list of methods; u32 number of UPRNs, u64 each
    reply     u64 number of hashes made; u32 number of pseudonyms recovered, 16 bytes each

A method is a JSON object: `digest`, a name in hashlib, "sha256d" (SHA-256 twice), "hmac" or "none" (the text
itself); `spelling`, a key of SPELLINGS; `before` and `after`, text around the UPRN, in hexadecimal; and for
"hmac" either `key`, in hexadecimal, or `key_number`, the position of a key in the start message.
"""

import hashlib
import json
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

PREFIX_BYTES = 16
_KEY_BYTES = 32
_BLOCK_BYTES = 64
_CHUNK = 32_768
_FILTER_BITS = 22
_FILTER = np.uint32((1 << _FILTER_BITS) - 1)

#: UPRN as a number -> the bytes that are hashed.
SPELLINGS: Mapping[str, Callable[[int], bytes]] = {
    "padded": lambda uprn: b"%012d" % uprn,
    "plain": lambda uprn: b"%d" % uprn,
    "little-endian": lambda uprn: uprn.to_bytes(8, "little"),
    "big-endian": lambda uprn: uprn.to_bytes(8, "big"),
    "UTF-16": lambda uprn: str(uprn).encode("utf-16-le"),
}


class Guessing:
    """Compares guesses with the pseudonyms that are attacked.

    targets: the first 16 bytes of each pseudonym's digest, joined. keys: those that methods use by number.
    """

    def __init__(self, targets: bytes, keys: Sequence[bytes] = ()) -> None:
        self._keys = keys
        starts = np.unique(np.frombuffer(targets, dtype=np.uint64).reshape(-1, 2), axis=0)
        self._first, self._second = starts[:, 0].copy(), starts[:, 1].copy()
        self._may_match = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
        self._may_match[starts.view(np.uint32)[:, 0] & _FILTER] = True

    def recovered(self, methods: Sequence[Mapping[str, Any]], uprns: Sequence[int]) -> set[bytes]:
        """Return the first 16 bytes of each pseudonym that one of the methods makes from one of the UPRNs."""
        found: set[bytes] = set()
        for start in range(0, len(uprns), _CHUNK):
            numbers = uprns[start : start + _CHUNK]
            spelled = {
                spelling: [SPELLINGS[spelling](uprn) for uprn in numbers]
                for spelling in {method["spelling"] for method in methods}
            }
            for method in methods:
                found |= self._matches(_digests(method, spelled[method["spelling"]], self._keys))
        return found

    def _matches(self, digests: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]") -> set[bytes]:
        words = np.ascontiguousarray(digests[:, :4]).view(np.uint32)[:, 0]
        candidates = np.flatnonzero(self._may_match[words & _FILTER])
        if not len(candidates) or not len(self._first):
            return set()
        starts = np.ascontiguousarray(digests[candidates, :PREFIX_BYTES]).view(np.uint64)
        nearest = np.searchsorted(self._first, starts[:, 0]).clip(max=len(self._first) - 1)
        same = (self._first[nearest] == starts[:, 0]) & (self._second[nearest] == starts[:, 1])
        return {row.tobytes() for row in starts[same]}


def _digests(
    method: Mapping[str, Any], texts: Sequence[bytes], keys: Sequence[bytes]
) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    """Return an array with one row per text: at least 16 bytes of its digest."""
    before, after = bytes.fromhex(method["before"]), bytes.fromhex(method["after"])
    name = method["digest"]
    if name == "none":
        digests = [(before + text + after)[:PREFIX_BYTES].ljust(PREFIX_BYTES, b"\0") for text in texts]
    elif name == "hmac":
        number = method["key_number"]
        key = bytes.fromhex(method["key"]) if number is None else keys[number]
        digests = _hmac_digests(key, [before + text + after for text in texts])
    elif name == "sha256d":
        digests = [hashlib.sha256(hashlib.sha256(before + t + after).digest()).digest() for t in texts]
    else:
        algorithm: Callable[[bytes], Any] = getattr(hashlib, name)
        digests = [algorithm(before + text + after).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(len(texts), -1)


def _hmac_digests(key: bytes, messages: Sequence[bytes]) -> list[bytes]:
    """Return the HMAC-SHA-256 of each message, as defined in RFC 2104; twice as fast as the library."""
    sha256 = hashlib.sha256
    block = (sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return [sha256(outer + sha256(inner + message).digest()).digest() for message in messages]


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Read the start message, then answer requests until the pipe is closed."""
    keys = [requests.read(_KEY_BYTES) for _ in range(_number(requests))]
    guessing = Guessing(requests.read(PREFIX_BYTES * _number(requests)), keys)
    while header := requests.read(4):
        methods = json.loads(requests.read(struct.unpack("<I", header)[0]))
        uprns = np.frombuffer(requests.read(8 * _number(requests)), dtype=np.uint64).tolist()
        found = guessing.recovered(methods, uprns)
        replies.write(struct.pack("<QI", len(methods) * len(uprns), len(found)) + b"".join(sorted(found)))
        replies.flush()


def _number(stream: BinaryIO) -> int:
    number: int = struct.unpack("<I", stream.read(4))[0]
    return number


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
