"""The certificate of an attack: its text, its place and its signature."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from governance.errors import Fault
from pipeline.disclosure.attack.certificate import SIGNER_NAME, certificate_text, certify
from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.run import AttackReport

AT = datetime(2026, 4, 1, 2, 3, 4, tzinfo=UTC)
REPORT = AttackReport(
    {"r1": "a" * 64, "r2": "b" * 64},
    (AttackOutcome.of(1, "margins", {"X": 2}, {}), AttackOutcome(4, "mover", not_run="needs truth")),
)


def workspace(folder: Path) -> Path:
    """A workspace with a release and a log; returns the release's folder."""
    release = folder / "workspace" / "releases" / "r1"
    release.mkdir(parents=True)
    (folder / "workspace" / "audit").mkdir()
    return release


def signing_key(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


def test_a_certificate_names_releases_attacks_and_successes_and_ends_in_its_record() -> None:
    lines = certificate_text(REPORT, AT).decode().splitlines()
    assert "2026-04-01T02:03:04+00:00" in lines[1]
    assert [line.split()[1:4:2] for line in lines if line.startswith("release ")] == [
        ["r1", "a" * 64],
        ["r2", "b" * 64],
    ]
    assert [line.rsplit(": ", 1)[1] for line in lines if line.startswith("attack ")] == [
        "succeeded",
        "not run",
    ]
    assert "successes 2" in lines
    assert json.loads(lines[-1]) == REPORT.record()


def test_a_certificate_is_kept_in_the_workspace_of_its_release_unsigned_without_a_key(tmp_path: Path) -> None:
    made = certify(REPORT, AT, workspace(tmp_path), None, None)
    assert made is not None
    assert made.signed_by is None
    assert made.path.parent == tmp_path / "workspace" / "audit" / "attacks"
    assert made.path.name.startswith("attack-20260401T020304Z-")
    assert len(made.path.stem.rsplit("-", 1)[1]) == 12
    assert made.path.read_bytes() == certificate_text(REPORT, AT)
    assert made.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_key_of_the_workspaces_log_signs_it_and_a_named_key_before_that(tmp_path: Path) -> None:
    release = workspace(tmp_path)
    signing_key(tmp_path / "workspace" / "keys" / "audit-log.pem")
    made = certify(REPORT, AT, release, None, None)
    assert made is not None
    assert made.signed_by is not None
    assert made.signed_by.startswith(SIGNER_NAME)
    text, _, signature = made.path.read_bytes().rpartition(b"\n\n")
    assert text + b"\n" == certificate_text(REPORT, AT)
    assert SIGNER_NAME.encode() in signature
    other = certify(REPORT, AT, release, tmp_path / "mine.note", signing_key(tmp_path / "mine.pem"))
    assert other is not None
    assert (other.path, other.signed_by) == (tmp_path / "mine.note", made.signed_by)


def test_a_release_outside_a_workspace_has_no_certificate_unless_a_place_is_named(tmp_path: Path) -> None:
    release = tmp_path / "copy" / "r1"
    release.mkdir(parents=True)
    assert certify(REPORT, AT, release, None, None) is None
    made = certify(REPORT, AT, release, tmp_path / "new" / "folder" / "c.note", None)
    assert made is not None
    assert made.path.is_file()


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match="CERTIFICATE_NOT_WRITTEN"):
        certify(REPORT, AT, workspace(tmp_path), tmp_path / "file" / "c.note", None)
