"""A release checked by a person who holds a copy of it: by Hearth, and by the single-file verifier."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.audit.key_change import change_log_key
from governance.audit.log import AuditLog
from governance.audit.note import NoteSigner
from governance.audit.signer import LogSigner, open_log_signer
from governance.audit.standalone_verifier import write_verifier
from governance.audit.verify import (
    MANIFEST,
    STATEMENT,
    ReleaseLog,
    ReleaseReport,
    Trust,
    read_checkpoint,
    read_note,
    read_statement,
    read_verifier_key,
    verify_release,
)
from governance.canonical import canonical_json
from governance.errors import Refused
from governance.gate import Gatekeeper

RELEASE_ID = "2026-03-31-0123456789ab"
FILES = {"health.parquet": b"rows", "README.md": b"# Release\n", "views.sql": b"CREATE VIEW health\n"}


@dataclass
class Published:
    """A release, the audit folder that records it, and the key that signed both."""

    release: Path
    audit: Path
    signer: LogSigner

    def check(self, trust: Trust | None = None, *, with_log: bool = True) -> ReleaseReport:
        log = ReleaseLog.read(self.audit, trust) if with_log else None
        return verify_release(self.release, trust, log)

    @property
    def trust(self) -> Trust:
        return Trust(log=(read_verifier_key(self.signer.verifier_key),))


def write_release_manifest(folder: Path) -> str:
    """Write the manifest over the files that are there: what a person does who edits one."""
    names = sorted(p.name for p in folder.iterdir() if p.name not in (MANIFEST, STATEMENT))
    data = [(name, (folder / name).read_bytes()) for name in names]
    files = [{"name": n, "sha256": hashlib.sha256(d).hexdigest(), "bytes": len(d)} for n, d in data]
    manifest = {"release_id": RELEASE_ID, "reference_date": "2026-03-31", "epoch": "2026-Q1", "files": files}
    (folder / MANIFEST).write_bytes(canonical_json(manifest) + b"\n")
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


@pytest.fixture
def record(audit: AuditLog, agreement: Agreement) -> Callable[[str, str], bytes]:
    keeper = Gatekeeper("run-1", agreement, audit, "operator", order={})
    return lambda release_id, digest: keeper.record_release(release_id, digest, "2026-Q1", "2026-03-31")


@pytest.fixture
def published(
    tmp_path: Path,
    audit_folder: Path,
    audit: AuditLog,
    signer: LogSigner,
    record: Callable[[str, str], bytes],
) -> Published:
    folder = tmp_path / "releases" / RELEASE_ID
    folder.mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    audit.append("run-1", "operator", None, "run_start", evidence={})
    (folder / STATEMENT).write_bytes(record(RELEASE_ID, write_release_manifest(folder)))
    audit.append("run-1", "operator", None, "run_end", verdict="published", evidence={})
    audit.checkpoint()
    return Published(folder, audit_folder, signer)


def test_files_manifest_statement_and_log_of_a_published_release_agree(published: Published) -> None:
    report = published.check()
    assert (report.exit_code, report.signature, report.files) == (0, "valid", 3)
    assert report.verdict == (
        f"As published: the 3 files of release {RELEASE_ID}, its manifest, its signed statement and the "
        "audit log agree."
    )


def test_the_statement_is_a_signed_note_that_no_one_can_use_as_a_checkpoint(published: Published) -> None:
    note = read_note((published.release / STATEMENT).read_bytes())
    statement = read_statement(note)
    assert note.signed_by(read_verifier_key(published.signer.verifier_key))
    assert statement.text.decode().splitlines() == [
        "hearth release statement v1",
        f"release {RELEASE_ID}",
        f"manifest-sha256 {hashlib.sha256((published.release / MANIFEST).read_bytes()).hexdigest()}",
        "epoch 2026-Q1",
        "reference-date 2026-03-31",
        "log hearth/test",
    ]
    with pytest.raises(ValueError, match="malformed"):
        read_checkpoint(note)


def mended(release: Path, name: str) -> None:
    """Edit a file and put the manifest, and the words of the statement, in order."""
    before = hashlib.sha256((release / MANIFEST).read_bytes()).hexdigest().encode()
    (release / name).write_bytes((release / name).read_bytes() + b"edited\n")
    after = write_release_manifest(release).encode()
    statement = release / STATEMENT
    statement.write_bytes(statement.read_bytes().replace(before, after))


@pytest.mark.parametrize("name", FILES)
def test_an_edited_file_with_a_mended_manifest_is_found_without_the_log_and_with_it(
    published: Published, name: str
) -> None:
    mended(published.release, name)
    alone, together = published.check(published.trust, with_log=False), published.check()
    assert (alone.exit_code, alone.signature) == (2, "wrong")
    assert together.exit_code == 2
    assert "entry 2 of the audit log records another manifest.json." in together.changed
    assert together.verdict.startswith(f"Changed: release {RELEASE_ID}")


def test_a_statement_signed_with_another_key_is_found(published: Published) -> None:
    mended(published.release, "README.md")
    statement = read_statement(read_note((published.release / STATEMENT).read_bytes()))
    stranger = NoteSigner("hearth/test", Ed25519PrivateKey.generate())
    (published.release / STATEMENT).write_bytes(statement.text + b"\n" + stranger.sign(statement.text))
    assert published.check().exit_code == 2
    assert published.check(published.trust, with_log=False).exit_code == 3  # a key that trust does not name


def edit(name: str) -> Callable[[Path], object]:
    return lambda release: (release / name).write_bytes(b"edited")


def remove(name: str) -> Callable[[Path], object]:
    return lambda release: (release / name).unlink()


def put(name: str) -> Callable[[Path], object]:
    return lambda release: (release / name).write_bytes(b"new")


def unlisted(release: Path) -> None:
    """Take a file out of the release and out of its manifest."""
    (release / "views.sql").unlink()
    write_release_manifest(release)


def linked(release: Path) -> None:
    """Put a link to the same bytes in the place of a file."""
    (release / "README.md").rename(release.parent / "elsewhere.md")
    (release / "README.md").symlink_to(release.parent / "elsewhere.md")


def pipe(release: Path) -> None:
    (release / "README.md").unlink()
    os.mkfifo(release / "README.md")


def endless(release: Path) -> None:
    (release / STATEMENT).unlink()
    (release / STATEMENT).symlink_to("/dev/zero")


def outside(release: Path) -> None:
    """List a file outside the folder."""
    manifest = json.loads((release / MANIFEST).read_bytes())
    manifest["files"][0]["name"] = "../../audit/audit.jsonl"
    (release / MANIFEST).write_bytes(canonical_json(manifest))


def enormous(release: Path) -> None:
    manifest = json.loads((release / MANIFEST).read_bytes())
    manifest["files"][0]["bytes"] = 2**50
    (release / MANIFEST).write_bytes(canonical_json(manifest))


CHANGES: dict[str, tuple[Callable[[Path], object], int]] = {
    "a file is edited": (edit("README.md"), 2),
    "a file is missing": (remove("README.md"), 2),
    "a file is added": (put("extra.csv"), 2),
    "a folder is added": (lambda release: (release / "more").mkdir(), 2),
    "a file is missing from the manifest too": (unlisted, 2),
    "a file is a link to the same bytes": (linked, 2),
    "a file is a pipe": (pipe, 2),
    "the manifest is edited": (edit(MANIFEST), 2),
    "the manifest is missing": (remove(MANIFEST), 2),
    "the manifest lists a file elsewhere": (outside, 2),
    "the manifest states an enormous size": (enormous, 2),
    "the statement is edited": (edit(STATEMENT), 2),
    "the statement is an endless device": (endless, 2),
    "the statement is missing": (remove(STATEMENT), 3),
}


@pytest.mark.parametrize(("change", "code"), CHANGES.values(), ids=CHANGES)
def test_every_change_is_found_and_the_single_file_says_the_same(
    published: Published, tmp_path: Path, change: Callable[[Path], object], code: int
) -> None:
    change(published.release)
    report = published.check()
    assert report.exit_code == code, report
    write_verifier(tmp_path / "hearth-verify.pyz")
    told = run_alone(tmp_path / "hearth-verify.pyz", published.release, published.audit)
    assert (told["exit_code"], told["changed"], told["incomplete"], told["verdict"]) == (
        code,
        report.changed,
        report.incomplete,
        report.verdict,
    )


def run_alone(program: Path, release: Path, audit: Path) -> dict[str, Any]:
    """Run the single file where nothing of Hearth can be imported; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", "-s", str(program), "--release", str(release), str(audit), "--json"],
        capture_output=True,
        text=True,
        cwd=program.parent,
        env={"PATH": ""},
        check=False,
        timeout=60,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == told["exit_code"], done.stderr
    return told


