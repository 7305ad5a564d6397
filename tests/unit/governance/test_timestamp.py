"""RFC 3161 against a time-stamp authority of our own, made with OpenSSL."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509 import Certificate, load_pem_x509_certificate

from governance.audit.timestamp import accept_timestamp, timestamp_request
from governance.errors import Fault, Refused

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
CONFIGURATION = """
[req]
distinguished_name = name
[name]
[tsa]
basicConstraints = CA:TRUE
extendedKeyUsage = critical,timeStamping
[authority]
serial = serial
signer_digest = sha256
digests = sha256
default_policy = 1.2.3.4.1
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run([OPENSSL or "", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def authority(tmp_path: Path) -> Callable[[bytes], bytes]:
    """A time-stamp authority: a query in, a reply out."""
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(CONFIGURATION)
    (folder / "serial").write_text("01\n")
    subject = ["-subj", "/CN=Test TSA", "-config", "tsa.cnf", "-extensions", "tsa"]
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "key.pem", "-out", "tsa.pem", "-days", "30", *subject)  # fmt: skip

    def answer(query: bytes) -> bytes:
        (folder / "query.tsq").write_bytes(query)
        openssl(folder, "ts", "-reply", "-config", "tsa.cnf", "-section", "authority",
                "-queryfile", "query.tsq", "-signer", "tsa.pem", "-inkey", "key.pem",
                "-out", "reply.tsr")  # fmt: skip
        return (folder / "reply.tsr").read_bytes()

    return answer


def test_a_stamp_is_kept_that_openssl_verifies_over_the_checkpoint(
    tmp_path: Path,
    audit_folder: Path,
    log_run: Callable[[str], None],
    authority: Callable[[bytes], bytes],
) -> None:
    log_run("run-1")
    query, text, size = timestamp_request(audit_folder)
    stamp = accept_timestamp(audit_folder, authority(query), size)
    assert stamp.size == size == 7
    assert abs(stamp.time - datetime.now(UTC)) < timedelta(minutes=5)
    (tmp_path / "tsa" / "text").write_bytes(text)
    kept = audit_folder / "timestamps" / "000000000007.tsr"
    openssl(tmp_path / "tsa", "ts", "-verify", "-data", "text", "-in", str(kept), "-CAfile", "tsa.pem")


@pytest.fixture
def root(tmp_path: Path, authority: Callable[[bytes], bytes]) -> Certificate:
    return load_pem_x509_certificate((tmp_path / "tsa" / "tsa.pem").read_bytes())


def test_a_stamp_is_verified_against_the_root_certificate_of_its_authority(
    audit_folder: Path,
    log_run: Callable[[str], None],
    authority: Callable[[bytes], bytes],
    root: Certificate,
) -> None:
    log_run("run-1")
    query, _, size = timestamp_request(audit_folder)
    assert not accept_timestamp(audit_folder, authority(query), size).verified
    assert accept_timestamp(audit_folder, authority(query), size, [root]).verified


def test_a_stamp_by_another_authority_is_refused_and_not_stored(
    tmp_path: Path,
    audit_folder: Path,
    log_run: Callable[[str], None],
    authority: Callable[[bytes], bytes],
) -> None:
    log_run("run-1")
    query, _, size = timestamp_request(audit_folder)
    openssl(tmp_path, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "other.key", "-out", "other.pem", "-days", "30", "-subj", "/CN=Other")  # fmt: skip
    other = load_pem_x509_certificate((tmp_path / "other.pem").read_bytes())
    with pytest.raises(Refused, match="TIMESTAMP_NOT_SIGNED"):
        accept_timestamp(audit_folder, authority(query), size, [other])
    assert not (audit_folder / "timestamps").exists()


def test_a_stamp_of_another_checkpoint_is_refused(
    audit_folder: Path, log_run: Callable[[str], None], authority: Callable[[bytes], bytes]
) -> None:
    log_run("run-1")
    query, _, size = timestamp_request(audit_folder)
    log_run("run-2")
    reply = authority(query)
    with pytest.raises(Refused, match="TIMESTAMP_OF_ANOTHER"):
        accept_timestamp(audit_folder, reply, timestamp_request(audit_folder)[2])
    assert accept_timestamp(audit_folder, reply, size).size == size


@pytest.mark.parametrize("reply", [b"", b"\x30", b"\x30\x80", b"\x30\x03\x02\x01\x00", b"hello" * 40])
def test_what_is_no_reply_is_a_fault(
    audit_folder: Path, log_run: Callable[[str], None], reply: bytes
) -> None:
    log_run("run-1")
    with pytest.raises(Fault, match="TIMESTAMP_MALFORMED"):
        accept_timestamp(audit_folder, reply, 7)


def test_an_authority_that_refuses_is_told(audit_folder: Path, log_run: Callable[[str], None]) -> None:
    log_run("run-1")
    with pytest.raises(Refused, match="status 2"):
        accept_timestamp(audit_folder, bytes.fromhex("30053003020102"), 7)
