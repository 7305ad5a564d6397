"""Read what earlier runs stored. The storage key is opened; nothing is created."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.errors import Fault
from governance.keys.at_rest_keys import open_at_rest_keys
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.project import Project
from pipeline.workspace import Workspace


@contextmanager
def reading_workspace(project: Project) -> Iterator[Workspace]:
    """Open a workspace so that its stored tables can be read. Raises Fault if nothing has run there."""
    keys = project.workspace / "keys" / "at-rest"
    if not keys.is_dir():
        raise Fault(
            "NOTHING_RAN_HERE",
            "No run of this project is in the workspace, so there is nothing to read.",
            "Name the workspace of the run with --workspace, or run `hearth run` first.",
        )
    workspace = Workspace.open(project.workspace)
    with encrypted_at_rest(workspace.root, open_at_rest_keys(keys, run=False)):
        yield workspace


def latest_folder(zone: Path, stage: str, part: str) -> Path | None:
    """Return the folder of the newest artefact of a stage and part, or None if there is none."""
    folders = [p for p in zone.glob(f"{stage}-{part}-*") if (p / "artefact.json").is_file()]
    return max(folders, key=lambda p: (p / "artefact.json").stat().st_mtime, default=None)
