"""Releases as commands find them: the newest, one by its name, and each checked before it is read."""

from collections.abc import Sequence
from pathlib import Path

import typer

from governance.audit.verify import RELEASE_ID
from governance.errors import Fault
from pipeline.publish.files.manifest import MANIFEST, STATEMENT
from pipeline.publish.release_check import ReleaseChecker, is_release


def checked_releases(folders: Sequence[Path]) -> list[Path]:
    """Return the folders of releases, each checked; what the check left open is printed to standard error.

    Raises Refused RELEASE_CHANGED where one is not as it was published.
    """
    checker = ReleaseChecker()
    for note in {checker.check(folder) for folder in folders} - {""}:
        typer.echo(note, err=True)
    return list(folders)


def checked_release(folder: Path) -> Path:
    """Return the folder of one release, checked as `checked_releases` does."""
    return checked_releases([folder])[0]


def newest_release(releases: Path) -> Path:
    """Return the folder of the latest release: by reference date, then by file time. Raises Fault if none."""
    found = release_folders(releases)
    if not found:
        raise Fault(
            "NO_RELEASE",
            f"There is no release in {releases}.",
            "Name another folder with --releases, or publish one with `hearth run`.",
        )
    return max(found, key=lambda p: (p.name[:10], _written(p)))


def release_folders(releases: Path) -> list[Path]:
    """Return the folders that contain a release or have the name of one, the one written last first."""
    folders = [
        p
        for p in releases.glob("*")
        if not p.name.startswith(".") and (is_release(p) or (p.is_dir() and RELEASE_ID.fullmatch(p.name)))
    ]
    return sorted(folders, key=_written, reverse=True)


def _written(folder: Path) -> float:
    """Return the file time of a release: of its manifest, else its statement, else the folder."""
    found = [path for name in (MANIFEST, STATEMENT) if (path := folder / name).is_file()]
    return (found[0] if found else folder).lstat().st_mtime
