"""In the linkage environment, after a rotation of the linkage key: carry record keys over to new pseudonyms.

Record keys are the only thing derived from pseudonyms that is stored between runs. The pairs of old and new
pseudonyms that the key-holder sent are used once for this, then destroyed with a certificate. They contain
no identifier.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.actions.workspace_reading import open_record
from flows.run.reporting.faults import record_fault
from flows.run.run import new_run_id
from flows.run.setup.custody import RunKeys, open_run_keys
from governance.agreement.agreement import read_agreement
from governance.audit.signer import KEY_NAME, read_signing_key
from governance.canonical import digest_of_file
from governance.errors import Fault
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.keys.key_store import KeyStore
from governance.keys.providers.file_key import open_file_key
from governance.keys.providers.provider import KeyProvider
from pipeline.context import RunContext
from pipeline.disclosure.noise.record_key import load_secret
from pipeline.disclosure.noise.record_key_migration import migrate_record_keys
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.spill_volume import check_spill_volume
from pipeline.project import Project
from pipeline.transfer.receiving import Receiver, held_package
from pipeline.transfer.rekey import PAIRS, outer_pairs, use_pairs
from pipeline.transfer.settings import read_transfer_settings
from pipeline.transfer.unsafe_demo import unsafe_demo_receiver
from pipeline.workspace import Workspace
from schemas.storage.zones import at_rest_keys

CONTROLLERS = ("council", "nhs")


@dataclass(frozen=True)
class Rekeyed:
    """The result of using pairs. record_keys: how many are carried over; certificate: of the destruction."""

    controller: str
    record_keys: int
    certificate: Path

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values, with the certificate's name and digest."""
        return {
            "controller": self.controller,
            "record_keys": self.record_keys,
            "certificate": self.certificate.name,
            "certificate_sha256": digest_of_file(self.certificate),
        }


def apply_pairs(project: Project, controller: str, folder: Path, run_id: str) -> Rekeyed:
    """Carry record keys over to the new pseudonyms, then destroy the pairs in `folder`.

    Raises Refused if the pairs are not from that controller, were altered, or were used before, and Fault if
    this environment has no key to open them with.
    """
    workspace = Workspace.open(project.workspace)
    agreement = read_agreement(project.agreement)
    check_spill_volume(workspace.root, project.production)
    with workspace.lock():
        try:
            keys = open_run_keys(project, agreement, workspace)
            at_rest = open_at_rest_keys(at_rest_keys(workspace.root), run=False)
            with workspace.spill(run_id) as spill, encrypted_at_rest(workspace.root, at_rest):
                record = open_record(project, workspace, run_id, agreement.digest)
                context = RunContext(run_id, project, agreement, workspace, spill, log=record)
                receiver, outer = _opener(keys, context)
                secret, carried = load_secret(context), 0

                def apply(pairs: pa.RecordBatchReader) -> None:
                    nonlocal carried
                    carried = migrate_record_keys(pairs, secret, context)

                signing_key = read_signing_key(workspace.zone("keys") / KEY_NAME)
                certificate = use_pairs(folder, controller, receiver, outer, context, apply, signing_key)
        except BaseException as error:  # noqa: BLE001 raised again as our own error, without values
            raise record_fault(error, f"rekey {controller}", workspace.run_folder(run_id)) from None
    return Rekeyed(controller, carried, certificate)


def carry_over_outer(project: Project, place: KeyStore, from_version: int) -> int:
    """After an outer rotation, carry record keys over for every stored package. Returns how many there are.

    place: the store of the outer key, whose current version is the new one. A repeated call changes
    nothing. In single-operator custody no package is stored and the noise changes: that custody is only for
    synthetic data.
    """
    if project.custody == "single-operator":
        return 0
    workspace = Workspace.open(project.workspace)
    agreement = read_agreement(project.agreement)
    old = open_file_key(place.of_version(from_version), place.passphrase.read())
    new = open_file_key(place.path, place.passphrase.read())
    receiver, carried = Receiver.of(read_transfer_settings(project)), 0
    at_rest = open_at_rest_keys(at_rest_keys(workspace.root), run=False)
    run_id = new_run_id()
    with (
        workspace.lock(),
        workspace.spill(run_id) as spill,
        encrypted_at_rest(workspace.root, at_rest),
    ):
        record = open_record(project, workspace, run_id, agreement.digest)
        context = RunContext(run_id, project, agreement, workspace, spill, log=record)
        secret = load_secret(context)
        for controller in CONTROLLERS:
            package = held_package(controller, context)
            if package is not None:
                batches = outer_pairs(package, receiver, old, new, context)
                pairs = pa.RecordBatchReader.from_batches(PAIRS, batches)
                carried = migrate_record_keys(pairs, secret, context)
    return carried


def _opener(keys: RunKeys, context: RunContext) -> tuple[Receiver, KeyProvider]:
    """Return the receiver that opens the pairs, and the outer key that is applied to them."""
    if keys.receiver is not None:
        return keys.receiving()
    outer = keys.linkage().outer
    if outer is None:
        raise Fault(
            "KEY_OUTER_MISSING",
            "There is no outer key in this environment, so the pairs cannot be used.",
            "Add [keys.outer] to hearth.toml (docs/custody.md shows an example).",
        )
    return unsafe_demo_receiver(context), outer
