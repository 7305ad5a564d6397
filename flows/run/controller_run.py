"""At a controller: its own extract in, one signed transfer package out, and nothing in clear left behind.

The linkage key is here and the other controller's data are not. The same stages
and gates as in a night run, then the package is made, the workspace searched for
the planted canary, the clear and pseudonymised tables removed and their key destroyed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.actions.authorisation import authorisation_facts, login, package_signers
from flows.run.custody import key_use, orchestrator_homes
from flows.run.display import Display
from flows.run.faults import as_hearth_error, write_places
from flows.run.run_evidence import run_evidence
from flows.run.run_teardown import shred
from governance.agreement.agreement import Agreement, read_agreement
from governance.artefact import Artefact, Evidence
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import digest_of
from governance.clearance import Cleared
from governance.errors import Refused
from governance.gate import ORDER_AT_SOURCE, Gatekeeper
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.keys.providers.file_key import open_file_key
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.unsafe_demo import WARNING
from governance.keys.settings import locate_inner, open_key, read_key_settings
from governance.keys.states import check_may_pseudonymise
from governance.principals.run_authorisation import actor_of
from governance.retention.evidence import retention_evidence
from governance.retention.residue import remove_stale_spill
from pipeline.artefact_store import dispose_artefact
from pipeline.code_version import code_version
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.spill_volume import check_spill_volume
from pipeline.ingest import stage as ingest_stage
from pipeline.ingest.inspection import inspect_extracts
from pipeline.leakage.absence import prove_absence
from pipeline.project import Project
from pipeline.pseudonymise import stage as pseudonymise_stage
from pipeline.transfer.identities import open_recipient, open_signing_key
from pipeline.transfer.manifest import MANIFEST_FILE, parse_manifest
from pipeline.transfer.rekey import make_pairs
from pipeline.transfer.sending import Sender, send_package
from pipeline.transfer.settings import TransferSettings, missing, read_transfer_settings
from pipeline.transfer.unsafe_demo import unsafe_demo_sender
from pipeline.workspace import Workspace


@dataclass(frozen=True)
class AtSource:
    """What came of `hearth pseudonymise`. package: the folder to send."""

    run_id: str
    controller: str
    package: Path
    sequence: int
    key_id: str
    check_values: dict[str, str]
    rows: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {**vars(self), "package": str(self.package), "status": "packaged"}


def pseudonymise_at_source(project: Project, controller: str, run_id: str, quiet: bool = False) -> AtSource:
    """Turn one controller's extract into a transfer package in its outbox.

    Raises Refused when a gate says no or custody forbids it, Fault when something is unusable; in
    either case there is no package, and the audit log says why.
    """
    workspace = Workspace.open(project.workspace)
    folder = workspace.run_folder(run_id)
    with Display(folder / "run.log", quiet) as display, workspace.lock():
        try:
            with _recorded_run(project, workspace, run_id, display) as place:
                return place.make_package(controller)
        except BaseException as error:  # noqa: BLE001 told as our own error, without values
            write_places(error, folder / "faults.log")
            raise as_hearth_error(error, f"pseudonymise {controller}") from None


def rekey_at_source(
    project: Project, controller: str, run_id: str, version: int, quiet: bool = False
) -> Path:
    """Package pairs of pseudonyms under key `version` (link-only) and the current key; returns its folder."""
    workspace = Workspace.open(project.workspace)
    folder = workspace.run_folder(run_id)
    with Display(folder / "run.log", quiet) as display, workspace.lock():
        try:
            with _recorded_run(project, workspace, run_id, display) as place:
                return place.make_pairs(controller, version)
        except BaseException as error:  # noqa: BLE001 told as our own error, without values
            write_places(error, folder / "faults.log")
            raise as_hearth_error(error, f"rekey {controller}") from None


@dataclass(frozen=True)
class _Place:
    """A controller's place during one run."""

    context: RunContext
    gatekeeper: Gatekeeper
    key: InMemoryKey
    transfer: TransferSettings

    def make_package(self, controller: str) -> AtSource:
        sender = self._sender(controller)
        ingested = self._ingest(controller)
        artefact, evidence, cleared = self._pseudonymise(controller, ingested)
        dispose_artefact(ingested.artefact, keep=("quarantine",))
        self._prove_absence(controller, evidence)
        package = send_package(cleared, evidence, sender, self.context)
        dispose_artefact(artefact)
        manifest = parse_manifest((package / MANIFEST_FILE).read_bytes())
        self.context.report(f"package {manifest.sequence} of {controller} is in {package.parent.name}/")
        return AtSource(
            self.context.run_id,
            controller,
            package,
            manifest.sequence,
            manifest.key_id,
            dict(manifest.check_values),
            {table.table: table.rows for table in manifest.tables},
        )

    def make_pairs(self, controller: str, version: int) -> Path:
        context = self.context
        settings = read_key_settings(context.project.keys, context.project.folder, context.project.custody)
        place = locate_inner(settings, key_use(context.project, context.agreement, context.workspace))
        old = open_file_key(place.of_version(version), place.passphrase.read())
        ingested = self._ingest(controller)
        package = make_pairs(ingested, old, self.key, self._sender(controller), context)
        dispose_artefact(ingested.artefact, keep=("quarantine",))
        return package

    def _sender(self, controller: str) -> Sender:
        if self.context.project.custody == "single-operator" and self.transfer.signing_key is None:
            return unsafe_demo_sender(self.context, controller)
        if self.transfer.signing_key is None:
            raise missing("signing_key")
        if self.transfer.recipient is None:
            raise missing("recipient")
        return Sender(
            open_signing_key(self.transfer.signing_key, self.transfer.read_passphrase()),
            open_recipient(self.transfer.recipient),
            self.transfer.outbox,
        )

    def _ingest(self, controller: str) -> Cleared:
        context = self.context
        clear = context.workspace.zone("clear")
        (clear / controller).mkdir(exist_ok=True, mode=0o700)
        try:
            extracts = inspect_extracts((controller,), context.project)[controller]
        except Refused as refused:
            self.gatekeeper.record_refusal("ingest", refused)
            raise
        settings = ingest_stage.fingerprint_settings(controller, extracts, clear)
        fingerprint = _fingerprint("ingest", controller, settings)
        return self.gatekeeper.judge(*ingest_stage.ingest(controller, extracts, fingerprint, context))

    def _pseudonymise(self, controller: str, ingested: Cleared) -> tuple[Artefact, Evidence, Cleared]:
        context = self.context
        (context.workspace.zone("pseudonymised") / controller).mkdir(exist_ok=True, mode=0o700)
        settings = pseudonymise_stage.fingerprint_settings(self.key, context)
        fingerprint = _fingerprint("pseudonymise", controller, [settings, ingested.artefact.fingerprint])
        made = pseudonymise_stage.pseudonymise(ingested, self.key, fingerprint, context)
        return *made, self.gatekeeper.judge(*made)

    def _prove_absence(self, controller: str, evidence: Evidence) -> None:
        """Search this place for its own canary; the gate's verdict is on record before anything is sent."""
        seeds = {controller: evidence.facts["canary_seed"]}
        shown = prove_absence(self.context.workspace, seeds, orchestrator_homes(), controller)
        self.context.report(
            f"{shown.facts['files']} files searched for the canary, {shown.facts['hits']} hits"
        )
        self.gatekeeper.check(shown)


