"""An attempt to open a key with a wrong passphrase is in the audit log, and the passphrase is nowhere."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from flows.run.run import RunRequest, run_pipeline
from governance.audit.verify import TAMPERED, verify_folder
from governance.errors import Fault

from .test_keys_commands import folder, keys  # noqa: F401  (fixtures)

WRONG = "a wrong passphrase altogether"


def attempts(place: Path) -> list[tuple[str, str, str]]:
    lines = (place / "workspace" / "audit" / "audit.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [
        (e["evidence"]["act"], e["verdict"], e["evidence"]["code"])
        for e in events
        if e["event"] == "key" and e["verdict"] == "fault"
    ]


def check_log(place: Path) -> None:
    audit = place / "workspace" / "audit"
    report = verify_folder(audit)
    assert report.exit_code != TAMPERED
    assert not report.tampered
    assert WRONG not in (audit / "audit.jsonl").read_text()


@pytest.mark.parametrize(
    "command",
    [("check-value",), ("check-value", "--compare", "0" * 16), ("rotate", "--layer", "inner")],
    ids=lambda c: c[0],
)
def test_a_wrong_passphrase_of_the_linkage_key_is_recorded(
    folder: Path,  # noqa: F811
    keys: Callable[..., Any],  # noqa: F811
    command: tuple[str, ...],
) -> None:
    keys("new")
    (folder / "passphrase").write_text(f"{WRONG}\n")
    with pytest.raises(Fault, match="KEY_PASSPHRASE_WRONG"):
        keys(*command)
    ((act, verdict, code),) = attempts(folder)
    assert (act, verdict, code) == (
        "rotate" if command[0] == "rotate" else "open",
        "fault",
        "KEY_PASSPHRASE_WRONG",
    )
    check_log(folder)


def sealed_signing_key(path: Path) -> Path:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"the right passphrase")
    )
    path.write_bytes(pem)
    path.chmod(0o600)
    return path


def test_a_signing_key_that_does_not_open_is_recorded(
    folder: Path,  # noqa: F811
    keys: Callable[..., Any],  # noqa: F811
) -> None:
    keys("new")
    sealed = sealed_signing_key(folder / "council.pem")
    with pytest.raises(Fault, match="SIGNING_KEY_MALFORMED"):
        keys("rotate", "--layer", "inner", "--key", str(sealed))
    assert attempts(folder) == [("open", "fault", "SIGNING_KEY_MALFORMED")]
    check_log(folder)


def test_a_wrong_passphrase_of_the_key_that_signs_packages_is_recorded(
    folder: Path,  # noqa: F811
    keys: Callable[..., Any],  # noqa: F811
) -> None:
    keys("new")
    sealed_signing_key(folder / "council.pem")
    (folder / "transfer-passphrase").write_text(f"{WRONG}\n")
    (folder / "transfer-passphrase").chmod(0o600)
    config = folder / "hearth.toml"
    table = '[keys.transfer]\nsigning_key = "council.pem"\npassphrase_file = "transfer-passphrase"\n\n'
    config.write_text(config.read_text().replace("[extracts.", f"{table}[extracts.", 1))
    with pytest.raises(Fault, match="SIGNING_KEY_MALFORMED"):
        keys("rotate", "--layer", "inner")
    assert attempts(folder) == [("open", "fault", "SIGNING_KEY_MALFORMED")]
    check_log(folder)


def test_a_run_with_a_wrong_passphrase_records_the_attempt_under_its_own_name(
    folder: Path,  # noqa: F811
    keys: Callable[..., Any],  # noqa: F811
) -> None:
    keys("new")
    (folder / "passphrase").write_text(f"{WRONG}\n")
    request = RunRequest.of(folder / "hearth.toml", folder / "workspace")
    outcome = run_pipeline(request, quiet=True)
    assert outcome.code == "KEY_PASSPHRASE_WRONG", outcome
    assert attempts(folder) == [("open", "fault", "KEY_PASSPHRASE_WRONG")]
    check_log(folder)
