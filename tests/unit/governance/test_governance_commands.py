"""`hearth audit`, `hearth governance` and `hearth retention`, as a person types them."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from governance.agreement.agreement import read_agreement
from governance.audit.folder import newest_checkpoint
from governance.audit.log import AuditLog
from governance.audit.signer import LogSigner, open_log_signer
from governance.errors import HearthError
from governance.principals.extract_signature import extract_signed_by, extract_statement
from governance.principals.unsafe_demo_principals import sign_sample_agreement, write_unsafe_demo_keys
from governance.rules import all_rules

SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample" / "agreement.toml"
LogRun = Callable[[str], None]


def hearth(*arguments: object, given: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(item) for item in arguments], input=given)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    write_unsafe_demo_keys(tmp_path / "people")
    return tmp_path / "people"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the sample's agreement and an empty workspace; returns its hearth.toml."""
    shutil.copy(SAMPLE, tmp_path / "agreement.toml")
    (tmp_path / "x.csv").write_text("record_id\n")
    path = tmp_path / "hearth.toml"
    path.write_text(
        '[project]\nname = "test"\ncustody = "single-operator"\nreference_date = 2026-09-30\n'
        '[extracts.council_property]\npath = "x.csv"\n'
    )
    (tmp_path / "workspace" / "keys").mkdir(parents=True)
    return path


def test_verify_answers_with_its_exit_code_and_last_line(audit_folder: Path, log_run: LogRun) -> None:
    log_run("run-1")
    done = hearth("audit", "verify", audit_folder)
    assert done.exit_code == 4
    assert done.stdout.splitlines()[-1].startswith("Nothing in the log has been altered (7 entries, 1 run).")
    assert json.loads(hearth("audit", "verify", audit_folder, "--json").stdout)["exit_code"] == 4


def test_a_witness_by_e_mail_makes_the_log_intact(
    tmp_path: Path, audit_folder: Path, signer: LogSigner, log_run: LogRun, keys: Path
) -> None:
    log_run("run-1")
    request, answer, kept = tmp_path / "request.txt", tmp_path / "answer.note", tmp_path / "kept.note"
    assert hearth("audit", "request", audit_folder, "--out", request).exit_code == 0
    key = ["--key", keys / "UNSAFE-nhs-ig-office.pem", "--name", "nhs-ig-office"]
    log_key = ["--log-key", signer.verifier_key]
    told = hearth("audit", "cosign", request, *key, *log_key, "--kept", kept, "--out", answer)
    assert told.exit_code == 0, told.exception
    witness = told.stdout.split("for trust.json: ")[1].strip()
    assert hearth("audit", "accept", answer, "--audit", audit_folder, "--witness", witness).exit_code == 0
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps({"log": [signer.verifier_key], "witnesses": [witness]}))
    assert hearth("audit", "verify", audit_folder, "--trust", trust).exit_code == 0
    witnessed = newest_checkpoint(audit_folder)[0].size
    log_run("run-2")
    size = newest_checkpoint(audit_folder)[0].size
    hearth("audit", "request", audit_folder, "--old", size, "--out", request)
    checked = hearth("audit", "consistency", request, "--kept", kept, *log_key)
    assert isinstance(checked.exception, HearthError)
    assert checked.exception.code == "HISTORY_DIFFERS"
    hearth("audit", "request", audit_folder, "--old", witnessed, "--out", request)
    grown = hearth("audit", "consistency", request, "--kept", kept, *log_key)
    assert f"The first {witnessed} of the {size} entries" in grown.stdout
    hearth("audit", "request", audit_folder, "--old", size, "--out", request)
    refused = hearth("audit", "cosign", request, *key, *log_key, "--kept", kept, "--out", answer)
    assert isinstance(refused.exception, HearthError)
    assert refused.exception.code == "HISTORY_DIFFERS"


def test_a_line_is_proven_and_the_proof_checked(
    tmp_path: Path, audit_folder: Path, signer: LogSigner, log_run: LogRun
) -> None:
    log_run("run-1")
    proof = tmp_path / "line.proof"
    assert hearth("audit", "prove", 2, "--audit", audit_folder, "--out", proof).exit_code == 0
    done = hearth("audit", "prove", "--check", proof, "--log-key", signer.verifier_key)
    assert "This is entry 2 of the 7 that hearth/test signed." in done.stdout


