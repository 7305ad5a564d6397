"""A hashing process: reads derived keys from its private pipe, then hashes the values sent to it.

It runs as a script in Python's isolated mode, so it imports nothing of the
project and inherits no connection, log or thread. Keys arrive only through the
anonymous pipe: never in arguments, environment or a file.

    greeting   u32 states, then for each: u16 length, kind, 32 bytes of key
request    u32 state, u32 values, (values + 1) int32 offsets, the values' bytes
reply      values * 32 bytes
"""

import struct
import sys
from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
from cryptography.hazmat.primitives import hashes, hmac

KEY_BYTES = 32


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until the pipe is closed."""
    states = _read_states(requests)
    while header := requests.read(8):
        state, count = struct.unpack("<II", header)
        offsets = requests.read(4 * (count + 1))
        data = requests.read(struct.unpack_from("<i", offsets, 4 * count)[0])
        values = pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
        replies.write(hash_values(states[state], values.to_pylist()))
        replies.flush()


def hash_values(state: hmac.HMAC, values: Sequence[bytes]) -> bytes:
    """Return the values' digests, 32 bytes each, end to end."""
    copy = state.copy
    digests: list[bytes] = []
    keep = digests.append
    for value in values:
        keyed = copy()
        keyed.update(value)
        keep(keyed.finalize())
    return b"".join(digests)


def _read_states(requests: BinaryIO) -> list[hmac.HMAC]:
    states = []
    (count,) = struct.unpack("<I", requests.read(4))
    for _ in range(count):
        (length,) = struct.unpack("<H", requests.read(2))
        name = requests.read(length)
        state = hmac.HMAC(requests.read(KEY_BYTES), hashes.SHA256())
        state.update(name + b"|")
        states.append(state)
    return states


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
