"""After the gate: the staged release is entered in the ledger and appears by one rename.

Whatever moment a crash chooses, the next run finds either no release or the whole one.
"""

import os
import shutil
from pathlib import Path

from governance.artefact import Artefact
from governance.canonical import digest_of_file
from governance.clearance import Clearance, Cleared
from governance.errors import Refused
from pipeline.context import RunContext
from pipeline.disclosure.ledger import Ledger
from pipeline.disclosure.noise.record_key import load_secret
from pipeline.publish.manifest import MANIFEST, STAGED_PREFIX, verify_release
from pipeline.publish.release_record import read_record


def commit_release(cleared: Cleared, absence: Clearance, context: RunContext) -> Artefact:
    """Let a staged release that its gate has cleared appear; returns it where it now stands.

    absence: the clearance of the search for planted people, bound to this very release.
    A release that already stands is verified and returned as it is.
    Raises Refused where that clearance is of something else, the ledger is damaged, or the release
    would change a standing one.
    """
    artefact = cleared.artefact
    if (absence.stage, absence.artefact_digest) != ("leakage", artefact.digest):
        raise Refused(
            "CLEARANCE_MISMATCH",
            "The workspace was not searched for planted people before this release.",
            "Report this as a defect of the programme; no release appears without that search.",
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
                f"Release {release_id} stands with other content than this run made.",
                "A correction is a new epoch with a reason; a standing release is never replaced.",
            )
        return standing
    files = verify_release(artefact.folder)
    manifest_sha256 = digest_of_file(artefact.folder / MANIFEST)
    ledger.append("intent", read_record(context.workspace, release_id, manifest_sha256))
    _finish(ledger, releases, release_id)
    context.report(f"release {release_id} stands")
    return Artefact("publish", "all", final, artefact.fingerprint, files)


def open_ledger(context: RunContext) -> Ledger:
    """Open the ledger and bring to an end what a crash left open.

    An intent whose staged folder is whole is renamed into place; one without it is made void.
    """
    ledger = Ledger.open(context.workspace, load_secret(context))
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
                f"Release {entry.release_id} is not what the ledger entered.",
                "Find out who changed it; nothing is released until then.",
            )
        else:
            shutil.rmtree(staged, ignore_errors=True)
            ledger.repeat("void", entry)
    return ledger


def _finish(ledger: Ledger, releases: Path, release_id: str) -> None:
    staged = releases / f"{STAGED_PREFIX}{release_id}"
    if staged.is_dir():
        staged.rename(releases / release_id)
        descriptor = os.open(releases, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    entry = ledger.last(release_id)
    if entry is None:
        raise Refused("RELEASE_NOT_IN_LEDGER", f"Release {release_id} has no line.", "Run publish again.")
    ledger.repeat("revealed", entry)


def _is_whole(folder: Path, manifest_sha256: str) -> bool:
    try:
        verify_release(folder)
    except Refused:
        return False
    return digest_of_file(folder / MANIFEST) == manifest_sha256