def test_the_report_is_written_with_its_pack(tmp_path: Path, project: Path) -> None:
    workspace = tmp_path / "workspace"
    log = AuditLog.open(workspace / "audit", open_log_signer(workspace / "keys", "hearth/test"))
    log.append("run-1", "operator", None, "run_start")
    log.append("run-1", "operator", None, "run_end", verdict="fault", evidence={"code": "DISK_FULL"})
    log.checkpoint()
    page, pack = tmp_path / "page.html", tmp_path / "pack"
    done = hearth("audit", "report", "--config", project, "--out", page, "--pack", pack, "--json")
    assert json.loads(done.stdout)["scope"] == "run-1"
    assert page.read_text().startswith("<!doctype html>")
    assert (pack / "ro-crate-metadata.json").is_file()


def test_check_names_every_fault_and_the_fingerprints_of_a_good_agreement(tmp_path: Path) -> None:
    assert "council-siro: " in hearth("governance", "check", SAMPLE).stdout
    (tmp_path / "bad.toml").write_text("[agreement]\n")
    done = hearth("governance", "check", tmp_path / "bad.toml")
    assert isinstance(done.exception, HearthError)
    assert len(done.exception.findings) > 5


def test_check_names_each_role_that_no_principal_has_and_what_no_one_may_do(tmp_path: Path) -> None:
    assert "is named in the agreement yet" not in hearth("governance", "check", SAMPLE).stdout
    lacking = tmp_path / "agreement.toml"
    text = SAMPLE.read_text("utf-8").replace('roles = ["releaser"]', 'roles = ["supplier"]')
    lacking.write_text(text.replace('roles = ["operator"]', 'roles = ["supplier"]'), "utf-8")
    shown = hearth("governance", "check", lacking).stdout.splitlines()
    place = shown.index("No releaser is named in the agreement yet; add one under [[principals]].")
    assert shown[place + 1] == "  Until then, no one may: release."
    place = shown.index("No operator is named in the agreement yet; add one under [[principals]].")
    assert (
        shown[place + 1] == "  Until then, no one may: rotate-outer-key, run, review-links, rotate-log-key."
    )


def test_diff_tells_in_words_what_became_looser(tmp_path: Path) -> None:
    new = tmp_path / "new.toml"
    new.write_text(
        SAMPLE.read_text().replace("minimum_match_rate = 0.6", "minimum_match_rate = 0.4"), "utf-8"
    )
    done = hearth("governance", "diff", SAMPLE, new)
    assert (
        "Looser: 1\n  thresholds.minimum_match_rate: 0.4 instead of 0.6: lowest plausible share of NHS "
        "residents" in done.stdout
    )
    assert "signed by no one" in done.stdout


def test_list_and_explain_cover_every_rule(tmp_path: Path) -> None:
    listed = json.loads(hearth("governance", "list", "--audit", tmp_path, "--json").stdout)["rules"]
    assert [row["rule"] for row in listed] == [item.id for item in all_rules()]
    for item in all_rules():
        done = hearth("governance", "explain", item.id.lower(), "--audit", tmp_path)
        assert item.title in done.stdout
        assert item.remedy in done.stdout


def test_explain_shows_the_last_verdicts_newest_first(audit: AuditLog, audit_folder: Path) -> None:
    for number, verdict in enumerate(["pass"] * 11 + ["fail"], 1):
        facts = {
            "part": "nhs",
            "observed": f"{number} rows",
            "reason": "too few" if verdict == "fail" else "",
        }
        audit.append(
            f"run-{number}", "operator", "ingest", "rule", rule="ING-03", verdict=verdict, evidence=facts
        )
    shown = hearth("governance", "explain", "ING-03", "--audit", audit_folder).stdout.splitlines()
    last = shown[shown.index("Last verdicts:") + 1 :]
    assert len(last) == 10
    assert last[0].endswith("fail: too few")


