"""Match tokens as whole numbers, a column at a time: a few bytes of a digest, used only to compare."""

import numpy as np
import pyarrow as pa

from governance.keys.pseudonyms.base32 import DIGEST_BYTES, base32_letters
from governance.keys.pseudonyms.derivation import TOKEN_BYTES

#: Tokens range from 0 to this number, so they fit into a signed 64-bit number.
LARGEST_TOKEN = 2 ** (8 * TOKEN_BYTES) - 1

_WORD_BYTES = 8


def token_numbers(digests: bytes) -> pa.Array:
    """Return the first bytes of each digest (32 bytes each, end to end) as whole numbers."""
    words = np.frombuffer(digests, dtype=">u8")[:: DIGEST_BYTES // _WORD_BYTES]
    return pa.array((words >> np.uint64(8 * (_WORD_BYTES - TOKEN_BYTES))).astype(np.int64))


def token_text(tokens: pa.Array) -> pa.Array:
    """Return tokens (none null) as the base32 text of their bytes, the input of another layer."""
    words = tokens.to_numpy().astype(">i8").view(np.uint8).reshape(-1, _WORD_BYTES)
    return base32_letters(words[:, _WORD_BYTES - TOKEN_BYTES :])
