"""RFC 4648 base32 of fixed-length tokens, a column at a time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype=np.uint8)
#: The two letters of each 10-bit number, adjacent in memory.
_PAIRS = np.stack([np.repeat(_LETTERS, 32), np.tile(_LETTERS, 32)], axis=1).reshape(-1).view(np.uint16)
#: The five bits of each letter.
_VALUES = np.zeros(256, dtype=np.uint8)
_VALUES[_LETTERS] = np.arange(32)

DIGEST_BYTES = 32


def base32_text(digests: bytes, token_bytes: int) -> pa.Array:
    """Return the first `token_bytes` of each digest as text without padding.

    digests: 32 bytes each, end to end. token_bytes: 20 make 32 letters, 7 make 12.
    """
    rows = np.frombuffer(digests, dtype=np.uint8).reshape(len(digests) // DIGEST_BYTES, DIGEST_BYTES)
    return base32_letters(rows[:, :token_bytes])


def base32_letters(rows: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]") -> pa.Array:
    """Return each row of bytes as text without padding."""
    count, token_bytes = rows.shape
    fives = -(-token_bytes // 5)
    padded = np.pad(rows, ((0, 0), (0, fives * 5 - token_bytes))) if token_bytes % 5 else rows
    a, b, c, d, e = padded.reshape(-1, 5).T.astype(np.uint16, order="C")
    letters = np.empty((len(a), 4), dtype=np.uint16)
    letters[:, 0] = _PAIRS.take((a << 2) | (b >> 6))
    letters[:, 1] = _PAIRS.take(((b & 63) << 4) | (c >> 4))
    letters[:, 2] = _PAIRS.take(((c & 15) << 6) | (d >> 2))
    letters[:, 3] = _PAIRS.take(((d & 3) << 8) | e)
    length = -(-token_bytes * 8 // 5)
    text = np.ascontiguousarray(letters.view(np.uint8).reshape(count, fives * 8)[:, :length])
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(length)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def is_base32(texts: pa.Array) -> pa.Array:
    """Return for each text whether it is a complete pseudonym: 32 letters of the base32 alphabet."""
    return pc.match_substring_regex(texts, "^[A-Z2-7]{32}$")


def start_of_base32(texts: pa.Array, token_bytes: int) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    """Return the first `token_bytes` (at most 20) encoded in each pseudonym, one row each."""
    letters = np.frombuffer("".join(texts.to_pylist()).encode(), dtype=np.uint8).reshape(len(texts), 32)
    bits = np.unpackbits(_VALUES[letters][:, :, None], axis=2)[:, :, 3:]
    return np.packbits(bits.reshape(len(texts), 160), axis=1)[:, :token_bytes]
