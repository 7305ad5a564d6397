"""HashiCorp Vault Transit: the root is one HMAC that Vault computes under a key it never exports.

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
    """A transit key in Vault. token_file: private; it is read at each use and never kept."""

    address: str
    name: str
    token_file: Path = field(repr=False)
    mount: str = "transit"

    def root_of(self, context: KeyContext) -> bytes:
        """Ask Vault once for the root of a context; raises Fault when it does not answer as agreed."""
        parts = urlsplit(self.address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise Fault(
                "KEY_VAULT_INSECURE",
                "Vault's address is not https, and the root of every pseudonym would travel in clear.",
                "Use https; plain http is for a development server on this machine alone.",
            )
        where = f"{self.address.rstrip('/')}/v1/{quote(self.mount)}/hmac/{quote(self.name, safe='')}/sha2-256"
        asked = base64.b64encode(root_message(context)).decode()
        request = urllib.request.Request(  # noqa: S310  (the scheme was checked)
            where,
            data=json.dumps({"input": asked}).encode(),
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
                "KEY_VAULT_UNREACHABLE", "Vault does not answer.", "Check its address, network and seal."
            ) from None
        except (ValueError, KeyError, TypeError, binascii.Error):
            root = b""
        if len(root) != KEY_BYTES:
            raise Fault(
                "KEY_VAULT_ANSWER",
                "Vault's answer is not an HMAC of 256 bits.",
                "Check that the name is that of a transit key and the mount that of the transit engine.",
            )
        return root

    def _token(self) -> str:
        return read_private_file(self.token_file, "Vault token file").decode("ascii", "replace").strip()


def root_message(context: KeyContext) -> bytes:
    """Return what Vault and KMS compute their code over: unlike every message of ours under a derived key."""
    return b"hearth-root/1|" + context.info("root")


def _refused(status: int) -> Fault:
    if status in (401, 403):
        return Fault(
            "KEY_VAULT_DENIED", "Vault denies this token the key.", "Renew the token, or mend its policy."
        )
    if status == 404 or status == 400:
        return Fault("KEY_MISSING", "Vault has no such transit key.", "Check mount and name in [keys].")
    return Fault("KEY_VAULT_UNREACHABLE", f"Vault answered {status}.", "Check whether it is sealed.")
