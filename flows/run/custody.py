"""Which keys an environment holds, by custody: the linker's never include the linkage key.

at-source, third-party   the controllers hold the linkage key; here are the outer key and the
                         identity that opens their packages
single-operator          one place plays all three, for invented people only
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from governance.agreement.agreement import Agreement
from governance.errors import Fault, Refused
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyProvider
from governance.keys.providers.unsafe_demo import WARNING
from governance.keys.settings import KeyUse, open_key, open_outer_key, read_key_settings
from governance.keys.states import check_may_pseudonymise
from pipeline.project import Project
from pipeline.transfer.receiving import Receiver
from pipeline.transfer.settings import read_transfer_settings
from pipeline.workspace import Workspace

IN_ENVIRONMENT = (
    "WARNING: a key's passphrase comes from an environment variable, which every process of this user can "
    "read. That is for CI; elsewhere name a passphrase_file."
)


@dataclass(frozen=True)
class RunKeys:
    """What a run holds: the linkage key, or the outer key and a receiver of packages, never both kinds.

    warning: what the operator must be told about them.
    """

    inner: InMemoryKey | None = field(default=None, repr=False)
    outer: KeyProvider | None = field(default=None, repr=False)
    receiver: Receiver | None = field(default=None, repr=False)
    warning: str = ""

    def linkage(self) -> InMemoryKey:
        """Return the linkage key; raises Fault where custody keeps it elsewhere."""
        if self.inner is None:
            raise Fault(
                "NO_KEY_HERE",
                "This environment holds no linkage key, so it cannot pseudonymise.",
                "At source, the controllers run `hearth pseudonymise`; `hearth run` takes their packages.",
            )
        return self.inner

    def receiving(self) -> tuple[Receiver, KeyProvider]:
        """Return what opens packages and what is laid over them; raises Fault where there is neither."""
        if self.receiver is None or self.outer is None:
            raise Fault(
                "NO_RECEIVER_HERE",
                "This environment takes no packages.",
                "Set custody to at-source in hearth.toml, with [keys.outer] and [keys.transfer].",
            )
        return self.receiver, self.outer


def open_run_keys(project: Project, agreement: Agreement, workspace: Workspace) -> RunKeys:
    """Open what `hearth run` may hold under the project's custody.

    Raises Fault when something is missing or unusable, Refused when it belongs to another agreement
    or period, has expired, or the custody forbids it.
    """
    settings = read_key_settings(project.keys, project.folder, project.custody, needs_inner=False)
    use = key_use(project, agreement, workspace)
    if project.custody == "single-operator":
        inner = open_key(settings, use)
        if inner.description.provider == "unsafe-demo":
            return RunKeys(inner, warning=WARNING)
        return RunKeys(inner, warning=IN_ENVIRONMENT if settings.passphrase.variable else "")
    outer = open_outer_key(settings, use)
    if outer is None:
        raise Fault(
            "KEY_OUTER_MISSING",
            "[keys.outer] is missing, and without it two projects' pseudonyms could be joined.",
            "Make one with `hearth keys new --layer outer` and name it in hearth.toml.",
        )
    transfer = read_transfer_settings(project)
    exposed = settings.outer is not None and settings.outer.passphrase.variable is not None
    receiver = Receiver.of(transfer, settings.version)
    return RunKeys(outer=outer, receiver=receiver, warning=IN_ENVIRONMENT if exposed else "")


def open_controller_keys(project: Project, agreement: Agreement, workspace: Workspace) -> RunKeys:
    """Open the linkage key at a controller; a controller that also has the outer key is refused."""
    settings = read_key_settings(project.keys, project.folder, project.custody)
    if settings.outer is not None and project.custody != "single-operator":
        raise Refused(
            "KEY_OUTER_MISPLACED",
            "[keys.outer] names the linkage environment's key at a controller.",
            "Remove [keys.outer] from this hearth.toml: a place with both keys could undo the separation.",
        )
    key = open_key(settings, key_use(project, agreement, workspace)).without_outer()
    check_may_pseudonymise(key.description.key_id, key.description.state)
    return RunKeys(key, warning=WARNING if key.description.provider == "unsafe-demo" else "")


def key_use(project: Project, agreement: Agreement, workspace: Workspace) -> KeyUse:
    """Return what this project wants a key for, today."""
    return KeyUse(
        agreement=agreement.id,
        period=agreement.period,
        project=project.name,
        custody=project.custody,
        production=project.production,
        workspace_keys=workspace.zone("keys"),
        today=datetime.now(UTC).date(),
    )


def orchestrator_homes() -> tuple[Path, ...]:
    """Return the orchestrator's home and database where the operator has put them outside the workspace.

    A database of a server is not ours to read; one in a file is searched with the folder it lies in.
    """
    home = os.environ.get("PREFECT_HOME")
    url = next((os.environ[name] for name in _DATABASE_URLS if name in os.environ), "")
    scheme, _, path = url.partition(":///")
    database = (
        Path(path.partition("?")[0]).absolute().parent
        if scheme.startswith("sqlite") and path.startswith("/")
        else None
    )
    return tuple(folder for folder in (Path(home) if home else None, database) if folder is not None)


_DATABASE_URLS = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
