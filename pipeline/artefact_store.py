"""Artefacts on disk: written aside, hashed, renamed into place, verified before reuse.

A folder `<zone>/<stage>-<part>-<first 16 of fingerprint>/` holds the files and
`artefact.json` (file digests, evidence). It stands whole or not at all.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from governance.artefact import Artefact, Evidence, FileRecord
from governance.canonical import canonical_json, digest_of_file
from governance.errors import Fault
from schemas.storage.artefact_record import DISPOSED, PARTIAL, RECORD, artefact_folder
from schemas.storage.durable_write import rename_durably, sync, write_durably

#: Fills an empty folder; returns the rows of each file (None where it is no table) and the evidence.
Fill = Callable[[Path], tuple[dict[str, int | None], Evidence]]


def write_artefact(
    zone: Path, stage: str, part: str, fingerprint: str, fill: Fill
) -> tuple[Artefact, Evidence]:
    """Let `fill` write into a private folder, then hash it and rename it into place in one step.

    An earlier half-written folder is removed first; whatever `fill` raises leaves nothing behind.
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
    """Return a finished artefact of that fingerprint, its files hashed anew, or None if there is none.

    Raises Fault when it stands there and its bytes are not what its record says.
    """
    folder = artefact_folder(zone, stage, part, fingerprint)
    if not (folder / RECORD).is_file() or (folder / DISPOSED).is_file():
        return None
    record = json.loads((folder / RECORD).read_bytes())
    files = tuple(FileRecord(**f) for f in record["files"])
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {RECORD}
    wrong = [f.name for f in files if f.name not in present or digest_of_file(folder / f.name) != f.sha256]
    if wrong or present - {f.name for f in files} or record["fingerprint"] != fingerprint:
        raise Fault(
            "ARTEFACT_CHANGED",
            f"{folder.name}: {len(wrong) or 1} of {len(files)} files are not what its record says.",
            f"Find out who changed it, then remove {folder.name} from its zone; the run will make it again.",
        )
    artefact = Artefact(stage, part, folder, fingerprint, files)
    return artefact, Evidence(stage, part, record["facts"])


def recall_artefact(zone: Path, stage: str, part: str, fingerprint: str) -> tuple[Artefact, Evidence] | None:
    """Return the record of an artefact whether or not its files were disposed of since.

    It serves to judge evidence again; whoever needs the files asks `find_artefact`.
    """
    folder = artefact_folder(zone, stage, part, fingerprint)
    if not (folder / RECORD).is_file():
        return None
    record = json.loads((folder / RECORD).read_bytes())
    files = tuple(FileRecord(**f) for f in record["files"])
    return Artefact(stage, part, folder, fingerprint, files), Evidence(stage, part, record["facts"])


def dispose_artefact(artefact: Artefact, keep: tuple[str, ...] = ()) -> int:
    """Delete an artefact's files, but those under the folders named in `keep`; its record stays.

    Returns the number of files removed.
    """
    return dispose_folder(artefact.folder, keep)


def dispose_folder(folder: Path, keep: tuple[str, ...] = ()) -> int:
    """Do what `dispose_artefact` does to the artefact that stands in `folder`.

    The mark is written first, so that a kill half-way leaves a disposed artefact, not a damaged one;
    a second call removes what the first did not reach.
    """
    names = [str(f["name"]) for f in json.loads((folder / RECORD).read_bytes())["files"]]
    going = [name for name in names if not name.startswith(tuple(f"{k}/" for k in keep))]
    write_durably(folder / DISPOSED, canonical_json({"removed": going}))
    present = [name for name in going if (folder / name).exists()]
    for name in present:
        (folder / name).unlink()
    sync(folder)
    return len(present)


def _settled(folder: Path, rows: Mapping[str, int | None]) -> tuple[FileRecord, ...]:
    """Hash the folder's files and flush them to disk, one beside the other; return their records."""

    def settle(name: str) -> FileRecord:
        path = folder / name
        sync(path)
        return FileRecord(name, digest_of_file(path), path.stat().st_size, rows.get(name))

    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    with ThreadPoolExecutor(2, thread_name_prefix="settling") as threads:
        return tuple(threads.map(settle, names))
