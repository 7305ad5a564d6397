"""A short form of a public key that two people can compare by telephone."""

import base64
import hashlib


def fingerprint_of(public_key: str) -> str:
    """Return the first 80 bits of the SHA-256 of a base64 public key, in groups of four letters."""
    digest = hashlib.sha256(base64.b64decode(public_key)).digest()[:10]
    text = base64.b32encode(digest).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))
