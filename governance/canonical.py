"""One way to turn facts into bytes, so that a digest means the same everywhere: RFC 8785 (JCS)."""

import hashlib
from pathlib import Path
from typing import Any

import rfc8785


def canonical_json(value: Any) -> bytes:
    """Return `value` as canonical JSON bytes.

    Raises ValueError on NaN, infinities, whole numbers beyond 2^53 - 1, lone surrogates, keys that are
    not text, and types that JSON does not have. The message never quotes the value.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.IntegerDomainError:
        raise ValueError(
            "a whole number beyond 2^53 - 1 has no exact form in JSON; write it as text"
        ) from None
    except rfc8785.FloatDomainError:
        raise ValueError("NaN and infinities are not JSON") from None
    except rfc8785.CanonicalizationError:
        raise ValueError("a key is not text, or a value has a type that JSON does not have") from None
    except UnicodeEncodeError:
        raise ValueError("text contains half a surrogate pair") from None


def digest_of(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, in hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal; memory stays flat."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
