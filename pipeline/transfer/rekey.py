"""Rotates the linkage key with pairs of old and new pseudonyms, so that no identifiers are needed.

The key holder hashes each identifier under both keys. They send the pairs, in the order of the old
pseudonyms, signed and encrypted to the linkage environment. There, both pseudonyms of a pair are hashed with
the outer key and used to carry over what is stored by pseudonym. Then the pairs are erased, with a
certificate. A package of pairs can be used only once.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.canonical import canonical_json, digest_of_file
from governance.clearance import Cleared
from governance.errors import Refused
from governance.keys.destruction import CERTIFICATES, erase_file, write_certificate
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyProvider
from governance.keys.providers.sealed_file import write_private_file
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from governance.recorded_state import PAIRS_USED
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import BATCH_ROWS, load_table
from pipeline.leakage.canary import canary_of
from pipeline.pseudonymise.canary_rows import delete_planted_rows
from pipeline.pseudonymise.counts import columns_by_kind
from pipeline.pseudonymise.tables import UPRN, tables_of
from pipeline.transfer.contents import CONTENTS_FILE, DeclaredTable, seal, unseal
from pipeline.transfer.declared_size import open_declared, write_measured
from pipeline.transfer.identities import public_key_text
from pipeline.transfer.manifest import SIGNATURE_FILE, is_signed_by, sign_manifest, timestamp
from pipeline.transfer.receiving import HeldPackage, Receiver, read_columns
from pipeline.transfer.sending import Sender
from schemas.storage.durable_write import rename_durably, sync

FORMAT = "hearth-rekey/2"
MANIFEST_FILE = "rekey.json"
PAIRS_FILE = "pairs.parquet.age"
PAIRS = pa.schema([("kind", pa.string()), ("old", pa.string()), ("new", pa.string())])


@dataclass(frozen=True)
class RekeyManifest:
    """The manifest of a package of pairs, signed in the same way as that of a transfer package.

    sha256: of the encrypted pairs. contents_sha256: of the encrypted contents, which declare the size of the
    pairs. created: time in UTC. recipient, signer: public keys.
    """

    agreement: str
    period: str
    controller: str
    old_key_id: str
    new_key_id: str
    old_check_value: str
    new_check_value: str
    created: str
    sha256: str
    contents_sha256: str
    recipient: str
    signer: str
    format: str = FORMAT


def make_pairs(
    ingested: Cleared, old: InMemoryKey, new: InMemoryKey, sender: Sender, context: RunContext
) -> Path:
    """Package pairs of old and new pseudonyms of one controller's identifiers; returns the package's folder.

    One row of the package is one identifier: kind, old pseudonym, new pseudonym.
    Raises Refused unless `new` is active and the successor of `old`, which must no longer be active.
    """
    artefact = ingested.artefact
    tables = [t for t in tables_of(artefact.part) if ingested.artefact.has(t.source)]
    successor = old.rekeyed_by(new)
    folder = sender.outbox / f"rekey-{artefact.part}-v{new.description.context.version}"
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    plain = context.spill / "pairs.parquet"
    try:
        with locked_connection(context.project.engine, context.spill) as connection:
            for source in sorted({t.source for t in tables}):
                load_table(connection, artefact.path(source), source)
            canary = canary_of(artefact.part, artefact.fingerprint)
            delete_planted_rows(connection, canary, {t.source for t in tables})
            kinds = columns_by_kind(tables, hashed=False)
            connection.execute("CREATE TABLE pair (kind VARCHAR, old VARCHAR, new VARCHAR)")
            names = [kind for kind, _, _ in kinds]
            with (
                keyed_hasher([successor.old], names, 0) as old_hasher,
                keyed_hasher([new], names, 0) as new_hasher,
            ):
                for kind, clear, _ in kinds:
                    with connection.cursor() as reading:
                        reader = reading.sql(
                            f"SELECT DISTINCT value FROM ({clear}) WHERE value IS NOT NULL"
                        ).to_arrow_reader(BATCH_ROWS)
                        for batch in reader:
                            values = batch.column(0).cast(pa.string())
                            table = pa.table(
                                [
                                    pa.array([kind] * len(values)),
                                    old_hasher.pseudonyms(kind, values).result(),
                                    new_hasher.pseudonyms(kind, values).result(),
                                ],
                                schema=PAIRS,
                            )
                            connection.register("_pair", table)
                            connection.execute('INSERT INTO pair SELECT * FROM "_pair"')
                            connection.unregister("_pair")
            ordered = connection.sql("SELECT * FROM pair ORDER BY kind, old").to_arrow_reader(BATCH_ROWS)
            declared = write_measured(ordered, plain, "pairs")
        _encrypt(plain, partial / PAIRS_FILE, sender)
        seal(canonical_json(asdict(declared)), sender.recipient, partial / CONTENTS_FILE)
        manifest = RekeyManifest(
            agreement=context.agreement.id,
            period=context.agreement.period,
            controller=artefact.part,
            old_key_id=old.description.key_id,
            new_key_id=new.description.key_id,
            old_check_value=old.check_value(UPRN),
            new_check_value=new.check_value(UPRN),
            created=timestamp(datetime.now(UTC)),
            sha256=digest_of_file(partial / PAIRS_FILE),
            contents_sha256=digest_of_file(partial / CONTENTS_FILE),
            recipient=str(sender.recipient),
            signer=public_key_text(sender.signing_key),
        )
        content = canonical_json(asdict(manifest))
        write_private_file(partial / MANIFEST_FILE, content)
        write_private_file(partial / SIGNATURE_FILE, sign_manifest(content, sender.signing_key))
        rename_durably(partial, folder)
    finally:
        plain.unlink(missing_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def use_pairs(
    folder: Path,
    controller: str,
    receiver: Receiver,
    outer: KeyProvider,
    context: RunContext,
    apply: Callable[[pa.RecordBatchReader], None],
    signing_key: Ed25519PrivateKey,
) -> Path:
    """Call `apply` with a package's pairs under the outer key, then erase them; returns the certificate.

    apply: receives a reader of (kind, old, new), see `PAIRS`; if it raises, the package counts as not used.
    signing_key: signs the certificate. Raises Refused if the package was not made by that controller, was
    altered, or was used before. If an earlier call was interrupted after it had used the pairs, this one
    completes their destruction.
    """
    manifest = _verified(folder, controller, receiver, context)
    used = context.recorded.last(PAIRS_USED, manifest.sha256)
    certificate = context.workspace.zone("keys") / CERTIFICATES / f"rekey-{manifest.sha256[:16]}.json"
    if used and (not certificate.exists() or not (folder / PAIRS_FILE).exists()):
        return _destroyed(folder, manifest, used["pairs"], certificate, signing_key)
    _check_pairs(folder, manifest)
    if used:
        raise Refused(
            "REKEY_USED",
            f"These pairs of {controller} were used before, and pairs can be used only once.",
            "If they have to be applied again, have the controller make new ones with "
            f"`hearth keys rekey --controller {controller} --from-version N`.",
        )
    declared = _declared(folder, receiver)
    plain = context.spill / "pairs.parquet"
    try:
        try:
            with (folder / PAIRS_FILE).open("rb") as reader, plain.open("wb") as writer:
                pyrage.decrypt_io(reader, writer, [receiver.identity])
        except pyrage.DecryptError:
            raise _refused("cannot be decrypted with the identity of this environment") from None
        with open_declared(plain, declared, PAIRS_FILE) as pairs:
            apply(pa.RecordBatchReader.from_batches(PAIRS, _under_outer_key(pairs, outer)))
    finally:
        if plain.exists():
            erase_file(plain)
    context.recorded.record(PAIRS_USED, {"controller": controller, "pairs": declared.rows}, manifest.sha256)
    return _destroyed(folder, manifest, declared.rows, certificate, signing_key)


def _destroyed(
    folder: Path, manifest: RekeyManifest, pairs: int, certificate: Path, signing_key: Ed25519PrivateKey
) -> Path:
    """Destroy used pairs and certify it; a repeated call completes an interrupted one.

    A repeated call needs the manifest and its signature, so they leave together, by one rename, at the end.
    """
    (folder / PAIRS_FILE).unlink(missing_ok=True)
    sync(folder)
    write_certificate(
        certificate,
        {
            "what": "pairs of old and new pseudonyms",
            "controller": manifest.controller,
            "old_key_id": manifest.old_key_id,
            "new_key_id": manifest.new_key_id,
            "pairs": pairs,
            "sha256": manifest.sha256,
            "method": "package removed, plain copy overwritten and removed",
            "destroyed": timestamp(datetime.now(UTC)),
        },
        signing_key,
    )
    rest = folder.with_name(f".{folder.name}.used")
    shutil.rmtree(rest, ignore_errors=True)
    folder.rename(rest)
    shutil.rmtree(rest)
    return certificate


def outer_pairs(
    held: HeldPackage, receiver: Receiver, old: InMemoryKey, new: InMemoryKey, context: RunContext
) -> Iterator[pa.RecordBatch]:
    """Yield pairs (kind, old, new), see `PAIRS`, of an accepted package's pseudonyms under two outer keys.

    The package contains inner pseudonyms, so no identifiers are needed to rotate the outer key.
    Raises Refused unless `new` is active and the successor of `old`.
    """
    successor = old.rekeyed_by(new)
    kinds = _kinds()
    with keyed_hasher([successor.old], kinds, 0) as old_hasher, keyed_hasher([new], kinds, 0) as new_hasher:
        for table in tables_of(held.manifest.controller):
            if table.name not in held.manifest.tables or not table.pseudonyms:
                continue
            for batch in read_columns(held, table.name, list(table.pseudonyms), receiver, context):
                for column, (kind, _) in table.pseudonyms.items():
                    inner = batch.column(column).drop_null().unique()
                    yield pa.RecordBatch.from_arrays(
                        [
                            pa.array([kind] * len(inner), pa.string()),
                            old_hasher.pseudonyms(kind, inner).result(),
                            new_hasher.pseudonyms(kind, inner).result(),
                        ],
                        schema=PAIRS,
                    )


def _under_outer_key(pairs: pa.RecordBatchReader, outer: KeyProvider) -> Any:
    with keyed_hasher([outer], _kinds(), 0) as hasher:
        for batch in pairs:
            kinds, old, new = (batch.column(n) for n in range(3))
            for kind in kinds.unique().to_pylist():
                of_kind = pa.compute.equal(kinds, kind)
                yield pa.RecordBatch.from_arrays(
                    [
                        kinds.filter(of_kind),
                        hasher.pseudonyms(kind, old.filter(of_kind)).result(),
                        hasher.pseudonyms(kind, new.filter(of_kind)).result(),
                    ],
                    schema=PAIRS,
                )


def _kinds() -> Sequence[str]:
    tables = [t for controller in ("council", "nhs") for t in tables_of(controller)]
    return sorted({kind for t in tables for kind, _ in t.pseudonyms.values()})


def _verified(folder: Path, controller: str, receiver: Receiver, context: RunContext) -> RekeyManifest:
    try:
        content = (folder / MANIFEST_FILE).read_bytes()
        signature = (folder / SIGNATURE_FILE).read_bytes()
    except OSError:
        raise _refused("have no manifest or no signature") from None
    if not is_signed_by(content, signature, receiver.signers.get(controller, b"")):
        raise _refused(f"are not signed by {controller}, or their manifest was altered after signing")
    try:
        manifest = RekeyManifest(**json.loads(content))
    except (ValueError, TypeError):
        raise _refused("have a manifest of another format") from None
    if (manifest.format, manifest.agreement, manifest.period, manifest.controller) != (
        FORMAT,
        context.agreement.id,
        context.agreement.period,
        controller,
    ):
        raise _refused("were made for another agreement, period or controller")
    if manifest.recipient != str(receiver.identity.to_public()):
        raise _refused("are encrypted to another linkage environment")
    return manifest


def _check_pairs(folder: Path, manifest: RekeyManifest) -> None:
    digests = {PAIRS_FILE: manifest.sha256, CONTENTS_FILE: manifest.contents_sha256}
    if any(
        not (folder / name).is_file() or digest_of_file(folder / name) != sha256
        for name, sha256 in digests.items()
    ):
        raise _refused("were altered after signing")


def _declared(folder: Path, receiver: Receiver) -> DeclaredTable:
    """Return the declared size of the pairs, from their encrypted contents."""
    content = unseal(folder / CONTENTS_FILE, receiver.identity)
    try:
        declared = DeclaredTable(**json.loads(content or b""))
    except (ValueError, TypeError, RecursionError):
        declared = None
    if declared is None or not all(type(n) is int and n >= 0 for n in (declared.rows, declared.bytes)):
        raise _refused("have contents of another format, or contents that cannot be decrypted here")
    return declared


def _encrypt(plain: Path, encrypted: Path, sender: Sender) -> None:
    with plain.open("rb") as reader, encrypted.open("wb") as writer:
        pyrage.encrypt_io(reader, writer, [sender.recipient])


def _refused(why: str) -> Refused:
    return Refused(
        "REKEY_REFUSED",
        f"The pairs were not used, because they {why}.",
        "Have the controller make them again with `hearth keys rekey --from-version N` and send them.",
    )
