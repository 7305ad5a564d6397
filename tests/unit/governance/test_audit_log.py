"""Writing the log: what it takes, what it refuses, and what is left of it when a process dies."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.audit import log as log_module
from governance.audit.log import AuditLog
from governance.audit.signer import KEY_NAME, LogSigner, open_log_signer
from governance.audit.standalone_verifier import write_verifier
from governance.audit.verify import UNWITNESSED, verify_folder
from governance.errors import Fault, Refused
from governance.recorded_state import RecordedState


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "audit.jsonl").read_bytes().splitlines()


def test_a_run_that_ended_leaves_a_log_that_is_intact(
    audit_folder: Path, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    log_run("run-2")
    report = verify_folder(audit_folder)
    assert (report.exit_code, report.runs, report.lines) == (UNWITNESSED, 2, 13)
    assert report.signed_lines == report.lines


def test_every_line_carries_exactly_the_closed_fields_in_order(audit: AuditLog, audit_folder: Path) -> None:
    audit.append(
        "run-1",
        "operator",
        "link",
        "rule",
        rule="LNK-02",
        verdict="pass",
        evidence={"pairs": 3, "rate": 0.5},
        policy="a" * 64,
    )
    assert list(json.loads(lines_of(audit_folder)[1])) == [
        "actor", "event", "evidence", "policy", "prev", "rule", "run", "seq", "stage", "ts", "v", "verdict",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"event": "party"}, "unknown event"),
        ({"verdict": "maybe"}, "unknown verdict"),
        ({"policy": "abc"}, "digest"),
        ({"run": "two\nlines"}, "name"),
        ({"actor": ""}, "name"),
        ({"evidence": {"uprn": "100023336956"}}, "identifier"),
        ({"evidence": {"nested": [{"nhs": "999 000 0018"}]}}, "identifier"),
        ({"evidence": {"postcode": "M1 1AA"}}, "identifier"),
        ({"evidence": {"100023336956": 1}}, "identifier"),
        ({"evidence": {"text": "x" * 501}}, "500 characters"),
        ({"evidence": {"when": timedelta(1)}}, "timedelta"),
    ],
)
def test_what_is_outside_the_closed_schema_is_refused_and_leaves_the_log_as_it_was(
    audit: AuditLog, audit_folder: Path, change: dict[str, object], told: str
) -> None:
    before = lines_of(audit_folder)
    event: dict[str, object] = {"run": "run-1", "actor": "operator", "stage": None, "event": "note"}
    with pytest.raises(Fault, match=told):
        audit.append(**(event | change))  # type: ignore[arg-type]
    assert lines_of(audit_folder) == before


def test_a_refused_event_does_not_repeat_the_value_it_was_refused_for(audit: AuditLog) -> None:
    with pytest.raises(Fault) as refused:
        audit.append("run-1", "operator", None, "note", evidence={"uprn": "100023336956"})
    assert "100023336956" not in str(refused.value)


def test_a_run_carries_the_root_of_all_that_precedes_it(
    audit: AuditLog, audit_folder: Path, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    root, size = audit.root.hex(), audit.size
    audit.append("run-2", "operator", None, "run_start")
    assert json.loads(lines_of(audit_folder)[-1])["evidence"] == {
        "previous_root": root,
        "previous_size": size,
    }


def test_a_run_without_an_end_is_a_finding_until_the_next_run_records_it(
    audit: AuditLog, audit_folder: Path, log_run: Callable[[str], None]
) -> None:
    audit.append("run-1", "operator", None, "run_start")
    audit.checkpoint()
    assert verify_folder(audit_folder).incomplete == [
        "run run-1 has no end: it was cut off or is still running."
    ]
    log_run("run-2")
    report = verify_folder(audit_folder)
    assert (report.incomplete, report.exit_code) == ([], UNWITNESSED)
    assert "run run-1 was cut off; a later run recorded it as abandoned." in report.remarks


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_half_written_line_is_set_aside_recorded_and_the_chain_goes_on(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None], kept: int
) -> None:
    log_run("run-1")
    whole = (audit_folder / "audit.jsonl").read_bytes()
    last = whole.splitlines()[-1]
    with (audit_folder / "audit.jsonl").open("ab") as stream:
        stream.write(last[:kept])
    assert "only partly written" in verify_folder(audit_folder).incomplete[0]
    reopened = AuditLog.open(audit_folder, signer)
    reopened.append("run-2", "operator", None, "run_start")
    reopened.append("run-2", "operator", None, "run_end", verdict="published")
    reopened.checkpoint()
    report = verify_folder(audit_folder)
    assert (report.tampered, report.incomplete) == ([], [])
    assert any("a partly written entry was removed here" in remark for remark in report.remarks)
    assert [path.read_bytes() for path in (audit_folder / "torn").iterdir()] == [last[:kept]]
    assert (audit_folder / "audit.jsonl").read_bytes().startswith(whole)


def test_a_process_killed_while_it_writes_leaves_a_log_that_the_next_run_mends(tmp_path: Path) -> None:
    writer = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from governance.audit.log import AuditLog
        from governance.audit.signer import open_log_signer
        root = Path(sys.argv[1])
        log = AuditLog.open(root / "audit", open_log_signer(root, "hearth/test"))
        log.append("run-1", "operator", None, "run_start")
        while True:
            log.append("run-1", "operator", "link", "note", evidence={"rows": 1})
            log.checkpoint()
            print(flush=True)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    log = AuditLog.open(tmp_path / "audit", open_log_signer(tmp_path, "hearth/test"))
    log.append("run-2", "operator", None, "run_start")
    log.append("run-2", "operator", None, "run_end", verdict="published")
    log.checkpoint()
    assert verify_folder(tmp_path / "audit").exit_code == UNWITNESSED


def test_two_processes_write_one_chain(
    audit: AuditLog, audit_folder: Path, signer: LogSigner, clock: Any
) -> None:
    other = AuditLog.open(audit_folder, signer, clock)
    for number in range(5):
        audit.append("run-1", "operator", None, "note", evidence={"n": number})
        other.append("run-1", "auditor", None, "note", evidence={"n": number})
    audit.checkpoint()
    report = verify_folder(audit_folder)
    assert (report.lines, report.tampered) == (11, [])


def test_a_full_disk_leaves_the_log_as_it_was(
    audit: AuditLog, audit_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lines_of(audit_folder)
    real = os.write

    def half_then_full(descriptor: int, data: bytes) -> int:
        if len(data) > 100:
            return real(descriptor, data[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(log_module.os, "write", half_then_full)
    with pytest.raises(Fault, match="No space left"):
        audit.append("run-1", "operator", None, "note", evidence={"n": 1})
    monkeypatch.setattr(log_module.os, "write", real)
    assert lines_of(audit_folder) == before
    audit.append("run-1", "operator", None, "note", evidence={"n": 1})
    audit.checkpoint()
    assert verify_folder(audit_folder).tampered == []


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path: Path, signer: LogSigner) -> None:
    (tmp_path / "audit").write_text("a file, not a folder")
    with pytest.raises(Fault, match="AUDIT_LOG_NOT_WRITABLE"):
        AuditLog.open(tmp_path / "audit", signer)


def test_the_clock_may_be_corrected_by_seconds_and_not_set_back_by_a_day(
    audit: AuditLog, audit_folder: Path, clock: Any
) -> None:
    audit.append("run-1", "operator", None, "note")
    clock.now -= timedelta(seconds=60)
    audit.append("run-1", "operator", None, "note")
    clock.now -= timedelta(days=1)
    with pytest.raises(Refused, match="CLOCK_SET_BACK"):
        audit.append("run-1", "operator", None, "note")
    times = [json.loads(line)["ts"] for line in lines_of(audit_folder)]
    assert times == sorted(times)


def test_nothing_is_appended_to_a_log_whose_lines_were_edited(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    path = audit_folder / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"rows":20113', b'"rows":20114', 1))
    with pytest.raises(Refused, match="AUDIT_LOG_CHANGED"):
        AuditLog.open(audit_folder, signer)


def test_the_key_never_signs_a_log_that_was_shortened(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    path = audit_folder / "audit.jsonl"
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:3]) + b"\n")
    with pytest.raises(Refused, match=r"entries were removed \(7 entries were signed before\)"):
        AuditLog.open(audit_folder, signer)


def test_the_key_never_signs_another_history(
    audit_folder: Path, signer: LogSigner, clock: Any, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    shutil.rmtree(audit_folder)
    with pytest.raises(Refused, match="entries were removed"):
        AuditLog.open(audit_folder, signer, clock).checkpoint()


@pytest.mark.parametrize("checkpoints", ["kept", "deleted"])
def test_a_log_that_was_signed_is_not_continued_without_the_keys_own_record(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None], checkpoints: str
) -> None:
    """Deleting that record is how a shortened log would be signed as if it were whole."""
    log_run("run-1")
    path = audit_folder / "audit.jsonl"
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:5]) + b"\n")
    signer.memory.unlink()
    if checkpoints == "deleted":
        shutil.rmtree(audit_folder / "checkpoints")
    with pytest.raises(Fault, match="LOG_SIGNER_MEMORY"):
        AuditLog.open(audit_folder, signer)


@pytest.mark.parametrize("change", ["edited", "rolled back"])
def test_a_record_of_the_last_signature_that_was_changed_continues_nothing_shorter(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None], change: str
) -> None:
    log_run("run-1")
    yesterday = signer.memory.read_text()
    log_run("run-2")
    if change == "edited":
        signer.memory.write_text("3 not-base64\n")
        with pytest.raises(Fault, match="LOG_SIGNER_MEMORY"):
            AuditLog.open(audit_folder, signer)
        return
    signer.memory.write_text(yesterday)
    AuditLog.open(audit_folder, signer).checkpoint()
    path = audit_folder / "audit.jsonl"
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:5]) + b"\n")
    with pytest.raises(Refused, match="AUDIT_LOG_CHANGED"):
        AuditLog.open(audit_folder, signer)


def test_a_log_that_is_gone_is_not_begun_anew_while_its_key_has_signed_it(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    (audit_folder / "audit.jsonl").unlink()
    with pytest.raises(Refused, match="AUDIT_LOG_CHANGED"):
        AuditLog.open(audit_folder, signer)
    signer.memory.unlink()
    with pytest.raises(Fault, match="LOG_SIGNER_MEMORY"):
        AuditLog.open(audit_folder, signer)
    assert not (audit_folder / "audit.jsonl").exists()


def test_states_and_findings_are_read_again_and_both_verifiers_take_them(
    audit: AuditLog, audit_folder: Path, signer: LogSigner, tmp_path: Path
) -> None:
    state = RecordedState(audit, "run-1", "operator")
    assert state.last("package admitted", "nhs") == {}
    state.record("package admitted", {"sequence": 1}, "nhs")
    state.record("package admitted", {"sequence": 2}, "nhs")
    state.report("linkage/link-all-1", "ARTEFACT_CHANGED", "the stage is run again")
    again = RecordedState(AuditLog.open(audit_folder, signer), "run-2", "operator")
    assert again.last("package admitted", "nhs")["sequence"] == 2
    assert again.last("package admitted", "council") == {}
    write_verifier(tmp_path / "verify.pyz")
    said = "line 3: run run-1 found that linkage/link-all-1 is not the one on record (ARTEFACT_CHANGED)."
    report = verify_folder(audit_folder)
    assert (report.exit_code, said in report.remarks) == (UNWITNESSED, True)
    alone = subprocess.run(
        [sys.executable, tmp_path / "verify.pyz", audit_folder], capture_output=True, text=True, check=False
    )
    assert (alone.returncode, said in alone.stdout) == (UNWITNESSED, True)


def test_a_log_is_not_continued_under_another_key(
    tmp_path: Path, audit_folder: Path, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    (tmp_path / "other-keys").mkdir()
    with pytest.raises(Refused, match="LOG_KEY_DIFFERS"):
        AuditLog.open(audit_folder, open_log_signer(tmp_path / "other-keys", "hearth/test"))


def test_the_signing_key_is_private_and_refuses_to_work_once_exposed(
    tmp_path: Path, signer: LogSigner
) -> None:
    path = signer.memory.parent / KEY_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(Fault, match="SIGNING_KEY_EXPOSED"):
        open_log_signer(signer.memory.parent, "hearth/test")
