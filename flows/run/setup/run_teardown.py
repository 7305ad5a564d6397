"""The end of a run: tables that only the run needed are deleted, their key is destroyed, both are recorded.

After a published or refused run, these tables cannot be decrypted any more. A run that ended with a
fault or was killed keeps its key, so that the next run can resume.
"""

import shutil
from pathlib import Path

from flows.run.nightly_run import NightlyRun
from governance.audit.signer import KEY_NAME, read_signing_key
from governance.canonical import digest_of_file
from governance.keys.at_rest_keys import destroy_run_key
from pipeline.artefact_store import dispose_folder
from pipeline.workspace import Workspace
from schemas.storage.zones import BY_CONTROLLER, QUARANTINE


def remove_run_only_tables(workspace: Workspace) -> int:
    """Delete ingested, pseudonymised and grouped tables of all runs. Returns the number of files.

    Quarantine is kept for the controllers' data teams. Artefact records are kept, because gates judge them
    again. Every folder with an artefact's name is emptied, whether or not it has a record or a disposal mark.
    """
    return sum(
        dispose_folder(folder, keep=(QUARANTINE,))
        for zone in BY_CONTROLLER
        for folder in workspace.zone(zone).glob("*/*-*-*")
        if folder.is_dir() and not folder.is_symlink()
    )


def remove_superseded(run: NightlyRun) -> int:
    """Delete older artefacts of every stage and part that this run made again. Returns how many."""
    plan, removed = run.plan, 0
    for (stage, part), zone in plan.zones.items():
        if stage == "publish":
            continue  # a published release is never removed
        current = plan.fingerprints[stage, part][:16]
        for folder in zone.glob(f"{stage}-{part}-*"):
            if not folder.name.endswith(current):
                shutil.rmtree(folder)
                removed += 1
    return removed


def shred(workspace: Workspace, run_id: str, at_rest: Path) -> dict[str, object] | None:
    """Delete run-only tables and destroy the key that encrypted them. Returns facts for the audit log.

    Returns None if there was no such key. The signed certificate is stored next to the keys.
    """
    files = remove_run_only_tables(workspace)
    signing_key = read_signing_key(workspace.zone("keys") / KEY_NAME)
    certificate = destroy_run_key(at_rest, run_id=run_id, files=files, signing_key=signing_key)
    if certificate is None:
        return None
    return {"what": "run key", "files": files, "certificate_sha256": digest_of_file(certificate)}