def test_a_release_under_the_name_of_another_is_found(published: Published) -> None:
    other = published.release.with_name("2026-06-30-0123456789ab")
    published.release.rename(other)
    assert replace(published, release=other).check().exit_code == 2


def test_a_copy_may_have_any_other_name(published: Published) -> None:
    copy = published.release.with_name("from-the-council")
    published.release.rename(copy)
    assert replace(published, release=copy).check().exit_code == 0


def test_a_missing_statement_is_a_change_where_the_log_records_other_content(published: Published) -> None:
    (published.release / "README.md").write_bytes(b"edited")
    write_release_manifest(published.release)
    (published.release / STATEMENT).unlink()
    assert published.check().exit_code == 2


def test_without_log_and_key_nothing_is_confirmed(published: Published) -> None:
    report = published.check(with_log=False)
    assert (report.exit_code, report.signature) == (3, "unknown")
    assert report.verdict.startswith(
        "Not confirmed: 1 required item is missing or unreadable; no change was found in release"
    )


def test_with_the_key_alone_the_verdict_says_that_no_log_was_compared(published: Published) -> None:
    report = published.check(published.trust, with_log=False)
    assert (report.exit_code, report.signature) == (0, "valid")
    assert report.verdict.endswith("No audit log was given to compare with.")


