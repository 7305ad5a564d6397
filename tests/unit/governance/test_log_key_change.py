"""The log's key can be changed: the old key vouches for the new one, and nobody else can."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from flows.cli import app
from governance.audit.key_change import change_log_key
from governance.audit.log import AuditLog
from governance.audit.note import NoteSigner
from governance.audit.proof import check_proof
from governance.audit.signer import MEMORY_NAME, LogSigner, open_log_signer, open_next_log_signer
from governance.audit.verify import TAMPERED, UNWITNESSED, Trust, read_verifier_key, verify_folder
from governance.errors import Refused

ORIGIN = "hearth/test"


@pytest.fixture
def keys(tmp_path: Path, signer: LogSigner) -> Path:
    return tmp_path / "keys"


def write_night(log: AuditLog, run: str) -> None:
    log.append(run, "operator", None, "run_start")
    log.append(run, "operator", None, "run_end", verdict="published")
    log.checkpoint()


def trust(*keys: str) -> Trust:
    return Trust(tuple(read_verifier_key(key) for key in keys))


def test_a_log_under_a_changed_key_is_intact_for_whoever_knows_the_old_key_or_the_new(
    audit: AuditLog, audit_folder: Path, keys: Path, signer: LogSigner
) -> None:
    write_night(audit, "run-1")
    number, new, proof = change_log_key(audit_folder, keys, ORIGIN, "operator")
    write_night(AuditLog.open(audit_folder, open_log_signer(keys, ORIGIN)), "run-2")
    assert new != signer.verifier_key
    for known in (Trust(), trust(signer.verifier_key), trust(new)):
        report = verify_folder(audit_folder, known)
        assert (report.tampered, report.incomplete, report.exit_code) == ([], [], UNWITNESSED)
        assert any("the old key and the new one both signed" in remark for remark in report.remarks)
    line, proven, _ = check_proof(proof, [read_verifier_key(signer.verifier_key)])
    assert proven == number
    assert json.loads(line)["evidence"] == {"old": signer.verifier_key, "new": new}


def test_afterwards_the_old_key_is_gone_and_signs_nothing_more(
    audit: AuditLog, audit_folder: Path, keys: Path, signer: LogSigner
) -> None:
    write_night(audit, "run-1")
    change_log_key(audit_folder, keys, ORIGIN, "operator")
    assert sorted(path.name for path in keys.iterdir()) == ["audit-log.last", "audit-log.pem"]
    with pytest.raises(Refused, match="LOG_KEY_DIFFERS"):
        AuditLog.open(audit_folder, signer)


def test_a_change_without_the_old_keys_signature_is_found(
    audit: AuditLog, audit_folder: Path, signer: LogSigner, tmp_path: Path
) -> None:
    """Somebody who can write the folder, and holds no key of the log's, names a key of his own."""
    write_night(audit, "run-1")
    thief = LogSigner(NoteSigner(ORIGIN, Ed25519PrivateKey.generate()), tmp_path / MEMORY_NAME)
    forged = AuditLog.open(audit_folder)
    keys = {"old": signer.verifier_key, "new": thief.verifier_key}
    forged._write("log", "operator", None, "log_key", {"verdict": "done", "evidence": keys})
    thief.memory.write_bytes(signer.memory.read_bytes())
    write_night(AuditLog.open(audit_folder, thief), "run-2")
    (audit_folder / "log.vkey").write_text(thief.verifier_key + "\n")
    for known in (Trust(), trust(signer.verifier_key), trust(thief.verifier_key)):
        report = verify_folder(audit_folder, known)
        assert report.exit_code == TAMPERED
        assert any("without the old key's signature" in item for item in report.tampered)


def test_a_checkpoint_under_the_old_key_after_the_change_is_found(
    audit: AuditLog, audit_folder: Path, keys: Path, signer: LogSigner
) -> None:
    write_night(audit, "run-1")
    change_log_key(audit_folder, keys, ORIGIN, "operator")
    log = AuditLog.open(audit_folder, open_log_signer(keys, ORIGIN))
    log.append("run-2", "operator", None, "run_start")
    (audit_folder / "checkpoints" / f"{log.size:012d}.note").write_bytes(signer.sign(log._roots()))
    assert verify_folder(audit_folder).exit_code == TAMPERED


@pytest.mark.parametrize("moment", ["write_durably", "put_next_key_in_force"])
def test_a_change_that_was_cut_short_is_brought_to_its_end(
    audit: AuditLog, audit_folder: Path, keys: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_night(audit, "run-1")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    module = "governance.audit.log" if moment == "write_durably" else "governance.audit.key_change"
    with monkeypatch.context() as patch:
        patch.setattr(f"{module}.{moment}", killed)
        with pytest.raises(KeyboardInterrupt):
            change_log_key(audit_folder, keys, ORIGIN, "operator")
    coming = open_next_log_signer(keys, ORIGIN).verifier_key
    with pytest.raises(Refused, match="change-key"):
        AuditLog.open(audit_folder, open_log_signer(keys, ORIGIN))
    assert change_log_key(audit_folder, keys, ORIGIN, "operator")[1] == coming
    write_night(AuditLog.open(audit_folder, open_log_signer(keys, ORIGIN)), "run-2")
    report = verify_folder(audit_folder, trust(coming))
    assert (report.tampered, report.incomplete) == ([], [])
    assert sum(b'"event":"log_key"' in line for line in (audit_folder / "audit.jsonl").open("rb")) == 1


def test_the_command_takes_an_operators_key_and_says_what_to_note(tmp_path: Path) -> None:
    from governance.principals.unsafe_demo_principals import write_unsafe_demo_keys

    sample = Path(__file__).parents[3] / "sample_data" / "sample"
    write_unsafe_demo_keys(tmp_path / "people")
    workspace = tmp_path / "workspace"
    (workspace / "keys").mkdir(parents=True)
    before = open_log_signer(workspace / "keys", "hearth/sample")
    write_night(AuditLog.open(workspace / "audit", before), "run-1")
    proof = tmp_path / "change.proof"
    command = ["audit", "change-key", "--config", str(sample / "hearth.toml"), "--workspace", str(workspace)]
    refused = CliRunner().invoke(app, [*command, "--key", str(tmp_path / "people" / "UNSAFE-nhs-siro.pem")])
    assert "NOT_PERMITTED" in str(refused.exception)
    done = CliRunner().invoke(app, [*command, "--out", str(proof)])
    assert done.exit_code == 0, done.exception
    assert "The log's new public key, for trust.json: hearth/sample+" in done.stdout
    checked = CliRunner().invoke(
        app, ["audit", "prove", "--check", str(proof), "--log-key", before.verifier_key]
    )
    assert checked.exit_code == 0, checked.exception