def test_an_agreement_is_signed_waived_and_approved_by_those_who_may(tmp_path: Path, keys: Path) -> None:
    agreement = tmp_path / "agreement.toml"
    shutil.copy(SAMPLE, agreement)
    for name in ("council-siro", "nhs-siro"):
        done = hearth("governance", "sign", agreement, "--as", name, "--key", keys / f"UNSAFE-{name}.pem")
    assert "Signature: valid, by council-siro, nhs-siro." in done.stdout
    analyst = ["--as", "nhs-analyst", "--key", keys / "UNSAFE-nhs-analyst.pem"]
    assert hearth("governance", "approve", agreement, "--specification", "a" * 64, *analyst).exit_code == 0
    waived = hearth(
        "governance",
        "waive",
        agreement,
        "--rule",
        "pre-04",
        "--until",
        "2099-01-01",
        "--reason",
        "x",
        *analyst,
    )
    assert waived.exit_code == 0, waived.exception
    assert "Signature: valid" in hearth("governance", "check", agreement).stdout


def test_an_overdue_artefact_is_listed_disposed_of_and_witnessed(
    tmp_path: Path, project: Path, keys: Path
) -> None:
    agreement = tmp_path / "agreement.toml"
    text = agreement.read_text().replace('id = "linkage"\ndays = 365', 'id = "linkage"\ndays = 0')
    agreement.write_text(text, "utf-8")
    sign_sample_agreement(agreement)
    folder = tmp_path / "workspace" / "linkage" / "link-all-1"
    folder.mkdir(parents=True)
    (folder / "link.parquet").write_bytes(b"rows")
    listed = hearth("retention", "list", "--config", project).stdout
    today = datetime.now(UTC).date().isoformat()
    assert f"{today}   linkage        linkage/link-all-1 OVERDUE" in listed
    person = ["--as", "operator", "--key", keys / "UNSAFE-operator.pem", "--config", project]
    done = hearth("retention", "dispose", "--overdue", *person)
    assert done.exit_code == 0, done.exception
    assert not folder.exists()
    certificate = next((tmp_path / "workspace" / "audit" / "certificates").iterdir()).name
    witness = ["--as", "nhs-ig-office", "--key", keys / "UNSAFE-nhs-ig-office.pem", "--config", project]
    assert "now signed by two people" in hearth("retention", "witness", certificate, *witness).stdout


def test_a_request_is_taken_without_the_number_on_the_command_line(tmp_path: Path, project: Path) -> None:
    receipt = tmp_path / "receipt.json"
    arguments = [
        "--controller",
        "nhs",
        "--kind",
        "objection",
        "--received",
        "2026-11-02",
        "--receipt",
        receipt,
    ]
    done = hearth("retention", "request", *arguments, "--config", project, given="999 000 0018\n")
    assert done.exit_code == 0, done.exception
    assert "9990000018" not in done.stdout
    proof = hearth("retention", "prove", receipt, "--audit", tmp_path / "workspace" / "audit")
    assert "There has been no run since." in proof.stdout


def test_a_supplier_announces_an_extract_and_nobody_elses(tmp_path: Path, project: Path, keys: Path) -> None:
    (tmp_path / "x.csv").write_text("record_id\n1\n2\n")
    arguments = ["governance", "announce", "council_property", "--config", project, "--sequence", 4]
    done = hearth(*arguments, "--supplied", "2026-11-20", "--key", keys / "UNSAFE-council-supplier.pem")
    assert done.exit_code == 0, done.exception
    manifest = json.loads((tmp_path / "x.csv.manifest.json").read_text())
    content = extract_statement("council_property", manifest["sha256"], 2, 4, "2026-11-20")
    by, signature = manifest["signed_by"], manifest["signature"]
    agreement = read_agreement(SAMPLE)
    assert extract_signed_by(agreement, "council", content, by, signature) is not None
    assert extract_signed_by(agreement, "nhs", content, by, signature) is None
    for name in ("nhs-supplier", "operator"):
        refused = hearth(*arguments, "--key", keys / f"UNSAFE-{name}.pem").exception
        assert isinstance(refused, HearthError)
        assert refused.code == "NOT_PERMITTED"


@pytest.mark.parametrize("group", ["audit", "governance", "retention"])
def test_every_command_has_help_with_an_example(group: str) -> None:
    import typer.main

    command = typer.main.get_command(app).commands[group]  # type: ignore[attr-defined]
    for name, item in command.commands.items():
        assert item.help, name
        if hasattr(item, "commands"):
            assert all("hearth " in (inner.epilog or "") for inner in item.commands.values()), name
            continue
        assert "hearth " in (item.epilog or ""), name
