"""Makes a signed and encrypted package of a controller's pseudonymised tables, and puts it in the outbox.

The sequence number follows that of the last package sent, which is in the audit log. A package is renamed
into the outbox in one step, so it is never incomplete there.
"""

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.artefact import Evidence
from governance.canonical import digest_of_file
from governance.clearance import Cleared
from governance.errors import Refused
from governance.keys.providers.sealed_file import write_private_file
from governance.recorded_state import PACKAGE_SENT
from pipeline.context import RunContext
from pipeline.engine.tables import open_table
from pipeline.transfer.contents import CONTENTS_FILE, Contents, DeclaredTable, seal
from pipeline.transfer.declared_size import write_measured
from pipeline.transfer.manifest import (
    MANIFEST_FILE,
    NO_PACKAGE_BEFORE,
    SIGNATURE_FILE,
    TABLE_SUFFIX,
    Manifest,
    PackagedFile,
    is_signed_by,
    parse_manifest,
    sign_manifest,
    timestamp,
)
from schemas.storage.durable_write import rename_durably

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Sender:
    """The settings with which a controller sends packages.

    signing_key: of the controller. recipient: public key of the linkage environment. outbox: folder of
    packages.
    """

    signing_key: Ed25519PrivateKey = field(repr=False)
    recipient: "pyrage.x25519.Recipient"
    outbox: Path


@dataclass(frozen=True)
class Sent:
    """The last package sent. manifest: digest of its manifest. created: time in UTC, empty if none."""

    sequence: int = 0
    manifest: str = NO_PACKAGE_BEFORE
    created: str = ""


def send_package(
    pseudonymised: Cleared,
    evidence: Evidence,
    sender: Sender,
    context: RunContext,
    now: "Callable[[], datetime]" = lambda: datetime.now(UTC),
) -> Path:
    """Package one controller's cleared pseudonymised tables; returns the package's folder in the outbox.

    Raises Refused if the clock shows a time before that of the last package.
    """
    artefact = pseudonymised.artefact
    last = _last_sent(sender, artefact.part, context)
    created = timestamp(now())
    if created < last.created:
        raise Refused(
            "CLOCK_SET_BACK",
            f"The clock of this machine shows {created}, but package {last.sequence} was made later, at "
            f"{last.created}. No package was made.",
            f"Correct the clock, then repeat `hearth pseudonymise --controller {artefact.part}`.",
        )
    sender.outbox.mkdir(parents=True, exist_ok=True, mode=0o700)
    final = sender.outbox / _folder_name(artefact.part, last.sequence + 1)
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        declared = [
            _encrypt_table(artefact.path(table), table, sender, partial, context.spill)
            for table in sorted(evidence.facts["tables"])
        ]
        reference_date = context.project.reference_date.isoformat()
        contents = Contents(reference_date, tuple(declared), dict(evidence.facts))
        seal(contents.as_bytes(), sender.recipient, partial / CONTENTS_FILE)
        names = [CONTENTS_FILE, *(f"{table.table}{TABLE_SUFFIX}" for table in declared)]
        manifest = Manifest(
            agreement=context.agreement.id,
            period=context.agreement.period,
            controller=artefact.part,
            sequence=last.sequence + 1,
            previous=last.manifest,
            created=created,
            key_id=evidence.facts["key_id"],
            check_values=evidence.facts["check_values"],
            recipient=str(sender.recipient),
            signer=sender.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex(),
            files=tuple(_packaged(partial / name) for name in sorted(names)),
        )
        content = manifest.as_bytes()
        write_private_file(partial / MANIFEST_FILE, content)
        write_private_file(partial / SIGNATURE_FILE, sign_manifest(content, sender.signing_key))
        rename_durably(partial, final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _record(Sent(manifest.sequence, manifest.digest, created), artefact.part, context)
    return final


def _encrypt_table(path: Path, table: str, sender: Sender, folder: Path, spill: Path) -> DeclaredTable:
    """Write a table to the package, encrypted; returns its size."""
    plain = spill / f"{table}.parquet"
    try:
        with open_table(path) as reader:
            declared = write_measured(reader, plain, table)
        with plain.open("rb") as source, (folder / f"{table}{TABLE_SUFFIX}").open("wb") as target:
            pyrage.encrypt_io(source, target, [sender.recipient])
    finally:
        plain.unlink(missing_ok=True)
    return declared


def _packaged(path: Path) -> PackagedFile:
    return PackagedFile(path.name, path.stat().st_size, digest_of_file(path))


def _last_sent(sender: Sender, controller: str, context: RunContext) -> Sent:
    """Return the last package sent, including one in the outbox that a killed run did not record.

    That one counts only if this controller signed it and it follows the last one on record.
    """
    facts = context.recorded.last(PACKAGE_SENT, controller)
    last = Sent(facts["sequence"], facts["manifest"], facts["created"]) if facts else Sent()
    unrecorded = sender.outbox / _folder_name(controller, last.sequence + 1)
    public_key = sender.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    try:
        content = (unrecorded / MANIFEST_FILE).read_bytes()
        is_own = is_signed_by(content, (unrecorded / SIGNATURE_FILE).read_bytes(), public_key)
        manifest = parse_manifest(content) if is_own else None
    except FileNotFoundError:
        return last
    if manifest is None or (manifest.controller, manifest.sequence, manifest.previous) != (
        controller,
        last.sequence + 1,
        last.manifest,
    ):
        raise Refused(
            "PACKAGE_FORKED",
            f"The outbox contains a package {last.sequence + 1} of {controller} that does not follow the "
            "last package on record. No package was made.",
            f"Find out where {unrecorded.name} comes from and remove it, then repeat "
            f"`hearth pseudonymise --controller {controller}`.",
        )
    found = Sent(manifest.sequence, manifest.digest, manifest.created)
    _record(found, controller, context)
    return found


def _record(sent: Sent, controller: str, context: RunContext) -> None:
    context.recorded.record(PACKAGE_SENT, vars(sent), controller)


def _folder_name(controller: str, sequence: int) -> str:
    return f"{controller}-{sequence:06d}"