@contextmanager
def _recorded_run(project: Project, workspace: Workspace, run_id: str, display: Display) -> Iterator[_Place]:
    agreement = read_agreement(project.agreement)
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone("audit"), signer)
    authorisation = authorisation_facts(project, agreement, run_id, "pseudonymise", package_signers(project))
    facts = run_evidence(project, authorisation)
    actor = actor_of(facts.facts, login())
    audit.append(run_id, actor, None, "run_start", evidence=dict(facts.facts), policy=agreement.digest)
    gatekeeper = Gatekeeper(run_id, agreement, audit, actor, order=ORDER_AT_SOURCE)
    at_rest = workspace.zone("keys") / "at-rest"
    verdict, code = "done", None
    try:
        gatekeeper.check_run(facts)
        remove_stale_spill(workspace.root)
        gatekeeper.check(retention_evidence(workspace.root, agreement, datetime.now(UTC), run_id))
        if warning := check_spill_volume(workspace.root, project.production):
            display.say(warning)
        key = _open_linkage_key(project, agreement, workspace)
        display.say(f"key {key.description.key_id}")
        if key.description.provider == "unsafe-demo":
            display.say(WARNING)
        with (
            workspace.spill(run_id) as spill,
            encrypted_at_rest(workspace.root, open_at_rest_keys(at_rest)),
        ):
            context = RunContext(run_id, project, agreement, workspace, spill, display.say)
            yield _Place(context, gatekeeper, key, read_transfer_settings(project))
    except BaseException as error:
        told = as_hearth_error(error, "pseudonymise")
        verdict, code = ("refused" if isinstance(told, Refused) else "fault"), told.code
        raise
    finally:
        if verdict != "fault":
            destroyed = shred(workspace, run_id, at_rest)
            if destroyed is not None:
                audit.append(run_id, actor, None, "disposal", None, "done", destroyed, agreement.digest)
        audit.append(run_id, actor, None, "run_end", None, verdict, {"code": code}, agreement.digest)
        audit.checkpoint()


def _open_linkage_key(project: Project, agreement: Agreement, workspace: Workspace) -> InMemoryKey:
    """Open the controllers' key alone; a controller that also holds the outer one is refused."""
    settings = read_key_settings(project.keys, project.folder, project.custody)
    if settings.outer is not None and project.custody != "single-operator":
        raise Refused(
            "KEY_OUTER_MISPLACED",
            "[keys.outer] names the linkage environment's key at a controller.",
            "Remove it here: whoever holds both layers' keys undoes the separation.",
        )
    key = open_key(settings, key_use(project, agreement, workspace)).without_outer()
    check_may_pseudonymise(key.description.key_id, key.description.state)
    return key


def _fingerprint(stage: str, controller: str, settings: Any) -> str:
    return digest_of(
        {"stage": stage, "part": controller, "code": code_version(), "settings": settings, "at": "source"}
    )
