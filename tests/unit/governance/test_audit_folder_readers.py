"""Every reader of the audit folder ends where something in it is no regular file, and names what it met."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.audit.folder import checkpoint_path, log_lines, newest_checkpoint
from governance.audit.log import AuditLog
from governance.audit.note import NoteSigner
from governance.audit.proof import check_proof, prove_line
from governance.audit.signer import LogSigner
from governance.audit.timestamp import accept_timestamp, timestamp_request
from governance.audit.verify import COSIGNATURE, read_verifier_key
from governance.audit.witness import accept_cosignature, cosign_request
from governance.errors import Fault, Refused
from governance.history import events, verdicts
from governance.report.trials import certificates_of
from governance.retention.disposal import read_certificate

SHAPES: dict[str, Callable[[Path], None]] = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a link to an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.fixture(autouse=True)
def a_time_limit() -> Iterator[None]:
    """A reader that waits for ever fails its test after 20 seconds."""

    def stop(*_: object) -> None:
        raise AssertionError("the reader did not end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=SHAPES.values(), ids=SHAPES)
def shape(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    put: Callable[[Path], None] = request.param
    return put


@pytest.fixture
def folder(audit_folder: Path, log_run: Callable[[str], None]) -> Path:
    log_run("run-1")
    return audit_folder


def replace(path: Path, shape: Callable[[Path], None]) -> None:
    path.unlink(missing_ok=True)
    shape(path)


def test_the_log_is_not_read_through_anything_but_a_file(folder: Path, shape: Callable[[Path], None]) -> None:
    replace(folder / "audit.jsonl", shape)
    for read in (log_lines, verdicts, lambda place: list(events(place))):
        with pytest.raises(Fault, match="AUDIT_LOG_UNREADABLE"):
            read(folder)


@pytest.mark.parametrize("name", ["audit.jsonl", ".lock"])
def test_the_log_is_not_opened_for_writing_through_anything_but_a_file(
    folder: Path, signer: LogSigner, shape: Callable[[Path], None], name: str
) -> None:
    replace(folder / name, shape)
    with pytest.raises(Fault, match="AUDIT_LOG_NOT_WRITABLE"):
        AuditLog.open(folder, signer)


def test_a_lock_that_is_a_link_never_empties_the_file_that_it_names(
    folder: Path, signer: LogSigner, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("kept")
    replace(folder / ".lock", lambda path: path.symlink_to(tmp_path / "precious"))
    with pytest.raises(Fault, match="AUDIT_LOG_NOT_WRITABLE"):
        AuditLog.open(folder, signer)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_checkpoint_is_not_read_through_anything_but_a_file(
    folder: Path, shape: Callable[[Path], None]
) -> None:
    replace(checkpoint_path(folder, 7), shape)
    readers: tuple[Callable[[], object], ...] = (
        lambda: newest_checkpoint(folder),
        lambda: prove_line(folder, 0),
        lambda: cosign_request(folder, 0),
        lambda: timestamp_request(folder),
    )
    for read in readers:
        with pytest.raises(Fault, match="CHECKPOINT_MALFORMED"):
            read()
    with pytest.raises(Fault, match="NO_CHECKPOINT"):
        accept_timestamp(folder, b"", 7)


def test_an_answer_is_not_added_to_anything_but_a_file(folder: Path, shape: Callable[[Path], None]) -> None:
    answer = newest_checkpoint(folder)[2]
    replace(checkpoint_path(folder, 7), shape)
    witness = NoteSigner("office", Ed25519PrivateKey.generate()).verifier_key(COSIGNATURE)
    with pytest.raises(Refused, match="COSIGNATURE_REFUSED"):
        accept_cosignature(folder, answer, read_verifier_key(witness))


def test_a_log_is_not_signed_through_anything_but_a_file(
    audit: AuditLog, folder: Path, shape: Callable[[Path], None]
) -> None:
    audit.append("run-2", "operator", None, "run_start")
    shape(checkpoint_path(folder, audit.size))
    with pytest.raises(Fault, match="AUDIT_LOG_NOT_WRITABLE"):
        audit.checkpoint()


def test_a_name_that_is_no_checkpoint_of_hearth_is_never_the_newest(folder: Path) -> None:
    (folder / "checkpoints" / "z.note").write_bytes(b"no note")
    assert newest_checkpoint(folder)[0].size == 7


def test_certificates_are_not_read_through_anything_but_a_file(
    folder: Path, shape: Callable[[Path], None]
) -> None:
    (folder / "attacks").mkdir()
    (folder / "certificates").mkdir()
    shape(folder / "attacks" / "attack-1.note")
    shape(folder / "certificates" / "disposal-1.json")
    assert certificates_of(folder) == ()
    with pytest.raises(Fault, match="CERTIFICATE_UNREADABLE"):
        read_certificate(folder / "certificates" / "disposal-1.json")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"statement": "disposal", "signatures": [], "content": 5}',
        '{"statement": "disposal", "signatures": [], "content": {"what": 5, "disposed_by": "a"}}',
        '{"statement": "disposal", "signatures": [5], "content": {"what": "x", "disposed_by": "a"}}',
        '{"statement": "disposal", "signatures": [], "content": {"what": "x", "disposed_by": "a", "n": NaN}}',
        "null",
    ],
)
def test_a_malformed_certificate_is_a_fault_and_no_exception(tmp_path: Path, text: str) -> None:
    (tmp_path / "disposal-1.json").write_text(text)
    with pytest.raises(Fault, match="CERTIFICATE_UNREADABLE"):
        read_certificate(tmp_path / "disposal-1.json")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"successes": Infinity, "releases": [], "attacks": []}', "5"]
)
def test_a_malformed_attack_certificate_is_marked(folder: Path, text: str) -> None:
    (folder / "attacks").mkdir()
    (folder / "attacks" / "attack-1.note").write_text(f"time 2026\n{text}\n")
    assert [item.signed for item in certificates_of(folder)] == ["cannot be read"]


@pytest.mark.parametrize("line", [b"[" * 100_000, b"{}", b"null", b"\xff\x00", b'{"seq":NaN}', b"9" * 10_000])
def test_a_line_that_is_no_event_is_a_refusal_of_every_reader(
    folder: Path, signer: LogSigner, line: bytes
) -> None:
    with (folder / "audit.jsonl").open("ab") as stream:
        stream.write(line + b"\n")
    for read in (verdicts, lambda place: list(events(place)), lambda place: AuditLog.open(place, signer)):
        with pytest.raises(Refused, match="AUDIT_LOG_CHANGED"):
            read(folder)


def test_what_the_verifier_refuses_is_never_written(audit: AuditLog, audit_folder: Path) -> None:
    deep: object = 1
    for _ in range(100):
        deep = [deep]
    before = (audit_folder / "audit.jsonl").read_bytes()
    with pytest.raises(Fault, match="nested too deeply"):
        audit.append("run-1", "operator", None, "note", evidence={"deep": deep})
    assert (audit_folder / "audit.jsonl").read_bytes() == before
    audit.append("run-1", "operator", None, "note", evidence={"large": 1e20, "small": 1e-9})
    assert (
        json.loads((audit_folder / "audit.jsonl").read_bytes().splitlines()[-1])["evidence"]["large"] == 1e20
    )


def test_a_proof_with_an_endless_number_is_refused(folder: Path, signer: LogSigner) -> None:
    proof = prove_line(folder, 1).replace(b"index 1\n", b"index " + b"1" * 10_000 + b"\n")
    with pytest.raises(ValueError, match="no entry number"):
        check_proof(proof, (read_verifier_key(signer.verifier_key),))
