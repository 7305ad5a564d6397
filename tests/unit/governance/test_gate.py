"""Gates: the audit event before the clearance, refusals with every finding, waivers that end."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import waiver_statement
from governance.agreement.terms import Principal, Waiver
from governance.artefact import Artefact, Evidence, FileRecord
from governance.audit.log import AuditLog
from governance.audit.signer import LogSigner
from governance.audit.verify import verify_folder
from governance.clearance import Clearance, Cleared
from governance.errors import Refused
from governance.gate import Gatekeeper
from governance.principals.statement import public_key_of, sign_statement
from governance.rules.registry import Rule, Verdict, failed, passed, warned

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ARTEFACT = Artefact("link", "all", Path("nowhere"), "f" * 64, (FileRecord("link.parquet", "1" * 64, 10, 3),))
EVIDENCE = Evidence("link", "all", {"match_rate": 0.9})
SIRO = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
PRINCIPAL = Principal("siro", "Siro", "council", public_key_of(SIRO), ("signatory",))


def rule_of(rule_id: str, verdict: Verdict | Exception) -> Rule:
    def check(*_: Any) -> Verdict:
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    return Rule(rule_id, 1, f"Title of {rule_id}", "link", "source", f"Mend {rule_id}.", check)


PASS = passed("9", "10")
WARN = warned("WEAK", "11", "10", "it is weak")
FAIL = failed("BAD", "12", "10", "it is bad")


def keeper(audit: AuditLog, agreement: Agreement, *verdicts: Verdict | Exception) -> Gatekeeper:
    rules = tuple(rule_of(f"TST-{n:02d}", verdict) for n, verdict in enumerate(verdicts, 1))
    return Gatekeeper(
        "run-1", agreement, audit, "operator", NOW, lambda *_: rules, order={("link", "all"): ()}
    )


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "audit.jsonl").read_bytes().splitlines()]


def test_a_clearance_names_its_artefact_rules_and_audit_event(
    audit: AuditLog, audit_folder: Path, agreement: Agreement
) -> None:
    cleared = keeper(audit, agreement, PASS, PASS).judge(ARTEFACT, EVIDENCE)
    event = events(audit_folder)[cleared.clearance.audit_seq]
    assert (event["event"], event["verdict"], event["stage"]) == ("gate", "cleared", "link")
    assert event["evidence"]["artefact_digest"] == ARTEFACT.digest == cleared.clearance.artefact_digest
    assert event["evidence"]["evidence_digest"] == EVIDENCE.digest
    assert event["policy"] == agreement.digest
    assert cleared.clearance.rules == ("TST-01", "TST-02")


def test_every_verdict_is_on_disk_and_signed_before_the_refusal_is_raised(
    audit: AuditLog, audit_folder: Path, agreement: Agreement
) -> None:
    with pytest.raises(Refused) as refused:
        keeper(audit, agreement, PASS, FAIL, FAIL).judge(ARTEFACT, EVIDENCE)
    assert (refused.value.code, refused.value.exit_code) == ("BAD", 2)
    assert [finding.where for finding in refused.value.findings] == ["TST-02", "TST-03"]
    assert refused.value.remedy == "\n  - TST-02: Mend TST-02.\n  - TST-03: Mend TST-03."
    told = [(event["rule"], event["verdict"]) for event in events(audit_folder)[1:]]
    assert told == [("TST-01", "pass"), ("TST-02", "fail"), ("TST-03", "fail"), (None, "refused")]
    report = verify_folder(audit_folder)
    assert report.signed_lines == report.lines


def test_a_gate_without_rules_admits_nothing(audit: AuditLog, agreement: Agreement) -> None:
    with pytest.raises(Refused, match="NO_RULES"):
        keeper(audit, agreement).judge(ARTEFACT, EVIDENCE)


def test_a_rule_that_errs_refuses_and_its_message_is_kept_out(
    audit: AuditLog, audit_folder: Path, agreement: Agreement
) -> None:
    with pytest.raises(Refused) as refused:
        keeper(audit, agreement, PASS, KeyError("100023336956")).judge(ARTEFACT, EVIDENCE)
    assert refused.value.code == "RULE_ERRED"
    assert "100023336956" not in str(refused.value)
    assert b"100023336956" not in (audit_folder / "audit.jsonl").read_bytes()


def test_a_verdict_that_cannot_be_recorded_clears_nothing(audit: AuditLog, agreement: Agreement) -> None:
    with pytest.raises(Exception, match="AUDIT_EVENT_REFUSED"):
        keeper(audit, agreement, passed("100023336956", "10")).judge(ARTEFACT, EVIDENCE)


def test_evidence_of_another_stage_is_refused(audit: AuditLog, agreement: Agreement) -> None:
    with pytest.raises(Refused, match="EVIDENCE_MISMATCH"):
        keeper(audit, agreement, PASS).judge(ARTEFACT, Evidence("ingest", "nhs"))


def waiver(agreement: Agreement, **changes: Any) -> Agreement:
    """The agreement with a signed waiver of TST-01, in force on 21 November 2026."""
    unsigned = Waiver("TST-01", "known", "siro", date(2026, 11, 1), date(2026, 11, 22), "")
    signed = replace(
        unsigned, signature=sign_statement("waiver", waiver_statement(agreement.id, unsigned), SIRO)
    )
    return replace(agreement, principals=(PRINCIPAL,), waivers=(replace(signed, **changes),))


def test_a_warning_stops_the_run_without_a_waiver(audit: AuditLog, agreement: Agreement) -> None:
    with pytest.raises(Refused, match="the agreement has no waiver for it"):
        keeper(audit, agreement, WARN).judge(ARTEFACT, EVIDENCE)


def test_a_warning_passes_under_a_signed_waiver_and_is_recorded_as_waived(
    audit: AuditLog, audit_folder: Path, agreement: Agreement
) -> None:
    assert keeper(audit, waiver(agreement), WARN).judge(ARTEFACT, EVIDENCE)
    event = events(audit_folder)[1]
    assert event["verdict"] == "waived"
    assert event["evidence"]["waiver"] == {"granted_by": "siro", "expires": "2026-11-22"}


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": date(2026, 11, 21)},
        {"granted_on": date(2026, 11, 22)},
        {"rule": "TST-02"},
        {"reason": "another"},
        {"granted_by": "nobody"},
        {"signature": "AAAA"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_waiver_that_ended_or_was_altered_lets_nothing_pass(
    audit: AuditLog, agreement: Agreement, changes: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="WEAK"):
        keeper(audit, waiver(agreement, **changes), WARN).judge(ARTEFACT, EVIDENCE)


def test_a_waiver_by_someone_who_may_not_waive_lets_nothing_pass(
    audit: AuditLog, agreement: Agreement
) -> None:
    waived = waiver(agreement)
    operator = replace(waived, principals=(replace(PRINCIPAL, roles=("operator",)),))
    with pytest.raises(Refused, match="granted by someone who may not grant one"):
        keeper(audit, operator, WARN).judge(ARTEFACT, EVIDENCE)


def test_a_failure_cannot_be_waived(audit: AuditLog, agreement: Agreement) -> None:
    with pytest.raises(Refused, match="BAD"):
        keeper(audit, waiver(agreement), FAIL).judge(ARTEFACT, EVIDENCE)


def test_what_a_rule_remembers_is_read_next_time_only_if_its_gate_cleared(
    audit: AuditLog, agreement: Agreement
) -> None:
    remembering = passed("1", "1", remember={"nhs_person": {"sequence": 7}})
    with pytest.raises(Refused):
        keeper(audit, agreement, remembering, FAIL).judge(ARTEFACT, EVIDENCE)
    assert audit.remembered("TST-01", "all") == {}
    keeper(audit, agreement, remembering, PASS).judge(ARTEFACT, EVIDENCE)
    assert audit.remembered("TST-01", "all") == {"nhs_person": {"sequence": 7}}


def test_nobody_mints_a_clearance_but_a_gate() -> None:
    with pytest.raises(Refused, match="CLEARANCE_FORGED"):
        Clearance("run-1", "link", ARTEFACT.digest, 3, ("LNK-01",))


def test_a_clearance_admits_its_own_artefact_alone(audit: AuditLog, agreement: Agreement) -> None:
    cleared = keeper(audit, agreement, PASS).judge(ARTEFACT, EVIDENCE)
    other = replace(ARTEFACT, files=(FileRecord("link.parquet", "2" * 64, 10, 3),))
    with pytest.raises(Refused, match="CLEARANCE_MISMATCH"):
        Cleared(other, cleared.clearance)


def test_a_gate_that_the_order_does_not_name_refuses(
    audit: AuditLog, audit_folder: Path, agreement: Agreement
) -> None:
    gatekeeper = Gatekeeper("run-1", agreement, audit, "operator", NOW, order={("run", "all"): ()})
    with pytest.raises(Refused, match="GATE_SKIPPED"):
        gatekeeper.judge(ARTEFACT, EVIDENCE)
    assert events(audit_folder)[-1]["evidence"]["code"] == "GATE_SKIPPED"


def test_a_rule_reads_the_newest_clerical_review_of_the_log(
    audit: AuditLog, audit_folder: Path, signer: LogSigner, agreement: Agreement
) -> None:
    read: list[Any] = []

    def check(evidence: Any, *_: Any) -> Verdict:
        read.append(evidence.review and (evidence.review["links_reviewed"], evidence.review["at"][:10]))
        return PASS

    rule = replace(rule_of("TST-01", PASS), check=check)

    def judge(log: AuditLog) -> None:
        keeper = Gatekeeper(
            "run-1", agreement, log, "operator", NOW, lambda *_: (rule,), order={("link", "all"): ()}
        )
        keeper.judge(ARTEFACT, EVIDENCE)

    judge(audit)
    for links in (120, 150):
        facts = {"what": "review imported", "links_reviewed": links}
        audit.append("review-1", "operator", "quality", "note", verdict="done", evidence=facts)
    audit.append(
        "review-1", "operator", "quality", "note", verdict="done", evidence={"what": "review exported"}
    )
    judge(audit)
    judge(AuditLog.open(audit_folder, signer))
    assert read == [None, (150, "2026-11-21"), (150, "2026-11-21")]
