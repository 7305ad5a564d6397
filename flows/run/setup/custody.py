"""Which keys an environment has, by custody. The linkage environment never has the linkage key.

at-source, third-party   the controllers (or a third party) have the linkage key; the linkage environment
                         has the outer key and the identity that opens their packages
single-operator          one environment has all keys; only for synthetic data
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from governance.agreement.agreement import Agreement
from governance.errors import Fault, Refused
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyDescription, KeyProvider
from governance.keys.providers.unsafe_demo import WARNING
from governance.keys.settings import KeyUse, open_key, open_outer_key, read_key_settings
from governance.keys.states import check_may_pseudonymise
from pipeline.project import Project
from pipeline.transfer.receiving import Receiver
from pipeline.transfer.settings import read_transfer_settings
from pipeline.workspace import Workspace

IN_ENVIRONMENT = (
    "WARNING: a key's passphrase comes from an environment variable, which every process of this user can "
    "read. Use that only in CI. Elsewhere, set passphrase_file in hearth.toml."
)


@dataclass(frozen=True)
class RunKeys:
    """The keys of a run: the linkage key, or the outer key with a receiver of packages, but never both.

    warning: what the operator must know about them.
    """

    inner: InMemoryKey | None = field(default=None, repr=False)
    outer: KeyProvider | None = field(default=None, repr=False)
    receiver: Receiver | None = field(default=None, repr=False)
    warning: str = ""

    @property
    def descriptions(self) -> tuple[KeyDescription, ...]:
        """Which keys these are, and their states; no key material."""
        inner = () if self.inner is None else (self.inner, self.inner.outer)
        return tuple(key.description for key in (*inner, self.outer) if key is not None)

    def linkage(self) -> InMemoryKey:
        """Return the linkage key. Raises Fault if this environment does not have it."""
        if self.inner is None:
            raise Fault(
                "NO_KEY_HERE",
                "This environment has no linkage key, so it cannot pseudonymise extracts.",
                "Have each controller run `hearth pseudonymise` and send its package for `hearth run`.",
            )
        return self.inner

    def receiving(self) -> tuple[Receiver, KeyProvider]:
        """Return what opens packages, and the outer key. Raises Fault if this environment has neither."""
        if self.receiver is None or self.outer is None:
            raise Fault(
                "NO_RECEIVER_HERE",
                "This environment is not set up to receive packages.",
                'Set custody = "at-source" in hearth.toml, with [keys.outer] and [keys.transfer] '
                "(docs/custody.md shows an example).",
            )
        return self.receiver, self.outer


def open_run_keys(project: Project, agreement: Agreement, workspace: Workspace) -> RunKeys:
    """Open the keys that `hearth run` may have under the project's custody.

    Raises Fault if a key is missing or unusable, and Refused if it belongs to another agreement or period,
    has expired, or is forbidden by the custody.
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
            "[keys.outer] is missing in hearth.toml. Without it, the data of two projects could be joined.",
            "Make one with `hearth keys new --layer outer`, and add [keys.outer] to hearth.toml.",
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
    """Return what this project uses a key for, today."""
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
    """Return the folders of the orchestrator's home and database that are outside the workspace.

    A database file is searched with its whole folder. A database server cannot be searched from here.
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
