"""At a controller: its own extract in, one signed transfer package out, and nothing in clear left behind.

The linkage key is here and the other controller's data are not. The stages and gates are those of
a nightly run. Then the workspace is searched for the planted canary, the package is made, and
the clear and pseudonymised tables are deleted and their key is destroyed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.run.nightly_run import NightlyRun
from flows.run.reporting.display import Display
from flows.run.reporting.faults import record_fault
from flows.run.setup.custody import key_use
from flows.run.setup.run_setup import RunSetup, set_up_run
from governance.artefact import Evidence
from governance.keys.providers.file_key import open_file_key
from governance.keys.settings import locate_inner, read_key_settings
from pipeline.artefact_store import dispose_artefact
from pipeline.context import RunContext
from pipeline.leakage.absence import prove_absence
from pipeline.project import Project
from pipeline.transfer.identities import open_recipient, open_signing_key
from pipeline.transfer.manifest import MANIFEST_FILE, parse_manifest
from pipeline.transfer.rekey import make_pairs
from pipeline.transfer.sending import Sender, send_package
from pipeline.transfer.settings import missing, read_transfer_settings
from pipeline.transfer.unsafe_demo import unsafe_demo_sender
from pipeline.workspace import Workspace
from schemas.storage.zones import BY_CONTROLLER, QUARANTINE


@dataclass(frozen=True)
class AtSource:
    """The result of `hearth pseudonymise`. package: the folder to send. rows: of each table."""

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

    Raises Refused where a gate refuses or custody forbids it, Fault where something is unusable; in
    either case there is no package, and the audit log says why.
    """
    with _controller_run(project, controller, run_id, quiet, "pseudonymise") as run:
        sender = _sender(run.context, controller)
        pseudonymised = run.take_stages()["pseudonymise", controller]
        _prove_absence(run, controller)
        evidence = Evidence("pseudonymise", controller, run.records[-1].facts)
        package = send_package(pseudonymised, evidence, sender, run.context)
        dispose_artefact(pseudonymised.artefact)
        manifest = parse_manifest((package / MANIFEST_FILE).read_bytes())
        run.display.say(f"package {manifest.sequence} of {controller} is in {package.parent.name}/")
        return AtSource(
            run_id,
            controller,
            package,
            manifest.sequence,
            manifest.key_id,
            dict(manifest.check_values),
            {name: counts["rows_out"] for name, counts in evidence.facts["tables"].items()},
        )


def rekey_at_source(
    project: Project, controller: str, run_id: str, version: int, quiet: bool = False
) -> Path:
    """Package pairs of pseudonyms under key `version` (link-only) and the current key; returns its folder."""
    with _controller_run(project, controller, run_id, quiet, "rekey") as run:
        context = run.context
        settings = read_key_settings(project.keys, project.folder, project.custody)
        store = locate_inner(settings, key_use(project, context.agreement, context.workspace))
        old = open_file_key(store.of_version(version), store.passphrase.read())
        ingested = run.take_stages(until="ingest")["ingest", controller]
        package = make_pairs(ingested, old, run.keys.linkage(), _sender(context, controller), context)
        dispose_artefact(ingested.artefact, keep=(QUARANTINE,))
        return package


@contextmanager
def _controller_run(
    project: Project, controller: str, run_id: str, quiet: bool, doing: str
) -> Iterator[NightlyRun]:
    """Yield the stages of one controller's run; every error is raised again as our own, without values."""
    workspace = Workspace.open(project.workspace)
    folder = workspace.run_folder(run_id)
    for zone in BY_CONTROLLER:
        (workspace.zone(zone) / controller).mkdir(exist_ok=True, mode=0o700)
    with Display(folder / "run.log", quiet) as display, workspace.lock():
        setup = RunSetup(
            project, workspace, run_id, display, "controller", controllers=(controller,), publishes=False
        )
        try:
            with set_up_run(setup) as run:
                display.say(f"key {run.keys.linkage().description.key_id}")
                yield run
        except BaseException as error:  # noqa: BLE001 raised again as our own error, without values
            raise record_fault(error, f"{doing} {controller}", folder) from None


def _sender(context: RunContext, controller: str) -> Sender:
    transfer = read_transfer_settings(context.project)
    if context.project.custody == "single-operator" and transfer.signing_key is None:
        return unsafe_demo_sender(context, controller)
    if transfer.signing_key is None:
        raise missing("signing_key")
    if transfer.recipient is None:
        raise missing("recipient")
    return Sender(
        open_signing_key(transfer.signing_key, transfer.read_passphrase()),
        open_recipient(transfer.recipient),
        transfer.outbox,
    )


def _prove_absence(run: NightlyRun, controller: str) -> None:
    """Search this place for its own canary; the gate's verdict is in the log before anything is sent."""
    shown = prove_absence(run.context.workspace, run.canary_seeds(), run.search_folders, controller)
    files, hits = shown.facts["files"], shown.facts["hits"]
    run.display.say(f"{files} files searched for the canary, {hits} hits")
    run.gatekeeper.check(shown)
