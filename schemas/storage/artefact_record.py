"""The record of an artefact: the file that lists its files and the evidence of its stage.

An artefact is the folder `<zone>/<stage>-<part>-<first 16 of its fingerprint>/`.
"""

from pathlib import Path

#: Stage, part, fingerprint, file digests and evidence facts, as canonical JSON.
RECORD = "artefact.json"
#: Written when the files of an artefact are deleted: their names. The record stays.
DISPOSED = "disposed.json"
#: Suffix of a folder that is still being written.
PARTIAL = ".partial"


def artefact_folder(zone: Path, stage: str, part: str, fingerprint: str) -> Path:
    """Return the folder that an artefact of that fingerprint has."""
    return zone / f"{stage}-{part}-{fingerprint[:16]}"
