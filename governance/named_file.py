"""Reads a small file that a person named on the command line: a proof, a request, a reply, a certificate."""

from pathlib import Path

from governance.audit.verify import read_regular
from governance.errors import Fault

#: More than any proof, request, reply or certificate. A proof contains one entry of the log, at most 4 MiB.
LARGEST_NAMED = 16 << 20


def read_named(path: Path, largest: int = LARGEST_NAMED) -> bytes:
    """Return a named file's bytes; a link is followed, because the person chose it.

    Raises Fault if it is no regular file, is larger than `largest` bytes, or cannot be read. It never waits.
    """
    try:
        return read_regular(path, largest, follow_links=True)
    except OSError as error:
        raise Fault(
            "NAMED_FILE_UNREADABLE",
            f"{path.name} cannot be used: it {_clause(error)}.",
            "Name the file as it was sent to you. Proofs, requests and answers are small files.",
        ) from None


def _clause(error: OSError) -> str:
    """Return what is wrong with the file, after "it"."""
    text = error.strerror or type(error).__name__
    return text if text.startswith("is ") else f"could not be opened ({text})"
