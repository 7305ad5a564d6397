"""The signed manifest of a transfer package: a closed list of fields in canonical JSON.

It has what routing and authenticity need; everything else is encrypted (see `contents.py`).

The signature is Ed25519 over `hearth-transfer/2`, a newline, and the manifest's bytes. The prefix ensures
that it is not valid as a signature of anything else.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.canonical import canonical_json
from governance.errors import Refused

FORMAT = "hearth-transfer/2"
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
TABLE_SUFFIX = ".parquet.age"
NO_PACKAGE_BEFORE = "0" * 64
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class PackagedFile:
    """One encrypted file of a package. bytes, sha256: of the file as it is sent."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The manifest of a transfer package.

    sequence: number of the package among those of its controller under this agreement, from 1, without gaps.
    previous: digest of the manifest of the package before it. created: time in UTC. key_id, check_values: of
    the linkage key. recipient: the linkage environment's age public key. signer: the controller's Ed25519
    public key, in hexadecimal. files: the contents and one file for each table.
    """

    agreement: str
    period: str
    controller: str
    sequence: int
    previous: str
    created: str
    key_id: str
    check_values: Mapping[str, str]
    recipient: str
    signer: str
    files: tuple[PackagedFile, ...]
    format: str = FORMAT

    def as_bytes(self) -> bytes:
        """Return the canonical JSON that is signed."""
        return canonical_json(asdict(self))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the packaged tables, in the order of their files."""
        return tuple(f.file.removesuffix(TABLE_SUFFIX) for f in self.files if f.file.endswith(TABLE_SUFFIX))

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest's bytes."""
        return hashlib.sha256(self.as_bytes()).hexdigest()

    @property
    def created_at(self) -> datetime:
        """The time at which the package was made."""
        return datetime.strptime(self.created, _TIME).replace(tzinfo=UTC)


def timestamp(moment: datetime) -> str:
    """Return a time as it is written in manifests: in UTC, with whole seconds."""
    return moment.astimezone(UTC).strftime(_TIME)


def sign_manifest(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return the 64 bytes of the controller's signature."""
    return key.sign(_signed(manifest))


def is_signed_by(manifest: bytes, signature: bytes, public_key: bytes) -> bool:
    """Answer whether the signature of the manifest was made with the key of `public_key` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _signed(manifest))
    except (InvalidSignature, ValueError):
        return False
    return True


def parse_manifest(content: bytes) -> Manifest:
    """Read a manifest whose signature has already been verified.

    Raises Refused if it is not canonical JSON, or has too many or too few fields, or one of the wrong type.
    """
    try:
        raw = json.loads(content)
        files = tuple(PackagedFile(**file) for file in raw.pop("files"))
        manifest = Manifest(files=files, **raw)
        sound = _is_sound(manifest) and manifest.as_bytes() == content
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise Refused(
            "PACKAGE_MANIFEST_INVALID",
            f"The package was not accepted: its manifest is signed, but it is not of format {FORMAT}.",
            "Install the same version of Hearth here and at the controller. Then have the controller make "
            "the package again with `hearth pseudonymise`.",
        )
    return manifest


def _is_sound(manifest: Manifest) -> bool:
    texts = [f.name for f in fields(Manifest) if f.type is str]
    _ = manifest.created_at
    return (
        manifest.format == FORMAT
        and all(isinstance(getattr(manifest, name), str) for name in texts)
        and _is_count(manifest.sequence)
        and manifest.sequence > 0
        and _DIGEST.fullmatch(manifest.previous) is not None
        and all(isinstance(v, str) for pair in manifest.check_values.items() for v in pair)
        and all(
            isinstance(f.file, str) and _is_count(f.bytes) and _DIGEST.fullmatch(f.sha256) is not None
            for f in manifest.files
        )
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _signed(manifest: bytes) -> bytes:
    return FORMAT.encode() + b"\n" + manifest
