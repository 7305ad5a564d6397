"""The [keys] tables of hearth.toml, and the functions that open a run's keys.

[keys]                             # the inner layer: only at the controllers
provider = "file"                  # "file", "keyring", "vault-transit", "aws-kms" (see each module), or
                                   # "unsafe-demo" (sample project only, the default there)
path = "keys/linkage.key"          # relative to hearth.toml
passphrase_file = "keys/passphrase"  # mode 0600; or passphrase_variable = "NAME" (CI, with a warning)
version = 2                        # optional: accept only this version of the key

[keys.outer]                       # the outer layer: only in the linkage environment
path = "keys/outer.key"
passphrase_file = "keys/passphrase"

[keys.transfer]                    # see pipeline/transfer/settings.py
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from governance.counted import counted
from governance.errors import Fault, Finding, Refused
from governance.keys.destruction import was_destroyed
from governance.keys.key_store import OUTER, KeyStore, Remote
from governance.keys.passphrase import PassphraseSource
from governance.keys.providers.aws_kms import AwsKms
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.keyring_key import KeyringRoot
from governance.keys.providers.unsafe_demo import unsafe_demo_store
from governance.keys.providers.vault_transit import VaultTransit
from governance.keys.pseudonyms.derivation import KeyContext

PROVIDERS = ("file", "keyring", "vault-transit", "aws-kms", "unsafe-demo")
_TEXTS = (
    "path",
    "passphrase_file",
    "passphrase_variable",
    "address",
    "name",
    "mount",
    "token_file",
    "region",
    "endpoint",
)
_OWN = {"provider", "version", *_TEXTS}
#: Settings that each provider needs.
_NEEDS = {
    "file": ("path",),
    "keyring": ("path",),
    "vault-transit": ("path", "address", "name", "token_file"),
    "aws-kms": ("path", "name", "region"),
}
_SECTIONS = {"outer", "transfer"}
#: Read by pipeline/disclosure/noise/record_key.py.
_ELSEWHERE = {"record_key_file"}


@dataclass(frozen=True)
class KeySettings:
    """A [keys] table, checked. path: the key file; passphrase: where its passphrase comes from.

    version: the only version accepted; None for any. remote: where the root is kept, if not in the file.
    outer: settings of the outer layer's key; None if the table has none.
    """

    provider: str
    path: Path | None
    passphrase: PassphraseSource
    version: int | None = None
    remote: Remote | None = None
    outer: "KeySettings | None" = None


@dataclass(frozen=True)
class KeyUse:
    """The project that uses a key. workspace_keys: the workspace's `keys` zone."""

    agreement: str
    period: str
    project: str
    custody: str
    production: bool
    workspace_keys: Path
    today: date


def read_key_settings(
    table: Mapping[str, Any], folder: Path, custody: str, *, needs_inner: bool = True
) -> KeySettings:
    """Check the [keys] table; paths are relative to `folder`. Raises Fault with a list of every mistake.

    needs_inner: whether the linkage key must be configured; a linkage environment has none.
    """
    findings = list(_faults("[keys]", table, _OWN | _SECTIONS | _ELSEWHERE, custody))
    if not needs_inner and custody != "single-operator":
        findings = [f for f in findings if f.where != "[keys] path"]
    outer = table.get("outer", {} if custody == "single-operator" and "path" not in table else None)
    if outer is not None:
        findings += _faults("[keys.outer]", outer, _OWN, custody)
    if findings:
        raise Fault(
            "CONFIG_INVALID",
            f"[keys] in hearth.toml has {counted(len(findings), 'problem')}.",
            "Correct each of them in hearth.toml.",
            tuple(findings),
        )
    return _settings(table, folder, custody, None if outer is None else _settings(outer, folder, custody))


def open_key(settings: KeySettings, use: KeyUse) -> InMemoryKey:
    """Open the linkage key; in single-operator custody also the outer key.

    Raises Fault if a key is missing or unusable, and Refused if it was made for another agreement or
    period, has expired, was destroyed before, or custody does not allow it.
    """
    if use.production and use.custody == "single-operator":
        raise Refused(
            "CUSTODY_FORBIDDEN",
            "In production, one operator must not have both the key and the data.",
            'Set custody = "at-source" or "third-party" under [project] in hearth.toml.',
        )
    store = locate_inner(settings, use)
    inner = _open(store, use)
    inner = inner.with_previous(store.open_previous(inner.description.context.version))
    if use.custody != "single-operator":
        return inner
    outer = open_outer_key(settings, use)
    if outer is None:
        return inner
    if inner.has_root_of(outer):
        raise Refused(
            "KEY_REUSED",
            "The inner and the outer key have the same root, so the outer layer protects nothing.",
            "Make a new outer key: `hearth keys new --layer outer`.",
        )
    return inner.with_outer(outer)