def test_a_log_that_was_edited_confirms_nothing(published: Published) -> None:
    path = published.audit / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"2026-Q1", b"2026-Q2"))
    report = published.check()
    assert report.exit_code == 2
    assert report.changed[0].startswith("the audit log was altered:")


def test_a_log_that_does_not_record_the_release_leaves_it_unconfirmed(
    published: Published, tmp_path: Path
) -> None:
    (tmp_path / "other-keys").mkdir(mode=0o700)
    log = AuditLog.open(tmp_path / "other", open_log_signer(tmp_path / "other-keys", "hearth/test"))
    log.checkpoint()
    report = verify_release(published.release, None, ReleaseLog.read(tmp_path / "other"))
    assert any("does not record this release" in item for item in report.incomplete)
    assert report.exit_code == 2  # and its key did not sign the statement


def test_a_line_that_is_not_signed_yet_leaves_the_release_unconfirmed(
    published: Published, audit: AuditLog
) -> None:
    for path in (published.audit / "checkpoints").iterdir():
        path.unlink()
    assert published.check().exit_code == 3


def test_a_folder_that_is_no_release_is_unconfirmed(tmp_path: Path) -> None:
    assert verify_release(tmp_path).exit_code == 3
    assert verify_release(tmp_path / "nowhere").exit_code == 3


def test_a_release_signed_before_the_key_was_changed_still_agrees(published: Published) -> None:
    change_log_key(published.audit, published.signer.memory.parent, "hearth/test", "operator")
    report = published.check()
    assert (report.exit_code, report.signature) == (0, "valid")


def test_the_same_release_is_recorded_again_and_other_content_for_it_is_refused(
    published: Published, record: Callable[[str, str], bytes]
) -> None:
    digest = hashlib.sha256((published.release / MANIFEST).read_bytes()).hexdigest()
    assert record(RELEASE_ID, digest) == (published.release / STATEMENT).read_bytes()
    with pytest.raises(Refused, match="RELEASE_WOULD_CHANGE"):
        record(RELEASE_ID, "0" * 64)


def test_the_log_signs_no_statement_of_a_release_that_it_does_not_record(audit: AuditLog) -> None:
    with pytest.raises(Refused, match="RELEASE_RECORD_MISSING"):
        audit.sign_release(RELEASE_ID, "0" * 64, "2026-Q1", "2026-03-31")
