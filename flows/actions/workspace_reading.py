"""Reading what earlier runs left: the storage key is opened, nothing is made."""

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
    """Lend a workspace whose retained tables can be read; raises Fault where nothing has run there."""
    keys = at_rest_keys(project.workspace)
    if not keys.is_dir():
        raise Fault(
            "NOTHING_RAN_HERE",
            "The workspace holds no run of this project.",
            "Name the run's workspace with --workspace, or start `hearth run` first.",
        )
    workspace = Workspace.open(project.workspace)
    with encrypted_at_rest(workspace.root, open_at_rest_keys(keys, run=False)):
        yield workspace
