"""RFC 4648 base32 of fixed-length tokens, a column at a time."""

import numpy as np
import pyarrow as pa

_ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype=np.uint8)
_SHIFTS = np.arange(35, -1, -5, dtype=np.uint64)


def base32_text(tokens: bytes, token_bytes: int) -> pa.Array:
    """Return the tokens, which lie end to end in `tokens`, as text without padding.

    token_bytes: length of each; 20 bytes make 32 letters, 7 bytes make 12.
    """
    count = len(tokens) // token_bytes
    groups = -(-token_bytes // 5)
    padded = np.zeros((count, groups * 5), dtype=np.uint8)
    padded[:, :token_bytes] = np.frombuffer(tokens, dtype=np.uint8).reshape(count, token_bytes)
    fives = padded.reshape(-1, 5)
    packed = np.zeros(len(fives), dtype=np.uint64)
    for column in range(5):
        packed = (packed << np.uint64(8)) | fives[:, column]
    letters = _ALPHABET[((packed[:, None] >> _SHIFTS) & np.uint64(31)).astype(np.intp)]
    length = -(-token_bytes * 8 // 5)
    text = np.ascontiguousarray(letters.reshape(count, groups * 8)[:, :length])
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(length)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
