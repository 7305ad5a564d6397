"""Receives packages in the linkage environment: accepts them from the inbox, and writes pseudonymised tables.

`verification.py` decides whether a package is accepted. Which package was accepted last is in the audit log
and nowhere else: no file can be deleted or replaced so that an older package is accepted again. An accepted
package is kept as it was received, encrypted, until the next one is accepted. Each run decrypts it, hashes
every pseudonym with the project's outer key, and writes the tables that are linked. The linkage key is never
in this environment.

Facts of the evidence: those that the controller signed (see `pipeline/pseudonymise/stage.py`), with
`custody`, `outer_key_id` and `outer_check_value` of this environment, and

    package   {sequence, manifest, signer, created}
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyrage

from governance.artefact import Artefact, Evidence
from governance.canonical import canonical_json
from governance.counted import counted
from governance.errors import Fault, Refused
from governance.keys.providers.provider import KeyProvider
from governance.keys.providers.sealed_file import write_private_file
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from governance.recorded_state import PACKAGE_ADMITTED
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import create_table, write_query
from pipeline.printable import shown_file
from pipeline.pseudonymise.streaming import hashed_batches, hashed_schema
from pipeline.pseudonymise.tables import UPRN, PseudonymisedTable, tables_of
from pipeline.transfer.contents import Contents, open_contents
from pipeline.transfer.declared_size import open_declared
from pipeline.transfer.identities import public_key_bytes, read_identity
from pipeline.transfer.manifest import MANIFEST_FILE, TABLE_SUFFIX, Manifest, parse_manifest
from pipeline.transfer.received_table import check_table
from pipeline.transfer.settings import TransferSettings, missing
from pipeline.transfer.verification import Expected, Received, check_files, check_folder, verify_package
from schemas.storage.durable_write import rename_durably

if TYPE_CHECKING:
    from collections.abc import Callable

STAGE = "pseudonymise"
PACKAGES = "packages"
#: In the folder of packages: the one that is being moved out of the inbox. Only its removal depends on this.
MOVING_FILE = ".moving.json"


@dataclass(frozen=True)
class Receiver:
    """The settings with which the linkage environment receives packages.

    identity: decrypts packages. signers: controller -> Ed25519 public key (32 bytes). inbox: folder in which
    packages arrive. key_version: accepted version of the linkage key; None for any version that has the check
    values of the agreement.
    """

    identity: "pyrage.x25519.Identity" = field(repr=False)
    signers: Mapping[str, bytes]
    inbox: Path
    key_version: int | None = None

    @classmethod
    def of(cls, settings: TransferSettings, key_version: int | None = None) -> "Receiver":
        """Read the identity and the signers of the settings; raises Fault if one of them is missing."""
        if settings.identity is None:
            raise missing("identity")
        if not settings.signers:
            raise missing("signers")
        return cls(
            read_identity(settings.identity, settings.read_passphrase()),
            {controller: public_key_bytes(text) for controller, text in settings.signers.items()},
            settings.inbox,
            key_version,
        )


@dataclass(frozen=True)
class HeldPackage:
    """The newest accepted package of a controller, in its folder in the workspace."""

    folder: Path
    manifest: Manifest


def admit_packages(
    controller: str,
    receiver: Receiver,
    context: RunContext,
    now: "Callable[[], datetime]" = lambda: datetime.now(UTC),
) -> HeldPackage:
    """Accept one controller's packages from the inbox, oldest first, and return the newest.

    If there is none in the inbox, the package accepted earlier is returned. Raises Refused at the first
    package that fails a check; it stays in the inbox, and nothing of it is written. Raises Fault if no
    package has ever been accepted.
    """
    zone = context.workspace.zone("pseudonymised") / controller
    last = last_admitted(controller, context)
    _finish_interrupted_move(receiver.inbox, controller, last, zone)
    for folder in sorted(receiver.inbox.glob(f"{controller}-*")):
        expected = _expected(controller, receiver, context, now())
        manifest = verify_package(folder, expected, last)
        open_contents(folder, manifest, receiver.identity)
        last = _take(folder, manifest, zone, expected, last, context)
    if last.sequence == 0:
        raise Fault(
            "PACKAGE_MISSING",
            f"No package of {controller} has arrived in {receiver.inbox.name}/ yet, so nothing can be "
            "linked.",
            f"Have the controller run `hearth pseudonymise --controller {controller}` and send its package.",
        )
    return _held(zone, last)


def last_admitted(controller: str, context: RunContext) -> Received:
    """Return the last package accepted from a controller, as the audit log has it."""
    facts = context.recorded.last(PACKAGE_ADMITTED, controller)
    return Received(facts["sequence"], facts["manifest"], facts["created"]) if facts else Received()


def held_package(controller: str, context: RunContext) -> HeldPackage | None:
    """Return the newest accepted package; None if no package has ever been accepted."""
    zone = context.workspace.zone("pseudonymised") / controller
    last = last_admitted(controller, context)
    return None if last.sequence == 0 else _held(zone, last)


def read_columns(
    held: HeldPackage, table: str, columns: Sequence[str], receiver: Receiver, context: RunContext
) -> Iterator[pa.RecordBatch]:
    """Yield columns of a table of an accepted package, with the inner pseudonyms that its controller made."""
    check_files(held.manifest, held.folder)
    (declared,) = (t for t in _contents(held, receiver).tables if t.table == table)
    plain, file = context.spill / f"held_{table}.parquet", f"{table}{TABLE_SUFFIX}"
    try:
        _decrypt(held.folder / file, plain, receiver)
        with open_declared(plain, declared, file, columns) as reader:
            yield from reader
    finally:
        plain.unlink(missing_ok=True)


def fingerprint_settings(held: HeldPackage, outer: KeyProvider) -> dict[str, Any]:
    """Return everything on which the received tables depend: the package and the outer key."""
    return {
        "manifest": held.manifest.digest,
        "outer_key_id": outer.description.key_id,
        "outer_check_value": outer.check_value(UPRN),
    }


def receive(
    held: HeldPackage, receiver: Receiver, outer: KeyProvider, fingerprint: str, context: RunContext
) -> tuple[Artefact, Evidence]:
    """Decrypt an accepted package and write its tables under the outer key, as stage "pseudonymise".

    Raises Refused if a table cannot be decrypted, does not match its contract (see `received_table.py`), or
    is not of its declared size (see `declared_size.py`); also if the outer key is not active.
    """
    manifest = held.manifest
    check_files(manifest, held.folder)
    contents = _contents(held, receiver)
    tables = {table.name: table for table in tables_of(manifest.controller)}
    kinds = sorted({c.kind for t in contents.tables for c in tables[t.table].hashed.values()} | {UPRN})

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        rows: dict[str, int | None] = {}
        processes = context.project.engine.threads if sum(t.rows for t in contents.tables) > 20_000 else 0
        with keyed_hasher([outer], kinds, processes) as hasher:
            for declared in contents.tables:
                table, file = tables[declared.table], f"{declared.table}{TABLE_SUFFIX}"
                plain = context.spill / f"received_{declared.table}.parquet"
                try:
                    _decrypt(held.folder / file, plain, receiver)
                    check_table(table, file, plain, declared)
                    with open_declared(plain, declared, file, is_checked=True) as reader:
                        batches = hashed_batches(reader, table.hashed, hasher)
                        written = _write_in_order(
                            hashed_schema(reader.schema, table.hashed),
                            batches,
                            table,
                            folder / f"{declared.table}.parquet",
                            context,
                        )
                finally:
                    plain.unlink(missing_ok=True)
                if written != declared.rows:
                    what = f"has {counted(written, 'row')}, but its package declares {declared.rows:,}"
                    raise _altered(declared.table, what)
                rows[f"{declared.table}.parquet"] = written
                context.report(f"{declared.table}: {counted(written, 'row')} received")
        facts = dict(contents.evidence) | {
            "custody": context.project.custody,
            "outer_key_id": outer.description.key_id,
            "outer_check_value": outer.check_value(UPRN),
            "package": {
                "sequence": manifest.sequence,
                "manifest": manifest.digest,
                "signer": manifest.signer,
                "created": manifest.created,
            },
        }
        return rows, Evidence(STAGE, manifest.controller, facts)

    zone = context.workspace.zone("pseudonymised") / manifest.controller
    return write_artefact(zone, STAGE, manifest.controller, fingerprint, fill)


def _contents(held: HeldPackage, receiver: Receiver) -> Contents:
    return open_contents(held.folder, held.manifest, receiver.identity)


def _expected(controller: str, receiver: Receiver, context: RunContext, now: datetime) -> Expected:
    return Expected(
        controller=controller,
        agreement=context.agreement.id,
        period=context.agreement.period,
        recipient=str(receiver.identity.to_public()),
        signers=receiver.signers,
        now=now,
        key_version=receiver.key_version,
        check_values=context.agreement.linkage_check_values,
    )


def _take(
    folder: Path, manifest: Manifest, zone: Path, expected: Expected, last: Received, context: RunContext
) -> Received:
    """Move a verified package from the inbox to the workspace: copy it, verify the copy, record it."""
    packages = zone / PACKAGES
    partial, final = packages / ".partial", packages / f"{manifest.sequence:06d}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        packages.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copytree(folder, partial, symlinks=True)
        # Others can write to the inbox at any time, so only the copy counts.
        if verify_package(partial, expected, last).digest != manifest.digest:
            raise _altered(shown_file(folder), "changed while it was read")
        shutil.rmtree(final, ignore_errors=True)
        rename_durably(partial, final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    taken = Received(manifest.sequence, manifest.digest, manifest.created)
    moving = canonical_json({"folder": folder.name, "manifest": manifest.digest})
    write_private_file(packages / MOVING_FILE, moving, replace=True)
    context.recorded.record(
        PACKAGE_ADMITTED,
        {"sequence": taken.sequence, "manifest": taken.manifest, "created": taken.created},
        manifest.controller,
    )
    shutil.rmtree(folder)
    for older in packages.iterdir():
        if older.is_dir() and older != final:
            shutil.rmtree(older)
    (packages / MOVING_FILE).unlink()
    return taken


def _finish_interrupted_move(inbox: Path, controller: str, last: Received, zone: Path) -> None:
    """Delete from the inbox a package that a killed run had recorded as accepted but not yet deleted."""
    note = zone / PACKAGES / MOVING_FILE
    if not note.is_file():
        return
    try:
        moving = json.loads(note.read_bytes())
        left = inbox / str(moving["folder"])
        is_in_inbox = left.parent == inbox and left.name.startswith(f"{controller}-")
        was_taken = (
            is_in_inbox and parse_manifest((left / MANIFEST_FILE).read_bytes()).digest == last.manifest
        )
    except (OSError, Refused, ValueError, TypeError, KeyError):
        was_taken = False
    if was_taken:
        shutil.rmtree(left)
    note.unlink()


def _held(zone: Path, last: Received) -> HeldPackage:
    folder = zone / PACKAGES / f"{last.sequence:06d}"
    try:
        check_folder(folder)
        manifest = parse_manifest((folder / MANIFEST_FILE).read_bytes())
        unaltered = manifest.digest == last.manifest
    except (OSError, Refused):
        unaltered = False
    if not unaltered:
        raise Fault(
            "PACKAGE_HELD_ALTERED",
            f"The workspace's copy of package {last.sequence} was changed after the package was accepted, "
            "so it was not used.",
            "Find out who changed it. Then ask the controller for its next package.",
        )
    return HeldPackage(folder, manifest)


def _decrypt(path: Path, plain: Path, receiver: Receiver) -> None:
    try:
        with path.open("rb") as reader, plain.open("wb") as writer:
            pyrage.decrypt_io(reader, writer, [receiver.identity])
    except (pyrage.DecryptError, OSError):
        raise _altered(path.name, "cannot be decrypted with the identity of this environment") from None


def _write_in_order(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    table: PseudonymisedTable,
    path: Path,
    context: RunContext,
) -> int:
    with locked_connection(context.project.engine, context.spill) as connection:
        create_table(connection, "received", schema, batches)
        return write_query(connection, f"SELECT * FROM received ORDER BY {', '.join(table.order_by)}", path)


def _altered(what: str, why: str) -> Refused:
    return Refused(
        "PACKAGE_ALTERED",
        f"{what} {why}. The package was not used.",
        "Ask the controller to send the package again, and find out where it was changed.",
    )
