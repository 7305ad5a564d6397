"""Vault, KMS and keyring, each against a stand-in that speaks the real one's protocol."""

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from governance.errors import Fault, HearthError, Refused
from governance.keys.providers.vault_transit import root_message
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.settings import KeyUse, open_key, read_key_settings
from governance.keys.settings import locate_inner as locate
from governance.keys.states import KeyState

TODAY = date(2026, 6, 1)
KEPT = b"k" * 16 + bytes(range(16))


class StandIn(BaseHTTPRequestHandler):
    """Vault's transit/hmac and KMS's GenerateMac, as their documentation has them; the key stays in here."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append({"path": self.path, "body": body})
        if self.headers.get("X-Amz-Target"):
            self._kms(body)
        else:
            self._vault(body)

    def _vault(self, body: dict[str, Any]) -> None:
        if self.headers["X-Vault-Token"] != "s.right":
            return self._answer(403, {"errors": ["permission denied"]})
        if self.path != "/v1/transit/hmac/linkage/sha2-256":
            return self._answer(400, {"errors": ["encryption key not found"]})
        code = hmac.digest(KEPT, base64.b64decode(body["input"], validate=True), hashlib.sha256)
        return self._answer(200, {"data": {"hmac": f"vault:v1:{base64.b64encode(code).decode()}"}})

    def _kms(self, body: dict[str, Any]) -> None:
        assert self.headers["X-Amz-Target"] == "TrentService.GenerateMac"
        assert re.match(
            r"AWS4-HMAC-SHA256 Credential=[^,]+/eu-west-2/kms/aws4_request", self.headers["Authorization"]
        )
        if body["KeyId"] != "alias/linkage":
            missing = {"__type": "NotFoundException", "message": "Alias is not found."}
            return self._answer(400, missing)
        assert body["MacAlgorithm"] == "HMAC_SHA_256"
        code = hmac.digest(KEPT, base64.b64decode(body["Message"], validate=True), hashlib.sha256)
        answer = {
            "KeyId": body["KeyId"],
            "MacAlgorithm": "HMAC_SHA_256",
            "Mac": base64.b64encode(code).decode(),
        }
        return self._answer(200, answer)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    StandIn.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def memory_keyring() -> Iterator[dict[tuple[str, str], str]]:
    keyring = pytest.importorskip("keyring")
    stored: dict[tuple[str, str], str] = {}

    class Memory(keyring.backend.KeyringBackend):  # type: ignore[name-defined, misc]
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return stored.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            stored[service, username] = password

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    yield stored
    keyring.set_keyring(before)


def use() -> KeyUse:
    return KeyUse("dsa-1", "2026", "p", "at-source", True, Path("unused"), TODAY)


def table(provider: str, folder: Path, at: str, **changes: Any) -> dict[str, Any]:
    token = folder / "token"
    token.write_text("s.right\n")
    token.chmod(0o600)
    own: dict[str, dict[str, Any]] = {
        "vault-transit": {"address": at, "name": "linkage", "token_file": "token"},
        "aws-kms": {"name": "alias/linkage", "region": "eu-west-2", "endpoint": at},
        "keyring": {},
    }
    return {"provider": provider, "path": "linkage.state", **own[provider], **changes}


@pytest.mark.parametrize("provider", ["vault-transit", "aws-kms", "keyring"])
def test_a_key_that_is_kept_elsewhere_makes_the_same_pseudonyms_each_time(
    tmp_path: Path, address: str, memory_keyring: Any, provider: str
) -> None:
    settings = read_key_settings(table(provider, tmp_path, address), tmp_path, "at-source")
    place = locate(settings, use())
    made = place.create(KeyState.PENDING, TODAY, None)
    with pytest.raises(Refused, match="KEY_NOT_ACTIVE"):
        open_key(settings, use()).keyed_state("uprn")
    place.change_state(KeyState.ACTIVE)
    opened = open_key(settings, use())
    assert opened.description.provider == provider
    assert opened.description.bits == 256
    assert opened.check_value("uprn") == made.check_value("uprn")
    assert opened.keyed_state("uprn").finalize() == open_key(settings, use()).keyed_state("uprn").finalize()
    assert KEPT.hex() not in (tmp_path / "linkage.state").read_text()


@pytest.mark.parametrize("provider", ["vault-transit", "aws-kms"])
def test_the_root_is_one_code_over_the_context_and_the_kept_key_never_travels(
    tmp_path: Path, address: str, provider: str
) -> None:
    settings = read_key_settings(table(provider, tmp_path, address), tmp_path, "at-source")
    locate(settings, use()).create(KeyState.ACTIVE, TODAY, None)
    (asked,) = StandIn.asked
    message = base64.b64decode(asked["body"].get("input") or asked["body"]["Message"])
    assert message == root_message(KeyContext("dsa-1", "2026")) == b"hearth-root/1|dsa-1|2026|root|1"


@pytest.mark.parametrize(
    ("provider", "changes", "code"),
    [
        ("vault-transit", {"name": "another"}, "KEY_MISSING"),
        ("vault-transit", {"mount": "secret"}, "KEY_MISSING"),
        ("vault-transit", {"address": "http://vault.example:8200"}, "KEY_VAULT_INSECURE"),
        ("vault-transit", {"address": "http://127.0.0.1:9"}, "KEY_VAULT_UNREACHABLE"),
        ("aws-kms", {"name": "alias/another"}, "KEY_MISSING"),
        ("aws-kms", {"endpoint": "http://127.0.0.1:9"}, "KEY_KMS_UNREACHABLE"),
    ],
)
def test_a_custodian_that_does_not_answer_as_agreed_is_a_fault(
    tmp_path: Path, address: str, provider: str, changes: dict[str, str], code: str
) -> None:
    settings = read_key_settings(table(provider, tmp_path, address, **changes), tmp_path, "at-source")
    with pytest.raises(Fault, match=code):
        locate(settings, use()).create(KeyState.ACTIVE, TODAY, None)
    assert not (tmp_path / "linkage.state").exists()


@pytest.mark.parametrize(
    ("token", "mode", "code"), [("s.wrong", 0o600, "DENIED"), ("s.right", 0o644, "EXPOSED")]
)
def test_a_wrong_or_exposed_vault_token_opens_nothing(
    tmp_path: Path, address: str, token: str, mode: int, code: str
) -> None:
    settings = read_key_settings(table("vault-transit", tmp_path, address), tmp_path, "at-source")
    (tmp_path / "token").write_text(token)
    (tmp_path / "token").chmod(mode)
    with pytest.raises(Fault, match=code) as fault:
        locate(settings, use()).create(KeyState.ACTIVE, TODAY, None)
    assert token not in str(fault.value)


@pytest.mark.parametrize(
    "edit",
    [("retired", "active"), ("2026-06-01", "2026-07-01"), ('"expires":null', '"expires":"2099-01-01"')],
)
def test_an_edited_state_record_is_refused(tmp_path: Path, address: str, edit: tuple[str, str]) -> None:
    settings = read_key_settings(table("vault-transit", tmp_path, address), tmp_path, "at-source")
    place = locate(settings, use())
    place.create(KeyState.ACTIVE, TODAY, None)
    place.change_state(KeyState.RETIRED)
    record = tmp_path / "linkage.state"
    before = record.read_text()
    assert edit[0] in before
    record.write_text(before.replace(*edit))
    with pytest.raises(Fault, match="KEY_STATE_ALTERED"):
        open_key(settings, use())


def test_a_key_kept_elsewhere_is_retired_by_its_record(tmp_path: Path, address: str) -> None:
    settings = read_key_settings(table("vault-transit", tmp_path, address), tmp_path, "at-source")
    place = locate(settings, use())
    place.create(KeyState.ACTIVE, TODAY, None)
    with pytest.raises(Fault, match="KEY_MISSING"):
        place.retire(2)
    assert place.retire(1).state is KeyState.RETIRED
    with pytest.raises(Refused, match="KEY_NOT_ACTIVE"):
        open_key(settings, use()).keyed_state("uprn")


def test_earlier_versions_kept_elsewhere_are_lent_to_the_self_attack(
    tmp_path: Path, address: str, memory_keyring: Any
) -> None:
    for provider in ("vault-transit", "keyring"):
        own = table(provider, tmp_path, address, version=2, path=f"{provider}.state")
        settings = read_key_settings(own, tmp_path, "at-source")
        locate(settings, use()).create(KeyState.ACTIVE, TODAY, None)
        versions = [key.description.context.version for key in open_key(settings, use()).previous]
        # Vault answers for every version; the keyring never held the first.
        assert versions == ([1] if provider == "vault-transit" else [])


def test_the_state_of_another_agreements_key_is_refused(tmp_path: Path, address: str) -> None:
    settings = read_key_settings(table("vault-transit", tmp_path, address), tmp_path, "at-source")
    locate(settings, use()).create(KeyState.ACTIVE, TODAY, None)
    other = KeyUse("dsa-2", "2026", "p", "at-source", True, Path("unused"), TODAY)
    with pytest.raises(HearthError, match=r"KEY_STATE_ALTERED|KEY_CONTEXT_MISMATCH"):
        open_key(settings, other)


def test_what_a_provider_needs_is_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(Fault) as fault:
        read_key_settings({"provider": "vault-transit"}, tmp_path, "at-source")
    assert [f.where for f in fault.value.findings] == [
        f"[keys] {name}" for name in ("path", "address", "name", "token_file")
    ]


def test_a_key_in_the_keyring_that_is_gone_is_missed(tmp_path: Path, memory_keyring: Any) -> None:
    settings = read_key_settings(table("keyring", tmp_path, ""), tmp_path, "at-source")
    locate(settings, use()).create(KeyState.ACTIVE, TODAY, None)
    memory_keyring.clear()
    with pytest.raises(Fault, match="KEY_MISSING"):
        open_key(settings, use())
    with pytest.raises(Fault, match="KEY_EXISTS"):
        locate(settings, use()).create(KeyState.ACTIVE, TODAY, None)
