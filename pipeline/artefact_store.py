"""Artefacts on disk: written to a temporary folder, hashed, renamed into place, verified before reuse.

The folder `<zone>/<stage>-<part>-<first 16 of fingerprint>/` contains the files and `artefact.json` (file
digests, evidence). It is either complete or does not exist.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from governance.artefact import Artefact, Evidence, FileRecord
from governance.canonical import canonical_json, digest_of_file
from governance.errors import Fault
from schemas.storage.artefact_record import DISPOSED, PARTIAL, RECORD, artefact_folder
from schemas.storage.durable_write import rename_durably, sync, write_durably

#: Fills an empty folder; returns the rows of each file (None if it is not a table) and the evidence.
Fill = Callable[[Path], tuple[dict[str, int | None], Evidence]]


def write_artefact(
    zone: Path, stage: str, part: str, fingerprint: str, fill: Fill
) -> tuple[Artefact, Evidence]:
    """Call `fill` on a private folder, then hash the files and rename the folder into place in one step.

    Returns the artefact and the evidence that `fill` returned. A half-written folder of an earlier run is
    removed first. If `fill` raises, its folder is removed and the exception passes on.
    """
    final = artefact_folder(zone, stage, part, fingerprint)
    partial = final.with_name(final.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        rows, evidence = fill(partial)
        files = _settled(partial, rows)
        record = {
            "stage": stage,
            "part": part,
            "fingerprint": fingerprint,
            "files": [asdict(f) for f in files],
            "facts": dict(evidence.facts),
        }
        (partial / RECORD).write_bytes(canonical_json(record))
        for path in (partial / RECORD, *(p for p in partial.rglob("*") if p.is_dir())):
            sync(path)
        shutil.rmtree(final, ignore_errors=True)
        rename_durably(partial, final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Artefact(stage, part, final, fingerprint, files), evidence


def find_artefact(zone: Path, stage: str, part: str, fingerprint: str) -> tuple[Artefact, Evidence] | None:
    """Return the finished artefact of a fingerprint after hashing its files again; None if there is none.

    A disposed artefact counts as none. Raises Fault if the files are not those of the artefact's record. The
    record itself proves nothing: compare the result with the audit log before it is used.
    """
    folder = artefact_folder(zone, stage, part, fingerprint)
    if (folder / DISPOSED).is_file():
        return None
    found = recall_artefact(zone, stage, part, fingerprint)
    if found is None:
        return None
    files = found[0].files
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {RECORD}
    wrong = [f.name for f in files if f.name not in present or digest_of_file(folder / f.name) != f.sha256]
    if wrong or present - {f.name for f in files}:
        raise changed_artefact(
            folder, f"Files that differ from its record: {len(wrong) or 1} of {len(files)}"
        )
    return found


def recall_artefact(zone: Path, stage: str, part: str, fingerprint: str) -> tuple[Artefact, Evidence] | None:
    """Return the record of an artefact, even if its files have been disposed of; None if there is none.

    Use it to judge evidence again, and `find_artefact` to read the files. Raises Fault if the record cannot
    be read or is another artefact's.
    """
    folder = artefact_folder(zone, stage, part, fingerprint)
    if not (folder / RECORD).is_file():
        return None
    try:
        record = json.loads((folder / RECORD).read_bytes())
        files = tuple(FileRecord(**f) for f in record["files"])
        evidence = Evidence(stage, part, dict(record["facts"]))
        is_own = (record["stage"], record["part"], record["fingerprint"]) == (stage, part, fingerprint)
    except (OSError, ValueError, TypeError, KeyError):
        raise changed_artefact(folder, "Its record cannot be read") from None
    if not is_own:
        raise changed_artefact(folder, "Its record is that of another artefact")
    return Artefact(stage, part, folder, fingerprint, files), evidence


def recorded_facts(artefact: Artefact) -> Mapping[str, Any]:
    """Return the facts that the record of an artefact has. Raises Fault if the record cannot be read."""
    try:
        return dict(json.loads((artefact.folder / RECORD).read_bytes())["facts"])
    except (OSError, ValueError, TypeError, KeyError):
        raise changed_artefact(artefact.folder, "Its record cannot be read") from None


def changed_artefact(folder: Path, why: str) -> Fault:
    """Return the fault of an artefact that is not as it was written."""
    return Fault(
        "ARTEFACT_CHANGED",
        f"{folder.name} was changed after it was written, so it was not used. {why}.",
        f"Find out who changed it. Then delete the folder {folder.name} from its zone and start "
        "`hearth run` again, which makes the artefact again.",
    )


def dispose_artefact(artefact: Artefact, keep: tuple[str, ...] = ()) -> int:
    """Delete an artefact's files, except those in the folders named in `keep`; its record stays.

    Returns the number of files removed.
    """
    return dispose_folder(artefact.folder, keep)


def dispose_folder(folder: Path, keep: tuple[str, ...] = ()) -> int:
    """Do what `dispose_artefact` does, to the artefact in `folder`.

    Every file that is there is removed, whether or not the record lists it. The disposal mark is
    written first: a process killed half-way then leaves a disposed artefact and not a damaged one. A second
    call removes the files that the first did not reach.
    """
    kept = tuple(f"{k}/" for k in keep)
    present = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())
    going = [name for name in present if name not in (RECORD, DISPOSED) and not name.startswith(kept)]
    if going or not (folder / DISPOSED).is_file():
        write_durably(folder / DISPOSED, canonical_json({"removed": going}))
    for name in going:
        (folder / name).unlink()
    sync(folder)
    return len(going)


def _settled(folder: Path, rows: Mapping[str, int | None]) -> tuple[FileRecord, ...]:
    """Flush the folder's files to disk and hash them, two at a time; return their records."""

    def settle(name: str) -> FileRecord:
        path = folder / name
        sync(path)
        return FileRecord(name, digest_of_file(path), path.stat().st_size, rows.get(name))

    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    with ThreadPoolExecutor(2, thread_name_prefix="settling") as threads:
        return tuple(threads.map(settle, names))
