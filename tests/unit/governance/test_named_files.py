"""A file that is named on a command line is small and regular; anything else is a fault, and no one waits."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from governance.audit.log import AuditLog
from governance.audit.signer import LogSigner, read_signing_key
from governance.errors import Fault, HearthError
from governance.named_file import LARGEST_NAMED, read_named
from governance.principals.unsafe_demo_principals import write_unsafe_demo_keys

from .test_governance_commands import hearth

Command = Callable[[Path, Path, str], list[object]]


def cosign(own: Path, odd: Path, log_key: str) -> list[object]:
    key = own / "people" / "UNSAFE-nhs-ig-office.pem"
    named = ["--key", key, "--name", "nhs-ig-office", "--log-key", log_key, "--kept", own / "kept.note"]
    return ["audit", "cosign", odd, *named, "--out", own / "answer.note"]


def cosign_with_kept(own: Path, odd: Path, log_key: str) -> list[object]:
    request = own / "request.txt"
    request.write_bytes(b"old 0\n")
    return [odd if item == own / "kept.note" else item for item in cosign(own, request, log_key)]


def request_of(own: Path) -> Path:
    request = own / "request.txt"
    request.write_bytes(b"old 0\n")
    return request


COMMANDS: dict[str, Command] = {
    "prove --check": lambda own, odd, key: ["audit", "prove", "--check", odd, "--log-key", key],
    "consistency": lambda own, odd, key: ["audit", "consistency", odd, "--kept", odd, "--log-key", key],
    "consistency --kept": lambda own, odd, key: [
        *("audit", "consistency", request_of(own), "--kept", odd, "--log-key", key)
    ],
    "cosign": cosign,
    "cosign --kept": cosign_with_kept,
    "accept": lambda own, odd, key: ["audit", "accept", odd, "--audit", own / "audit", "--witness", key],
    "timestamp accept": lambda own, odd, key: ["audit", "timestamp", "accept", odd, own / "audit"],
}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Let a test fail that waits for a pipe or reads without end."""

    def too_long(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(LARGEST_NAMED + 1)


@pytest.mark.parametrize("make", [pipe, endless, huge])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_odd_or_too_large_is_a_fault(
    tmp_path: Path, audit: AuditLog, signer: LogSigner, command: str, make: Callable[[Path], None]
) -> None:
    write_unsafe_demo_keys(tmp_path / "people")
    odd = tmp_path / "odd.txt"
    make(odd)
    done = hearth(*COMMANDS[command](tmp_path, odd, signer.verifier_key))
    assert isinstance(done.exception, HearthError), done.exception
    assert done.exception.code == "NAMED_FILE_UNREADABLE"
    assert not (tmp_path / "answer.note").exists()


def test_a_signing_key_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key.pem", 0o600)
    with pytest.raises(Fault, match="SIGNING_KEY_EXPOSED"):
        read_signing_key(tmp_path / "key.pem")


@pytest.mark.parametrize(("size", "is_read"), [(9, True), (10, True), (11, False)])
def test_a_named_file_is_read_up_to_the_bound_also_by_a_link(
    tmp_path: Path, size: int, is_read: bool
) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    (tmp_path / "link").symlink_to("file")
    if is_read:
        assert read_named(tmp_path / "link", 10) == b"x" * size
        return
    with pytest.raises(Fault, match="is larger than 10 bytes"):
        read_named(tmp_path / "link", 10)


def test_a_named_file_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"NAMED_FILE_UNREADABLE: gone cannot be used: it could not be opened"):
        read_named(tmp_path / "gone")
