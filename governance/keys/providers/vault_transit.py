"""HashiCorp Vault Transit: the root is one HMAC that Vault computes with a key that it never exports.

[keys]
provider = "vault-transit"
address = "https://vault.example:8200"
name = "hearth-linkage"            # a transit key of type hmac
mount = "transit"
token_file = "keys/vault.token"    # mode 0600
path = "keys/linkage.state"        # the key's state; the key itself is in Vault
"""

import base64
import binascii
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from governance.errors import Fault
from governance.keys.providers.sealed_file import read_private_file
from governance.keys.pseudonyms.derivation import KEY_BYTES, KeyContext

_TIMEOUT_SECONDS = 20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class VaultTransit:
    """A transit key in Vault. token_file: a private file, read at each use and never stored."""

    address: str
    name: str
    token_file: Path = field(repr=False)
    mount: str = "transit"

    def root_of(self, context: KeyContext) -> bytes:
        """Request the root of a context from Vault; raises Fault if Vault refuses or cannot be reached."""
        parts = urlsplit(self.address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise Fault(
                "KEY_VAULT_INSECURE",
                "Vault's address does not use https, so the key would be sent without encryption.",
                "Use https in `address` under [keys] in hearth.toml. Plain http is allowed only for a "
                "development server on this machine.",
            )
        where = f"{self.address.rstrip('/')}/v1/{quote(self.mount)}/hmac/{quote(self.name, safe='')}/sha2-256"
        message = base64.b64encode(root_message(context)).decode()
        request = urllib.request.Request(  # noqa: S310  (the scheme was checked)
            where,
            data=json.dumps({"input": message}).encode(),
            headers={"X-Vault-Token": self._token(), "Content-Type": "application/json"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(  # noqa: S310
                request, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context()
            ) as response:
                answer = json.loads(response.read(65_536))
            _, _, mac = str(answer["data"]["hmac"]).split(":")
            root = base64.b64decode(mac, validate=True)
        except urllib.error.HTTPError as error:
            raise _refused(error.code) from None
        except (urllib.error.URLError, TimeoutError, OSError):
            raise Fault(
                "KEY_VAULT_UNREACHABLE",
                "Vault could not be reached.",
                "Check `address` under [keys] in hearth.toml and the network, and that Vault is unsealed.",
            ) from None
        except (ValueError, KeyError, TypeError, binascii.Error):
            root = b""
        if len(root) != KEY_BYTES:
            raise Fault(
                "KEY_VAULT_ANSWER",
                "Vault did not return an HMAC of 256 bits.",
                "Check that `name` under [keys] in hearth.toml is a transit key and `mount` the transit "
                "engine.",
            )
        return root

    def _token(self) -> str:
        return read_private_file(self.token_file, "Vault token file").decode("ascii", "replace").strip()


def root_message(context: KeyContext) -> bytes:
    """Return the message that Vault and KMS authenticate; it differs from every message under derived "
    "keys."""
    return b"hearth-root/1|" + context.info("root")


def _refused(status: int) -> Fault:
    if status in (401, 403):
        return Fault(
            "KEY_VAULT_DENIED",
            "Vault does not let this token use the key.",
            "Renew the token in token_file, or correct its policy in Vault.",
        )
    if status == 404 or status == 400:
        return Fault(
            "KEY_MISSING",
            "Vault has no such transit key.",
            "Check `mount` and `name` under [keys] in hearth.toml.",
        )
    return Fault(
        "KEY_VAULT_UNREACHABLE",
        f"Vault returned an error (HTTP status {status}).",
        "Check whether Vault is sealed, then run the command again.",
    )
