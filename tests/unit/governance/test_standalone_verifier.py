"""The verifier carried to another machine: what it imports, how it runs, what it answers."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.audit import verify
from governance.audit.folder import newest_checkpoint
from governance.audit.log import AuditLog
from governance.audit.note import NoteSigner
from governance.audit.proof import check_proof, prove_line
from governance.audit.signer import LogSigner
from governance.audit.standalone_verifier import write_verifier
from governance.errors import Fault

SOURCE = Path(verify.__file__)


def test_it_imports_nothing_but_the_standard_library_and_cryptography() -> None:
    imported = set()
    for node in ast.walk(ast.parse(SOURCE.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").split(".")[0])
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def run_alone(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it where nothing of Hearth is importable: isolated, from another folder."""
    return subprocess.run(
        [sys.executable, "-P", "-s", str(program), *arguments],
        capture_output=True,
        text=True,
        cwd=program.parent,
        env={"PATH": ""},
        check=False,
    )


@pytest.fixture
def elsewhere(tmp_path: Path, audit_folder: Path, log_run: Callable[[str], None]) -> Path:
    """Another machine's folder: the single-file program and a copy of the audit folder."""
    log_run("run-1")
    place = tmp_path / "elsewhere"
    place.mkdir()
    write_verifier(place / "hearth-verify.pyz")
    shutil.copytree(audit_folder, place / "audit")
    return place


def test_the_single_file_answers_on_its_last_line_in_plain_english(elsewhere: Path) -> None:
    done = run_alone(elsewhere / "hearth-verify.pyz", "audit")
    assert done.returncode == 4, done.stderr
    assert done.stdout.splitlines()[-1] == (
        "Nothing in the log has been altered (7 entries, 1 run). No outside witness has confirmed it yet."
    )


def test_the_source_file_alone_runs_too(elsewhere: Path) -> None:
    shutil.copy(SOURCE, elsewhere / "verify.py")
    assert run_alone(elsewhere / "verify.py", "audit").returncode == 4


@pytest.mark.parametrize(
    ("damage", "code", "word"),
    [
        (lambda log: log.write_bytes(log.read_bytes().replace(b"20113", b"20114")), 2, "Altered"),
        (lambda log: log.write_bytes(log.read_bytes()[:-5]), 2, "Altered"),
        (lambda log: log.open("ab").write(b"{"), 3, "Incomplete"),
        (lambda log: log.unlink(), 2, "Altered"),
        (lambda log: (log.unlink(), shutil.rmtree(log.parent / "checkpoints")), 3, "Incomplete"),
        (lambda log: log.write_bytes(b""), 2, "Altered"),
    ],
    ids=["edited", "cut within a line", "half a line more", "gone", "gone with its checkpoints", "emptied"],
)
def test_each_finding_has_its_exit_code(
    elsewhere: Path, damage: Callable[[Path], object], code: int, word: str
) -> None:
    damage(elsewhere / "audit" / "audit.jsonl")
    done = run_alone(elsewhere / "hearth-verify.pyz", "audit", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"], told["verdict"].split(":")[0]) == (code, code, word)


def test_a_trust_file_with_a_slip_never_weakens_the_check(elsewhere: Path) -> None:
    (elsewhere / "trust.json").write_text('{"witneses": []}')
    assert run_alone(elsewhere / "hearth-verify.pyz", "audit", "--trust", "trust.json").returncode == 3


def test_the_same_source_gives_the_same_single_file(tmp_path: Path) -> None:
    write_verifier(tmp_path / "one.pyz")
    write_verifier(tmp_path / "two.pyz")
    assert (tmp_path / "one.pyz").read_bytes() == (tmp_path / "two.pyz").read_bytes()


def test_every_line_can_be_proven_and_the_proof_checked_with_the_key_alone(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    key = verify.read_verifier_key(signer.verifier_key)
    lines = (audit_folder / "audit.jsonl").read_bytes().splitlines()
    for number, line in enumerate(lines):
        found, index, checkpoint = check_proof(prove_line(audit_folder, number), (key,))
        assert (found, index, checkpoint.size) == (line, number, len(lines))


def test_a_proof_of_an_altered_line_or_under_another_key_does_not_hold(
    audit_folder: Path, signer: LogSigner, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    key = verify.read_verifier_key(signer.verifier_key)
    proof = prove_line(audit_folder, 2)
    with pytest.raises(ValueError, match="not in the log"):
        check_proof(proof.replace(b"index 2", b"index 3"), (key,))
    stranger = NoteSigner(signer.origin, Ed25519PrivateKey.generate())
    with pytest.raises(ValueError, match="not signed by a known key"):
        check_proof(proof, (verify.read_verifier_key(stranger.verifier_key()),))
    with pytest.raises(ValueError, match="not a proof"):
        check_proof(newest_checkpoint(audit_folder)[2], (key,))


def test_a_line_that_is_not_signed_yet_has_no_proof(
    audit: AuditLog, audit_folder: Path, log_run: Callable[[str], None]
) -> None:
    log_run("run-1")
    audit.append("run-2", "operator", None, "run_start")
    with pytest.raises(Fault, match="LINE_NOT_SIGNED"):
        prove_line(audit_folder, 7)
