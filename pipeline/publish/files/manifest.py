"""The manifest of a release: every file with its digest, and nothing about the run that made it.

It contains no clock time, path, row count before protection or run id, because those are side
channels. The ledger records the manifest's digest.
"""

import json
from pathlib import Path

from governance.artefact import FileRecord
from governance.canonical import canonical_json, digest_of_file
from governance.counted import counted
from governance.errors import Refused

MANIFEST = "manifest.json"
STAGED_PREFIX = ".staged-"


def write_manifest(folder: Path, release_id: str, epoch: str, reference_date: str, method: str) -> str:
    """Write `manifest.json` over every file in the folder; returns the manifest's SHA-256."""
    files = [
        {"name": name, "sha256": digest_of_file(folder / name), "bytes": (folder / name).stat().st_size}
        for name in _file_names(folder)
    ]
    content = {
        "release_id": release_id,
        "reference_date": reference_date,
        "epoch": epoch,
        "method": method,
        "files": files,
    }
    (folder / MANIFEST).write_bytes(canonical_json(content) + b"\n")
    return digest_of_file(folder / MANIFEST)


def verify_release(folder: Path) -> tuple[FileRecord, ...]:
    """Return the files of a release, hashed anew against its manifest, the manifest among them.

    Raises Refused where a file was changed, added or removed: a published release never changes.
    """
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        listed = {entry["name"]: entry for entry in content["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise _changed(folder, 1) from None
    present = set(_file_names(folder)) - {MANIFEST}
    wrong = sum(
        name not in present or digest_of_file(folder / name) != entry["sha256"]
        for name, entry in listed.items()
    ) + len(present - set(listed))
    if wrong:
        raise _changed(folder, wrong)
    return file_records(folder)


def file_records(folder: Path) -> tuple[FileRecord, ...]:
    """Return the folder's files as an artefact lists them."""
    return tuple(
        FileRecord(name, digest_of_file(folder / name), (folder / name).stat().st_size)
        for name in _file_names(folder)
    )


def _file_names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _changed(folder: Path, wrong: int) -> Refused:
    release_id = folder.name.removeprefix(STAGED_PREFIX)
    return Refused(
        "RELEASE_CHANGED",
        f"Release {release_id}: {counted(wrong, 'file differs', 'files differ')} from its manifest.",
        "Restore the release from a copy and find out who changed it. To correct figures, run "
        "`hearth releases correct`; a release is never edited.",
    )
