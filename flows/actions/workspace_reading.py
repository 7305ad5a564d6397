"""Read what earlier runs stored. The storage key is opened; nothing is created."""

from collections.abc import Iterator
from contextlib import contextmanager

from governance.errors import Fault
from governance.keys.at_rest_keys import open_at_rest_keys
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.project import Project
from pipeline.workspace import Workspace
from schemas.storage.zones import at_rest_keys


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
