"""One place's keys as its custodian meets them: where they lie, and every act on them put on record."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from flows.actions.authorisation import authorised_principal, login, package_signers
from flows.run.custody import key_use
from governance.agreement.agreement import Agreement, read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.errors import Fault, HearthError, Refused
from governance.keys.key_store import KeyStore
from governance.keys.providers.sealed_file import read_sealed_key
from governance.keys.settings import KeySettings, KeyUse, locate_inner, locate_outer, read_key_settings
from pipeline.project import Project, read_project
from pipeline.workspace import Workspace

Layer = Literal["inner", "outer"]
RUN = "keys"
#: Acts on a key that stands, and who may take them: (act, layer) -> action of governance/principals/roles.py.
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
    """One place's project, and where its keys lie."""

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
        """Return the layers this place has settings for."""
        layers: list[Layer] = []
        if self.project.custody == "single-operator" or "path" in self.project.keys:
            layers.append("inner")
        if self._settings().outer is not None:
            layers.append("outer")
        return layers

    def place(self, layer: Layer) -> KeyStore:
        """Return where a layer's key is kept; raises Fault where hearth.toml does not say."""
        settings = self._settings(needs_inner=layer == "inner")
        if layer == "inner":
            return locate_inner(settings, self.use)
        if settings.outer is None:
            raise Fault(
                "KEY_OUTER_MISSING",
                "[keys.outer] is missing in hearth.toml.",
                "Name its path and passphrase.",
            )
        return locate_outer(settings.outer, self.use)

    def is_demo(self, layer: Layer) -> bool:
        """Answer whether the layer's key is the sample project's, which makes itself."""
        settings = self._settings()
        return bool((settings if layer == "inner" else settings.outer or settings).provider == "unsafe-demo")

    def version(self, layer: Layer, version: int) -> tuple[Path, str]:
        """Return the file of a version, current or not, and the passphrase."""
        place = self.place(layer)
        place.check_local()
        passphrase = place.passphrase.read()
        older = place.of_version(version)
        path = older if older.exists() else place.path
        found = read_sealed_key(path).description
        if found.context.version != version:
            raise Fault(
                "KEY_MISSING",
                f"There is no version {version} of the {layer} key here; the current one is {found.key_id}.",
                "`hearth keys list` shows those there are.",
            )
        return path, passphrase

    @property
    def agreement_expires(self) -> date:
        """The agreement's last day, which is a key's too."""
        return self.agreement.expires

    def recording(self, act: str, layer: Layer = "inner", key: Path | None = None) -> "Recording":
        """Put what happens within on record; the facts it lends are written with it.

        key: the key file of whoever acts, instead of the project's signing_keys. Raises Refused where
        the act is for certain principals, and none of them is known.
        """
        return Recording(self, act, self._actor(act, layer, key))

    def _actor(self, act: str, layer: Layer, key: Path | None) -> str:
        action = _ACTIONS.get((act, layer))
        if action is None:
            return f"unauthenticated:{login()}"
        return authorised_principal(
            self.project, self.agreement, action, key, further=package_signers(self.project)
        )[0]

    def _settings(self, needs_inner: bool = False) -> KeySettings:
        return read_key_settings(
            self.project.keys, self.project.folder, self.project.custody, needs_inner=needs_inner
        )


class Recording:
    """Puts one act on a key into the audit log: done with its facts, or refused with its code."""

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
        self._audit.append(RUN, self._actor, None, "key", None, verdict, self._facts, self._policy)
        self._audit.checkpoint()
