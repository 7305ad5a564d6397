"""The [keys] table of hearth.toml, and the one door through which a run opens its key.

[keys]
provider = "file"                  # "file" or "unsafe-demo" (sample project only, the default there)
path = "keys/linkage.key"          # relative to hearth.toml
passphrase_file = "keys/passphrase"  # mode 0600; or passphrase_variable = "NAME" (CI, with a warning)
version = 1                        # counts rotations of the root
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from governance.errors import Fault, Finding, Refused
from governance.keys.derivation import KeyContext
from governance.keys.file_key import open_file_key
from governance.keys.passphrase import PassphraseSource
from governance.keys.provider import KeyProvider
from governance.keys.unsafe_demo import open_unsafe_demo_key

PROVIDERS = ("file", "unsafe-demo")
_KNOWN = {"provider", "path", "passphrase_file", "passphrase_variable", "version"}


@dataclass(frozen=True)
class KeySettings:
    """The [keys] table, checked. path: the key file; passphrase: where its passphrase comes from."""

    provider: str
    path: Path | None
    passphrase: PassphraseSource
    version: int = 1


def read_key_settings(table: Mapping[str, Any], folder: Path, custody: str) -> KeySettings:
    """Check the [keys] table; paths are relative to `folder`. Raises Fault with every mistake listed."""
    default = "unsafe-demo" if custody == "single-operator" and "path" not in table else "file"
    provider = table.get("provider", default)
    findings = [
        Finding("CONFIG", "[keys]", f"unknown setting {name!r}; known are {', '.join(sorted(_KNOWN))}")
        for name in sorted(set(table) - _KNOWN)
    ]
    if provider not in PROVIDERS:
        findings.append(Finding("CONFIG", "[keys] provider", f"must be one of {', '.join(PROVIDERS)}"))
    findings += [
        Finding("CONFIG", f"[keys] {name}", "must be text")
        for name in ("path", "passphrase_file", "passphrase_variable")
        if not isinstance(table.get(name, ""), str)
    ]
    version = table.get("version", 1)
    if not isinstance(version, int) or version < 1:
        findings.append(Finding("CONFIG", "[keys] version", "must be a whole number above zero"))
    if provider == "file" and "path" not in table:
        findings.append(Finding("CONFIG", "[keys] path", "is missing: where is the key file?"))
    if findings:
        raise Fault("CONFIG_INVALID", f"[keys] has {len(findings)} faults.", "Mend each.", tuple(findings))
    passphrase_file = table.get("passphrase_file")
    return KeySettings(
        provider=provider,
        path=_absolute(folder, table["path"]) if "path" in table else None,
        passphrase=PassphraseSource(
            None if passphrase_file is None else _absolute(folder, passphrase_file),
            table.get("passphrase_variable"),
        ),
        version=version,
    )


def open_key(
    settings: KeySettings,
    *,
    agreement: str,
    period: str,
    custody: str,
    production: bool,
    workspace_keys: Path,
    today: date,
) -> KeyProvider:
    """Open the project's key for one agreement and period.

    workspace_keys: the workspace's `keys` zone. Raises Fault when the key is missing or unusable,
    Refused when it was made for another agreement or period, or has expired.
    """
    if production and custody == "single-operator":
        raise Refused(
            "CUSTODY_FORBIDDEN",
            "One operator would hold the key and the data, which production does not allow.",
            "Set custody to at-source or third-party.",
        )
    wanted = KeyContext(agreement, period, settings.version)
    key: KeyProvider
    if settings.provider == "unsafe-demo":
        key = open_unsafe_demo_key(
            workspace_keys, wanted, custody=custody, production=production, today=today
        )
    else:
        assert settings.path is not None  # noqa: S101  (read_key_settings has seen to it)
        key = open_file_key(settings.path, settings.passphrase.read())
    check_context(key, wanted, today)
    return key


def check_context(key: KeyProvider, wanted: KeyContext, today: date) -> None:
    """Raise Refused when a key was made for something else, or is past its last day."""
    found = key.description
    if found.context != wanted:
        raise Refused(
            "KEY_CONTEXT_MISMATCH",
            f"The key is {found.key_id}; this project needs {wanted.key_id}.",
            "Name the key of this agreement and period in [keys]; keys are never reused across them.",
        )
    if found.expires is not None and today > found.expires:
        raise Refused(
            "KEY_EXPIRED",
            f"Key {found.key_id} could be used until {found.expires}.",
            "Rotate it: `hearth keys rotate`.",
        )


def _absolute(folder: Path, text: str) -> Path:
    return (folder / Path(text).expanduser()).absolute()
