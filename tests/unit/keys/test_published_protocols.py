"""KMS and Vault against programs that are not Hearth's: moto's server for KMS, the client hvac for Vault.

No program that implements Vault installs by name, so the responses here have the form of its published HTTP
API. The client hvac sends the algorithm in the body and Hearth in the path; the API has both.
"""

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import hvac
import hvac.exceptions
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from governance.errors import Fault
from governance.keys.providers.aws_kms import AwsKms
from governance.keys.providers.vault_transit import VaultTransit, root_message
from governance.keys.pseudonyms.derivation import KeyContext

CONTEXT = KeyContext("dsa-1", "2026")
OTHER = KeyContext("dsa-1", "2027")
REGION = "eu-west-2"
MAC = "HMAC_SHA_256"


@pytest.fixture(scope="module")
def kms_address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kms(kms_address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    return boto3.client("kms", region_name=REGION, endpoint_url=kms_address)


def new_key(kms: Any) -> str:
    return str(kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"])


def test_the_root_that_kms_computes_is_verified_by_kms_and_is_of_one_context_and_key(
    kms: Any, kms_address: str
) -> None:
    key = new_key(kms)
    kms.create_alias(AliasName="alias/hearth-linkage", TargetKeyId=key)
    provider = AwsKms("alias/hearth-linkage", REGION, kms_address)
    root = provider.root_of(CONTEXT)
    assert len(root) == 32
    assert provider.root_of(CONTEXT) == AwsKms(key, REGION, kms_address).root_of(CONTEXT) == root
    assert AwsKms(new_key(kms), REGION, kms_address).root_of(CONTEXT) != root
    asked = {"KeyId": key, "MacAlgorithm": MAC, "Mac": root}
    assert kms.verify_mac(Message=root_message(CONTEXT), **asked)["MacValid"]
    with pytest.raises(ClientError, match="KMSInvalidMac"):
        kms.verify_mac(Message=root_message(OTHER), **asked)
    assert provider.root_of(OTHER) != root


def test_a_kms_key_that_is_unknown_gives_no_root(kms: Any, kms_address: str) -> None:
    for name in ("alias/nothing", "1234abcd-12ab-34cd-56ef-1234567890ab"):
        with pytest.raises(Fault, match="KEY_MISSING"):
            AwsKms(name, REGION, kms_address).root_of(CONTEXT)


class PublishedVault(BaseHTTPRequestHandler):
    """`hmac/:name(/:algorithm)` and `verify/:name(/:algorithm)` of the transit engine, as published.

    An algorithm in the path takes precedence over one in the body; without either it is sha2-256.
    """

    KEY: ClassVar[bytes] = bytes(range(32))
    HASHES: ClassVar[dict[str, str]] = {"sha2-256": "sha256", "sha2-512": "sha512"}
    requests: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append((self.path, body))
        if self.headers["X-Vault-Token"] != "s.right":
            return self._answer(403, {"errors": ["permission denied"]})
        found = re.fullmatch(r"/v1/transit/(hmac|verify)/linkage(?:/([a-z0-9-]+))?", self.path)
        if found is None:
            return self._answer(404, {"errors": [f"no handler for route {self.path[4:]!r}"]})
        action, in_path = found.groups()
        algorithm = in_path or body.get("algorithm") or body.get("hash_algorithm") or "sha2-256"
        if algorithm not in self.HASHES:
            return self._answer(400, {"errors": [f'unsupported algorithm "{algorithm}"']})
        message = base64.b64decode(body["input"], validate=True)
        code = hmac.digest(self.KEY, message, getattr(hashlib, self.HASHES[algorithm]))
        shown = f"vault:v1:{base64.b64encode(code).decode()}"
        data = {"hmac": shown} if action == "hmac" else {"valid": body["hmac"] == shown}
        return self._answer(
            200,
            {
                "request_id": "f9d3ae5c-1b8d-6c3f-3f61-6a8a54e8a2f0",
                "lease_id": "",
                "renewable": False,
                "lease_duration": 0,
                "data": data,
                "wrap_info": None,
                "warnings": None,
                "auth": None,
            },
        )

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def vault_address() -> Iterator[str]:
    PublishedVault.requests.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), PublishedVault)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def vault_of(address: str, folder: Path, token: str = "s.right") -> VaultTransit:
    file = folder / "vault.token"
    file.write_text(token)
    file.chmod(0o600)
    return VaultTransit(address, "linkage", file)


def test_the_root_of_vault_is_the_hmac_that_hvac_gets_and_verifies(
    vault_address: str, tmp_path: Path
) -> None:
    root = vault_of(vault_address, tmp_path).root_of(CONTEXT)
    transit = hvac.Client(url=vault_address, token="s.right").secrets.transit
    message = base64.b64encode(root_message(CONTEXT)).decode()
    answer = transit.generate_hmac("linkage", message, algorithm="sha2-256")
    assert answer["data"]["hmac"] == f"vault:v1:{base64.b64encode(root).decode()}"
    assert transit.verify_signed_data("linkage", message, hmac=answer["data"]["hmac"])["data"]["valid"]
    own, other, _ = PublishedVault.requests
    assert own == ("/v1/transit/hmac/linkage/sha2-256", {"input": message})
    assert other == ("/v1/transit/hmac/linkage", {"input": message, "algorithm": "sha2-256"})


def test_another_context_or_algorithm_is_another_code(vault_address: str, tmp_path: Path) -> None:
    vault = vault_of(vault_address, tmp_path)
    assert vault.root_of(CONTEXT) != vault.root_of(OTHER)
    transit = hvac.Client(url=vault_address, token="s.right").secrets.transit
    message = base64.b64encode(root_message(CONTEXT)).decode()
    longer = transit.generate_hmac("linkage", message, algorithm="sha2-512")["data"]["hmac"]
    assert len(base64.b64decode(longer.split(":")[2])) == 64


def test_what_hvac_calls_forbidden_and_an_invalid_path_are_faults_here(
    vault_address: str, tmp_path: Path
) -> None:
    message = base64.b64encode(root_message(CONTEXT)).decode()
    with pytest.raises(hvac.exceptions.Forbidden):
        hvac.Client(url=vault_address, token="s.wrong").secrets.transit.generate_hmac("linkage", message)
    with pytest.raises(Fault, match="KEY_VAULT_DENIED"):
        vault_of(vault_address, tmp_path, "s.wrong").root_of(CONTEXT)
    with pytest.raises(hvac.exceptions.InvalidPath):
        hvac.Client(url=vault_address, token="s.right").secrets.transit.generate_hmac("another", message)
    another = VaultTransit(vault_address, "another", tmp_path / "vault.token")
    (tmp_path / "vault.token").write_text("s.right")
    with pytest.raises(Fault, match="KEY_MISSING"):
        another.root_of(CONTEXT)
