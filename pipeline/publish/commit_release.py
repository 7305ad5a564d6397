"""After the gate: the staged release is entered in the ledger and published by one rename.

Whenever a crash happens, the next run finds either no release or a whole one.
"""

import shutil
from pathlib import Path

from governance.artefact import Artefact
from governance.canonical import digest_of_file
from governance.clearance import Clearance, Cleared
from governance.errors import Refused
from pipeline.context import RunContext
from pipeline.disclosure.ledger import Ledger
from pipeline.disclosure.noise.record_key import load_secret
from pipeline.publish.files.manifest import MANIFEST, STAGED_PREFIX, verify_release
from pipeline.publish.release_record import read_record
from schemas.storage.durable_write import rename_durably


def commit_release(cleared: Cleared, absence: Clearance, context: RunContext) -> Artefact:
    """Publish a staged release that its gate has cleared; returns it in its final folder.

    absence: the clearance of the search for planted people, bound to this release. A release that is
    already published is verified and returned as it is. Raises Refused where that clearance is of
    another release, the ledger is damaged, or a published release would change.
    """
    artefact = cleared.artefact
    if (absence.stage, absence.artefact_digest) != ("leakage", artefact.digest):
        raise Refused(
            "CLEARANCE_MISMATCH",
            "The workspace was not searched for planted people before this release.",
            "Report this as a defect of the program; no release is published without that search.",
        )
    releases = context.workspace.zone("releases")
    release_id = artefact.folder.name.removeprefix(STAGED_PREFIX)
    final = releases / release_id
    ledger = open_ledger(context)
    if final.is_dir():
        standing = Artefact("publish", "all", final, artefact.fingerprint, verify_release(final))
        if standing.digest != artefact.digest:
            raise Refused(
                "RELEASE_WOULD_CHANGE",
                f"Release {release_id} is already published, and this run made other content for it.",
                "A published release is never replaced. To correct it, run `hearth releases correct`, "
                "which opens a new epoch with a reason.",
            )
        return standing
    files = verify_release(artefact.folder)
    manifest_sha256 = digest_of_file(artefact.folder / MANIFEST)
    ledger.append("intent", read_record(context, release_id, manifest_sha256))
    _finish(ledger, releases, release_id)
    context.report(f"Release {release_id} is published.")
    return Artefact("publish", "all", final, artefact.fingerprint, files)


def open_ledger(context: RunContext) -> Ledger:
    """Open the ledger and finish what a crash interrupted.

    An intent whose staged folder is whole is renamed into place; an intent without it becomes void.
    """
    ledger = Ledger.open(context.workspace, load_secret(context), context.recorded)
    releases = context.workspace.zone("releases")
    for entry in ledger.pending():
        staged = releases / f"{STAGED_PREFIX}{entry.release_id}"
        final = releases / entry.release_id
        holder = final if final.is_dir() else staged
        if _is_whole(holder, entry.manifest_sha256):
            _finish(ledger, releases, entry.release_id)
        elif holder == final:
            raise Refused(
                "RELEASE_CHANGED",
                f"Release {entry.release_id} differs from its entry in the ledger.",
                "Restore it from a copy and find out who changed it. Nothing is published until then.",
            )
        else:
            shutil.rmtree(staged, ignore_errors=True)
            ledger.repeat("void", entry)
    return ledger


def _finish(ledger: Ledger, releases: Path, release_id: str) -> None:
    staged = releases / f"{STAGED_PREFIX}{release_id}"
    if staged.is_dir():
        rename_durably(staged, releases / release_id)
    entry = ledger.last(release_id)
    if entry is None:
        raise Refused(
            "RELEASE_NOT_IN_LEDGER",
            f"The ledger has no entry for release {release_id}.",
            "Run `hearth run` again; the publish stage writes the entry first.",
        )
    ledger.repeat("revealed", entry)


def _is_whole(folder: Path, manifest_sha256: str) -> bool:
    try:
        verify_release(folder)
    except Refused:
        return False
    return digest_of_file(folder / MANIFEST) == manifest_sha256
