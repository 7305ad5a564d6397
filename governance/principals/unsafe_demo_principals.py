"""UnsafeDemoPrincipals: the sample agreement's office holders, whose private keys anyone can derive.

With them anyone can try signing, approving, waiving, disposing and witnessing on the sample project:

    python -m governance.principals.unsafe_demo_principals keys FOLDER      writes their keys
    python -m governance.principals.unsafe_demo_principals sign AGREEMENT   signs the sample agreement again

Their signatures prove nothing, so any agreement that is not a sample's is refused.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from governance.agreement.agreement import Agreement, read_agreement
from governance.agreement.signature import add_signature, signature_path, signed_text
from governance.errors import Refused
from governance.principals.statement import public_key_of

_SAMPLE = "SAMPLE-"
_SIGNATORIES = ("council-siro", "nhs-siro")
IDS = (
    *_SIGNATORIES,
    "council-keeper",
    "operator",
    "releaser",
    "council-analyst",
    "nhs-analyst",
    "nhs-ig-office",
    "council-supplier",
    "nhs-supplier",
)


def unsafe_demo_key(principal_id: str) -> Ed25519PrivateKey:
    """Return the key of a sample principal; it is derived from the name only, so it is no secret."""
    seed = hashlib.sha256(f"hearth unsafe demo principal|{principal_id}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def unsafe_demo_keys(agreement: Agreement, custody: str, production: bool) -> tuple[Ed25519PrivateKey, ...]:
    """Return the keys for a sample's run and release if no keys were given; none for any other project.

    A sample has a sample's agreement, in single-operator custody outside production.
    """
    if not agreement.id.startswith(_SAMPLE) or custody != "single-operator" or production:
        return ()
    return tuple(unsafe_demo_key(name) for name in ("operator", "releaser", "council-keeper"))


def write_unsafe_demo_keys(folder: Path) -> None:
    """Write the sample principals' keys (PEM, 0600), one file for each."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in IDS:
        pem = unsafe_demo_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = folder / f"UNSAFE-{name}.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)


def sign_sample_agreement(path: Path) -> None:
    """Sign a sample's agreement for both controllers; raises Refused for any other agreement."""
    agreement = read_agreement(path)
    if not agreement.id.startswith(_SAMPLE):
        raise Refused(
            "UNSAFE_SIGNATURE_FORBIDDEN",
            f"Agreement {agreement.id} is not a sample's, so demo keys may not sign it.",
            "Have the signatories sign it with their own keys: `hearth governance sign`.",
        )
    text = signed_text(agreement.id, agreement.version, agreement.digest)
    for name in _SIGNATORIES:
        add_signature(signature_path(path), text, name, unsafe_demo_key(name))


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    match list(arguments):
        case ["keys", folder]:
            write_unsafe_demo_keys(Path(folder))
        case ["sign", agreement]:
            sign_sample_agreement(Path(agreement))
        case ["show"]:
            for name in IDS:
                print(name, public_key_of(unsafe_demo_key(name)))
        case _:
            print(__doc__)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
