"""Read what earlier runs stored, as the audit log has it. The storage key is opened; nothing is created."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.run.setup.authorisation import login
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import digest_of_file
from governance.errors import Fault
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.recorded_state import RecordedState
from pipeline.artefact_store import changed_artefact, recall_artefact
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.project import Project
from pipeline.workspace import Workspace
from schemas.storage.zones import AUDIT, at_rest_keys


@contextmanager
def reading_workspace(project: Project) -> Iterator[Workspace]:
    """Open a workspace so that its stored tables can be read. Raises Fault if nothing has run there."""
    keys = at_rest_keys(project.workspace)
    if not keys.is_dir():
        raise Fault(
            "NOTHING_RAN_HERE",
            "No run of this project is in the workspace, so there is nothing to read.",
            "Name the workspace of the run with --workspace, or run `hearth run` first.",
        )
    workspace = Workspace.open(project.workspace)
    with encrypted_at_rest(workspace.root, open_at_rest_keys(keys, run=False)):
        yield workspace


def open_record(project: Project, workspace: Workspace, run_id: str, policy: str) -> RecordedState:
    """Open the audit log for a command that is no run. policy: digest of the agreement."""
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone(AUDIT), signer)
    return RecordedState(audit, run_id, f"unauthenticated:{login()}", policy)


def last_judged(project: Project, workspace: Workspace, zone: Path, stage: str, part: str) -> Path | None:
    """Return the folder of the artefact that a stage's gate judged last; None where there is none any more.

    Files that were disposed of may be missing from it. Raises Fault where what is there is not what the gate
    judged.
    """
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    judged = AuditLog.open(workspace.zone(AUDIT), signer).last_judged(stage, part)
    found = None if judged is None else recall_artefact(zone, stage, part, judged.fingerprint)
    if judged is None or found is None:
        return None
    artefact, evidence = found
    if (artefact.digest, evidence.digest) != (judged.artefact_digest, judged.evidence_digest):
        raise changed_artefact(artefact.folder, "Its record is not the one that its gate judged")
    present = [(f, artefact.folder / f.name) for f in artefact.files if (artefact.folder / f.name).exists()]
    wrong = sum(digest_of_file(path) != file.sha256 for file, path in present)
    if wrong:
        raise changed_artefact(artefact.folder, f"Files that differ: {wrong} of {len(present)}")
    return artefact.folder
