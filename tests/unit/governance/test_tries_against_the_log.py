"""A workspace put back to yesterday's copy, two witnesses that disagree, and keys that changed places."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import find_waiver, waiver_statement
from governance.agreement.terms import Principal, Waiver
from governance.audit.folder import newest_checkpoint
from governance.audit.log import AuditLog
from governance.audit.note import NoteSigner
from governance.audit.signer import open_log_signer
from governance.audit.verify import COSIGNATURE, INTACT, TAMPERED, UNWITNESSED, main, read_verifier_key
from governance.audit.witness import accept_cosignature, cosign, cosign_request
from governance.errors import Refused
from governance.principals.statement import public_key_of, sign_statement

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ORIGIN = "hearth/test"
COUNCIL = NoteSigner("council-ig-office", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
NHS = NoteSigner("nhs-ig-office", Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34))))


def witness_key(witness: NoteSigner) -> str:
    return witness.verifier_key(COSIGNATURE)


def make(workspace: Path) -> Path:
    (workspace / "keys").mkdir(parents=True)
    return workspace


def night(workspace: Path, run: str, rows: int = 20113) -> bytes:
    """Run one night; returns the newest checkpoint."""
    log = AuditLog.open(workspace / "audit", open_log_signer(workspace / "keys", ORIGIN))
    log.append(run, "operator", None, "run_start")
    log.append(run, "operator", "ingest", "rule", rule="ING-03", verdict="pass", evidence={"rows": rows})
    log.append(run, "operator", None, "run_end", verdict="published")
    log.checkpoint()
    return newest_checkpoint(workspace / "audit")[2]


def verified(workspace: Path, tmp_path: Path, **trust: object) -> int:
    """Return the exit code of `hearth audit verify` with this trust.json."""
    (tmp_path / "trust.json").write_text(json.dumps(trust))
    return main([str(workspace / "audit"), "--trust", str(tmp_path / "trust.json")])


@pytest.mark.parametrize("another_night_follows", [False, True])
def test_a_workspace_put_back_to_yesterday_is_found_by_what_is_kept_elsewhere(
    tmp_path: Path, another_night_follows: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make(tmp_path / "workspace")
    log_key = open_log_signer(workspace / "keys", ORIGIN).verifier_key
    night(workspace, "run-1")
    shutil.copytree(workspace, tmp_path / "yesterday")
    kept = night(workspace, "run-2")
    countersigned = cosign(cosign_request(workspace / "audit", 0), None, read_verifier_key(log_key), NHS, NOW)
    assert verified(workspace, tmp_path, log=[log_key], checkpoints=[kept.decode()]) == UNWITNESSED

    shutil.rmtree(workspace)
    shutil.copytree(tmp_path / "yesterday", workspace)
    if another_night_follows:
        night(workspace, "run-3", rows=1)
        night(workspace, "run-4", rows=1)
    # The copy is whole: its keys and the record of the last signature went back with the log.
    assert verified(workspace, tmp_path, log=[log_key]) == UNWITNESSED
    capsys.readouterr()
    assert verified(workspace, tmp_path, log=[log_key], checkpoints=[kept.decode()]) == TAMPERED
    assert "checkpoint 1 of trust.json covers" in capsys.readouterr().out
    assert verified(workspace, tmp_path, log=[log_key], checkpoints=[countersigned.decode()]) == TAMPERED
    if another_night_follows:
        request = cosign_request(workspace / "audit", 4)
        with pytest.raises(Refused, match="HISTORY_DIFFERS"):
            cosign(request, countersigned, read_verifier_key(log_key), NHS, NOW)


def test_two_witnesses_that_signed_different_logs_are_found_to_disagree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make(tmp_path / "workspace")
    night(workspace, "run-1")
    other = shutil.copytree(workspace, tmp_path / "other")
    log_key = open_log_signer(workspace / "keys", ORIGIN).verifier_key
    night(workspace, "run-2", rows=20113)
    night(other, "run-2", rows=1)
    # The operator shows each witness its own history; neither has signed before, so neither can refuse.
    to_council = cosign(
        cosign_request(workspace / "audit", 0), None, read_verifier_key(log_key), COUNCIL, NOW
    )
    to_nhs = cosign(cosign_request(other / "audit", 0), None, read_verifier_key(log_key), NHS, NOW)
    accept_cosignature(workspace / "audit", to_council, read_verifier_key(witness_key(COUNCIL)))
    with pytest.raises(Refused, match="COSIGNATURE_REFUSED"):
        accept_cosignature(workspace / "audit", to_nhs, read_verifier_key(witness_key(NHS)))
    keys = [witness_key(COUNCIL), witness_key(NHS)]
    trust = {"log": [log_key], "witnesses": keys}
    assert verified(workspace, tmp_path, **trust, minimum_witnesses=1) == INTACT
    assert verified(workspace, tmp_path, **trust, minimum_witnesses=2) == UNWITNESSED
    capsys.readouterr()
    both = [to_council.decode(), to_nhs.decode()]
    for place, wrong in ((workspace, 2), (other, 1)):
        assert verified(place, tmp_path, **trust, minimum_witnesses=1, checkpoints=both) == TAMPERED
        shown = capsys.readouterr().out
        assert f"checkpoint {wrong} of trust.json covers" in shown
        assert "but they are not the ones that were signed" in shown
        assert f"checkpoint {3 - wrong} of trust.json covers" not in shown


def test_the_log_keys_of_two_projects_that_changed_places_are_refused(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    for place in (one, two):
        night(place, "run-1")
    (one / "keys").rename(tmp_path / "aside")
    (two / "keys").rename(one / "keys")
    (tmp_path / "aside").rename(two / "keys")
    for place in (one, two):
        with pytest.raises(Refused, match=r"LOG_KEY_DIFFERS|AUDIT_LOG_CHANGED"):
            night(place, "run-2")


SIRO = Ed25519PrivateKey.from_private_bytes(bytes(range(3, 35)))


def test_a_waiver_signed_for_another_agreement_is_not_valid_in_this_one(agreement: Agreement) -> None:
    person = Principal("siro", "Ann Other", "council", public_key_of(SIRO), ("signatory",))
    unsigned = Waiver("TST-01", "known", "siro", date(2026, 11, 1), date(2026, 12, 1), "")
    today = date(2026, 11, 21)

    def signed_for(agreement_id: str) -> Agreement:
        signature = sign_statement("waiver", waiver_statement(agreement_id, unsigned), SIRO)
        return replace(agreement, principals=(person,), waivers=(replace(unsigned, signature=signature),))

    assert find_waiver(signed_for(agreement.id), "TST-01", today)[0] is not None
    assert find_waiver(signed_for("DSA-2025-OTHER"), "TST-01", today) == (
        None,
        "its waiver's signature is not valid",
    )
