"""The keys of one environment: where they are stored, and a log entry for every action on them."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from flows.run.setup.authorisation import authorised_principal, login, package_signers
from flows.run.setup.custody import key_use
from flows.run.setup.key_attempts import RUN, failed_attempts_recorded
from governance.agreement.agreement import Agreement, read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.errors import Fault, HearthError, Refused
from governance.keys.key_store import KeyStore
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.sealed_file import read_sealed_key
from governance.keys.settings import KeySettings, KeyUse, locate_inner, locate_outer, read_key_settings
from pipeline.project import Project, read_project
from pipeline.workspace import Workspace

Layer = Literal["inner", "outer"]
#: Actions on an existing key: (act, layer) -> the action of governance/principals/roles.py that it needs.
_ACTIONS: dict[tuple[str, Layer], str] = {
    ("rotate", "inner"): "rotate-key",
    ("retire", "inner"): "rotate-key",
    ("destroy", "inner"): "destroy-key",
    ("rotate", "outer"): "rotate-outer-key",
    ("retire", "outer"): "rotate-outer-key",
    ("destroy", "outer"): "rotate-outer-key",
}


@dataclass(frozen=True)
class KeyCustodian:
    """A project, and where the keys of this environment are stored."""

    project: Project
    use: KeyUse
    agreement: Agreement
    audit_folder: Path

    @classmethod
    def of(cls, config: Path, workspace: Path | None) -> "KeyCustodian":
        """Read the project, its agreement and its workspace."""
        project = read_project(config, workspace)
        agreement = read_agreement(project.agreement)
        place = Workspace.open(project.workspace)
        use = key_use(project, agreement, place)
        return cls(project, use, agreement, place.zone("audit"))

    def layers(self) -> list[Layer]:
        """Return the layers for which this environment has settings."""
        layers: list[Layer] = []
        if self.project.custody == "single-operator" or "path" in self.project.keys:
            layers.append("inner")
        if self._settings().outer is not None:
            layers.append("outer")
        return layers

    def key_store(self, layer: Layer) -> KeyStore:
        """Return where a layer's key is stored. Raises Fault if hearth.toml does not name it."""
        settings = self._settings(needs_inner=layer == "inner")
        if layer == "inner":
            return locate_inner(settings, self.use)
        if settings.outer is None:
            raise Fault(
                "KEY_OUTER_MISSING",
                "[keys.outer] is missing in hearth.toml, so there is no outer key to work with.",
                "Add [keys.outer] with path and passphrase_file (docs/custody.md shows an example).",
            )
        return locate_outer(settings.outer, self.use)

    def is_demo(self, layer: Layer) -> bool:
        """Return whether the layer's key is the sample project's demo key, which is derived automatically."""
        settings = self._settings()
        return bool((settings if layer == "inner" else settings.outer or settings).provider == "unsafe-demo")

    def version(self, layer: Layer, version: int) -> tuple[Path, str]:
        """Return the file of a version of the key (current or older) and the passphrase."""
        store = self.key_store(layer)
        store.check_local()
        store.check_no_rotation()
        passphrase = store.passphrase.read()
        older = store.of_version(version)
        path = older if older.exists() else store.path
        found = read_sealed_key(path).description
        if found.context.version != version:
            raise Fault(
                "KEY_MISSING",
                f"There is no version {version} of the {layer} key here; the current one is {found.key_id}.",
                "Use --version with one that `hearth keys list` shows.",
            )
        return path, passphrase

    def open(self, layer: Layer) -> InMemoryKey:
        """Open a layer's current key; a failed attempt is recorded."""
        with failed_attempts_recorded(self.project, self.agreement):
            return self.key_store(layer).open()

    @property
    def agreement_expires(self) -> date:
        """The agreement's last day, which is also the last day of its keys."""
        return self.agreement.expires

    def recording(self, act: str, layer: Layer = "inner", key: Path | None = None) -> "Recording":
        """Record an action in the audit log, with the facts that the caller adds to the yielded dict.

        key: the key file of the person who acts, instead of the project's signing_keys. Raises Refused if
        the action is reserved for certain roles and no key belongs to a principal with one of them.
        """
        return Recording(self, act, self._actor(act, layer, key))

    def _actor(self, act: str, layer: Layer, key: Path | None) -> str:
        action = _ACTIONS.get((act, layer))
        if action is None:
            return f"unauthenticated:{login()}"
        with failed_attempts_recorded(self.project, self.agreement):
            signers = package_signers(self.project)
        return authorised_principal(self.project, self.agreement, action, key, further=signers)[0]

    def _settings(self, needs_inner: bool = False) -> KeySettings:
        return read_key_settings(
            self.project.keys, self.project.folder, self.project.custody, needs_inner=needs_inner
        )


class Recording:
    """Writes one action on a key to the audit log: done with its facts, or refused with its code."""

    def __init__(self, custodian: KeyCustodian, act: str, actor: str) -> None:
        signer = open_log_signer(custodian.use.workspace_keys, f"hearth/{custodian.project.name}")
        self._audit = AuditLog.open(custodian.audit_folder, signer)
        self._policy = custodian.agreement.digest
        self._actor = actor
        self._facts: dict[str, Any] = {"act": act}

    def __enter__(self) -> dict[str, Any]:
        return self._facts

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        verdict = "done" if error is None else "refused" if isinstance(error, Refused) else "fault"
        if isinstance(error, HearthError):
            self._facts["code"] = error.code
        self._audit.append(
            RUN, self._actor, None, "key", verdict=verdict, evidence=self._facts, policy=self._policy
        )
        self._audit.checkpoint()