def open_outer_key(settings: KeySettings, use: KeyUse) -> InMemoryKey | None:
    """Open the key of the outer layer, which belongs to the project; None if none is configured."""
    return None if settings.outer is None else _open(locate_outer(settings.outer, use), use)


def locate_inner(settings: KeySettings, use: KeyUse) -> KeyStore:
    """Return where the linkage key is kept, and the agreement and period that it must belong to."""
    return _locate(settings, use.agreement, use)


def locate_outer(settings: KeySettings, use: KeyUse) -> KeyStore:
    """Return where the outer layer's key is kept and what it must belong to; `settings`: [keys.outer]."""
    return _locate(settings, f"{OUTER}{use.project}", use)


def check_usable(key: InMemoryKey, store: KeyStore, today: date) -> None:
    """Raise Refused if a key belongs to another agreement or period, has expired, or was destroyed."""
    found = key.description
    wanted = KeyContext(store.agreement, store.period, store.version or found.context.version)
    if found.context != wanted:
        raise Refused(
            "KEY_CONTEXT_MISMATCH",
            f"The key file contains key {found.key_id}, but this project needs {wanted.key_id}.",
            "Set `path` under [keys] in hearth.toml to the key of this agreement and period, or make one "
            "with `hearth keys new`. A key is never used for two agreements or periods.",
        )
    if found.expires is not None and today > found.expires:
        raise Refused(
            "KEY_EXPIRED",
            f"Key {found.key_id} expired on {found.expires}.",
            "Replace it with `hearth keys rotate`.",
        )
    if today < found.created:
        raise Refused(
            "CLOCK_SET_BACK",
            f"This machine's date is {today}, before key {found.key_id} was made ({found.created}).",
            "Correct the clock, then run the command again. Expiry dates depend on it.",
        )
    if was_destroyed(store.path, key):
        raise Refused(
            "KEY_REUSED",
            f"Key {found.key_id} was destroyed and certified as destroyed, but a copy of it is in use.",
            "Delete this copy. Find the backup it came from and destroy it there too.",
        )


def _open(store: KeyStore, use: KeyUse) -> InMemoryKey:
    key = store.open()
    check_usable(key, store, use.today)
    return key


def _locate(settings: KeySettings, agreement: str, use: KeyUse) -> KeyStore:
    if settings.provider == "unsafe-demo":
        return unsafe_demo_store(
            use.workspace_keys,
            KeyContext(agreement, use.period),
            custody=use.custody,
            production=use.production,
            today=use.today,
        )
    assert settings.path is not None  # noqa: S101  (read_key_settings has checked it)
    return KeyStore(
        agreement,
        use.period,
        settings.version,
        settings.path,
        settings.passphrase,
        settings.provider,
        settings.remote,
    )


def _faults(where: str, table: Any, known: set[str], custody: str) -> list[Finding]:
    if not isinstance(table, Mapping):
        return [Finding("CONFIG", where, "must be a table")]
    found = [
        Finding("CONFIG", where, f"unknown setting {name!r}; possible are {', '.join(sorted(known))}")
        for name in sorted(set(table) - known)
    ]
    provider = _provider(table, custody)
    if provider not in PROVIDERS:
        found.append(Finding("CONFIG", f"{where} provider", f"must be one of {', '.join(PROVIDERS)}"))
    found += [
        Finding("CONFIG", f"{where} {name}", "must be text")
        for name in _TEXTS
        if not isinstance(table.get(name, ""), str)
    ]
    version = table.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        found.append(Finding("CONFIG", f"{where} version", "must be a whole number above zero"))
    found += [
        Finding("CONFIG", f"{where} {name}", f"is missing; provider {provider} needs it")
        for name in _NEEDS.get(str(provider), ())
        if name not in table
    ]
    return found


def _provider(table: Mapping[str, Any], custody: str) -> Any:
    default = "unsafe-demo" if custody == "single-operator" and "path" not in table else "file"
    return table.get("provider", default)


def _settings(
    table: Mapping[str, Any], folder: Path, custody: str, outer: KeySettings | None = None
) -> KeySettings:
    def absolute(name: str) -> Path | None:
        return (folder / Path(table[name]).expanduser()).absolute() if name in table else None

    return KeySettings(
        provider=_provider(table, custody),
        path=absolute("path"),
        passphrase=PassphraseSource(absolute("passphrase_file"), table.get("passphrase_variable")),
        version=table.get("version"),
        remote=_remote(table, _provider(table, custody), absolute("token_file")),
        outer=outer,
    )


def _remote(table: Mapping[str, Any], provider: Any, token_file: Path | None) -> Remote | None:
    if provider == "vault-transit" and token_file is not None:
        return VaultTransit(table["address"], table["name"], token_file, table.get("mount", "transit"))
    if provider == "aws-kms":
        return AwsKms(table["name"], table["region"], table.get("endpoint"))
    return KeyringRoot() if provider == "keyring" else None
