"""The table [keys.transfer] of hearth.toml: who signs packages, who decrypts them, and where they are.

[keys.transfer]
# at a controller
recipient = "age1..."                    # the linkage environment's public key
signing_key = "keys/council.pem"
outbox = "outbox"
# in the linkage environment
identity = "keys/linkage.identity"
inbox = "inbox"
signers = { council = "base64...", nhs = "base64..." }
# either
passphrase_file = "keys/passphrase"      # of the signing key or the identity
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from governance.counted import counted
from governance.errors import Fault, Finding
from governance.keys.passphrase import PassphraseSource
from pipeline.printable import shown_in_quotes
from pipeline.project import Project

_TEXTS = (
    "recipient",
    "signing_key",
    "outbox",
    "identity",
    "inbox",
    "passphrase_file",
    "passphrase_variable",
)


@dataclass(frozen=True)
class TransferSettings:
    """The checked settings. Paths are absolute. signers: controller -> public key, base64 of 32 bytes."""

    outbox: Path
    inbox: Path
    recipient: str | None = None
    signing_key: Path | None = None
    identity: Path | None = None
    signers: Mapping[str, str] = field(default_factory=dict)
    passphrase: PassphraseSource | None = None

    def read_passphrase(self) -> str | None:
        """Return the passphrase of the signing key or the identity; None if none is configured."""
        return None if self.passphrase is None else self.passphrase.read()


def read_transfer_settings(project: Project) -> TransferSettings:
    """Read and check the table [keys.transfer]; raises Fault with every mistake."""
    table = project.keys.get("transfer", {})
    findings = list(_faults(table))
    if findings:
        raise Fault(
            "CONFIG_INVALID",
            f"[keys.transfer] in hearth.toml has {counted(len(findings), 'mistake')}, so nothing was "
            "started.",
            "Correct each of them, then repeat the command.",
            tuple(findings),
        )

    def path(name: str) -> Path | None:
        return (project.folder / Path(table[name]).expanduser()).absolute() if name in table else None

    has_passphrase = "passphrase_file" in table or "passphrase_variable" in table
    return TransferSettings(
        outbox=path("outbox") or project.folder / "outbox",
        inbox=path("inbox") or project.folder / "inbox",
        recipient=table.get("recipient"),
        signing_key=path("signing_key"),
        identity=path("identity"),
        signers=table.get("signers", {}),
        passphrase=PassphraseSource(path("passphrase_file"), table.get("passphrase_variable"))
        if has_passphrase
        else None,
    )


def missing(setting: str) -> Fault:
    """Return the fault for a setting of [keys.transfer] that is required here and missing."""
    return Fault(
        "TRANSFER_NOT_CONFIGURED",
        f"{setting} is missing under [keys.transfer] in hearth.toml, so packages cannot be sent or received.",
        "Add it. docs/custody.md shows the settings of a controller and of the linkage environment.",
    )


def _faults(table: Any) -> list[Finding]:
    if not isinstance(table, Mapping):
        return [Finding("CONFIG", "[keys.transfer]", "must be a table")]
    known = {*_TEXTS, "signers"}
    found = [
        Finding(
            "CONFIG",
            "[keys.transfer]",
            f"unknown setting {shown_in_quotes(name)}; the known ones are {', '.join(sorted(known))}",
        )
        for name in sorted(set(table) - known)
    ]
    found += [
        Finding("CONFIG", f"[keys.transfer] {name}", "must be text")
        for name in _TEXTS
        if not isinstance(table.get(name, ""), str)
    ]
    signers = table.get("signers", {})
    if not isinstance(signers, Mapping) or not all(isinstance(v, str) for v in signers.values()):
        found.append(Finding("CONFIG", "[keys.transfer] signers", "must map controllers to public keys"))
    return found
