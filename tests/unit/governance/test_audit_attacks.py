"""The attacks of governance.md, each against four states of the checker's knowledge.

    chain alone | + signature | + checkpoint held elsewhere | + witness

`found` is what the table there says, no more and no less: what a chain cannot show is tested too.
"""

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.audit.folder import newest_checkpoint
from governance.audit.log import AuditLog
from governance.audit.note import NoteSigner
from governance.audit.signer import MEMORY_NAME, LogSigner
from governance.audit.verify import (
    COSIGNATURE,
    INTACT,
    TAMPERED,
    UNWITNESSED,
    Trust,
    leaf_hash,
    read_note,
    read_verifier_key,
    tree_root,
    verify_folder,
)
from governance.audit.witness import accept_cosignature, cosign, cosign_request
from governance.errors import Refused

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
WITNESS = NoteSigner("nhs-ig-office", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WITNESS_KEY = read_verifier_key(WITNESS.verifier_key(COSIGNATURE))


@dataclass
class Honest:
    """Two nights, the first of them witnessed and kept elsewhere, and after it the second."""

    folder: Path
    signer: LogSigner
    kept_elsewhere: bytes
    witnessed: bytes

    def trust(self, level: str) -> Trust:
        log = (read_verifier_key(self.signer.verifier_key),)
        if level in ("chain", "signature"):
            return Trust()
        if level == "checkpoint":
            return Trust(log, checkpoints=(read_note(self.kept_elsewhere),))
        return Trust(log, (WITNESS_KEY,), checkpoints=(read_note(self.witnessed),))


def write_night(log: AuditLog, run: str, rows: int = 20113) -> None:
    log.append(run, "operator", None, "run_start")
    log.append(run, "operator", "ingest", "rule", rule="ING-03", verdict="pass", evidence={"rows": rows})
    log.checkpoint()
    log.append(run, "operator", None, "run_end", verdict="published")
    log.checkpoint()


@pytest.fixture
def honest(tmp_path: Path, signer: LogSigner) -> Honest:
    folder = tmp_path / "audit"
    log = AuditLog.open(folder, signer)
    write_night(log, "run-1")
    write_night(log, "run-2")
    kept_elsewhere = newest_checkpoint(folder)[2]
    log_key = read_verifier_key(signer.verifier_key)
    witnessed = cosign(cosign_request(folder, 0), None, log_key, WITNESS, NOW)
    accept_cosignature(folder, witnessed, WITNESS_KEY)
    return Honest(folder, signer, kept_elsewhere, witnessed)


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "audit.jsonl").read_bytes().splitlines()


def put_lines(folder: Path, lines: list[bytes]) -> None:
    (folder / "audit.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def forget_checkpoints_beyond(folder: Path, size: int) -> None:
    for path in (folder / "checkpoints").glob("*.note"):
        if int(path.stem) > size:
            path.unlink()


def edit(honest: Honest) -> None:
    lines = lines_of(honest.folder)
    lines[2] = lines[2].replace(b"20113", b"20114")
    put_lines(honest.folder, lines)


def delete(honest: Honest) -> None:
    lines = lines_of(honest.folder)
    put_lines(honest.folder, lines[:2] + lines[3:])


def insert(honest: Honest) -> None:
    lines = lines_of(honest.folder)
    put_lines(honest.folder, [*lines[:2], lines[2], lines[2], *lines[3:]])


def reorder(honest: Honest) -> None:
    lines = lines_of(honest.folder)
    lines[1], lines[2] = lines[2], lines[1]
    put_lines(honest.folder, lines)


def cut_the_tail(honest: Honest) -> None:
    """Cut at the end of a run, where nothing seems to be missing, the later checkpoints with it."""
    put_lines(honest.folder, lines_of(honest.folder)[:4])
    forget_checkpoints_beyond(honest.folder, 4)


def replay(honest: Honest) -> None:
    lines = lines_of(honest.folder)
    put_lines(honest.folder, [*lines, *lines[1:4]])


def set_the_clock_back(honest: Honest) -> None:
    """The key holder writes a line dated before the one it follows."""
    moment = {"now": datetime(2026, 11, 20, tzinfo=UTC)}
    shutil.rmtree(honest.folder)
    (honest.signer.memory).unlink()
    log = AuditLog.open(honest.folder, honest.signer, lambda: datetime(2026, 11, 21, tzinfo=UTC))
    write_night(log, "run-1")
    log._latest = ""
    log._clock = lambda: moment["now"]
    write_night(log, "run-2")


def remember(signer: LogSigner, lines: list[bytes]) -> None:
    """Whoever holds the key can write its record as well: these lines and no more were signed."""
    root = tree_root(map(leaf_hash, lines))
    signer.memory.write_text(f"{len(lines)} {base64.b64encode(root).decode()}\n")


def rewrite_all(honest: Honest) -> None:
    """The operator, who holds the key and forgets what it signed, writes another history."""
    shutil.rmtree(honest.folder)
    honest.signer.memory.unlink()
    log = AuditLog.open(honest.folder, honest.signer)
    write_night(log, "run-1", rows=1)
    write_night(log, "run-2", rows=1)


def fork(honest: Honest) -> None:
    """The operator keeps the true log for himself and shows another that begins alike."""
    lines = lines_of(honest.folder)[:4]
    put_lines(honest.folder, lines)
    forget_checkpoints_beyond(honest.folder, 4)
    remember(honest.signer, lines)
    log = AuditLog.open(honest.folder, honest.signer)
    write_night(log, "run-2", rows=1)


def swap_the_key(honest: Honest) -> None:
    """An outsider without the key writes a history of his own under a key of his own."""
    shutil.rmtree(honest.folder)
    signer = NoteSigner(honest.signer.origin, Ed25519PrivateKey.generate())
    log = AuditLog.open(honest.folder, LogSigner(signer, honest.folder.with_name(MEMORY_NAME)))
    write_night(log, "run-1")
    write_night(log, "run-2")


# attack -> found by (chain alone, + signature, + checkpoint held elsewhere, + witness)
TABLE: dict[Callable[[Honest], None], tuple[bool, bool, bool, bool]] = {
    edit: (True, True, True, True),
    delete: (True, True, True, True),
    insert: (True, True, True, True),
    reorder: (True, True, True, True),
    replay: (True, True, True, True),
    set_the_clock_back: (True, True, True, True),
    cut_the_tail: (False, False, True, True),
    rewrite_all: (False, False, True, True),
    fork: (False, False, True, True),
    swap_the_key: (False, False, True, True),
}
LEVELS = ("chain", "signature", "checkpoint", "witness")


@pytest.mark.parametrize(
    ("attack", "level", "found"),
    [
        (attack, level, found)
        for attack, row in TABLE.items()
        for level, found in zip(LEVELS, row, strict=True)
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_each_attack_is_found_exactly_as_the_table_says(
    honest: Honest, attack: Callable[[Honest], None], level: str, found: bool
) -> None:
    attack(honest)
    if level == "chain":
        shutil.rmtree(honest.folder / "checkpoints")
    report = verify_folder(honest.folder, honest.trust(level))
    assert (report.exit_code == TAMPERED) == found, report.tampered


@pytest.mark.parametrize("level", LEVELS)
def test_the_honest_log_is_found_honest(honest: Honest, level: str) -> None:
    report = verify_folder(honest.folder, honest.trust(level))
    assert report.tampered == []
    assert report.exit_code == (INTACT if level == "witness" else UNWITNESSED)


def test_lines_after_the_last_anchor_can_be_cut_unseen_as_the_table_says(honest: Honest) -> None:
    log = AuditLog.open(honest.folder, honest.signer)
    size = log.size
    write_night(log, "run-3")
    put_lines(honest.folder, lines_of(honest.folder)[:size])
    forget_checkpoints_beyond(honest.folder, size)
    assert verify_folder(honest.folder, honest.trust("checkpoint")).tampered == []


def test_a_witness_refuses_to_countersign_a_fork(honest: Honest) -> None:
    fork(honest)
    key = read_verifier_key(honest.signer.verifier_key)
    size = newest_checkpoint(honest.folder)[0].size
    with pytest.raises(Refused, match="HISTORY_DIFFERS"):
        cosign(cosign_request(honest.folder, size), honest.witnessed, key, WITNESS, NOW)


def test_a_witness_refuses_a_rewritten_history_and_a_request_that_hides_the_old_size(honest: Honest) -> None:
    rewrite_all(honest)
    log = AuditLog.open(honest.folder, honest.signer)
    write_night(log, "run-3", rows=1)
    key = read_verifier_key(honest.signer.verifier_key)
    for old_size in (0, 7):
        with pytest.raises(Refused, match="HISTORY_DIFFERS"):
            cosign(cosign_request(honest.folder, old_size), honest.witnessed, key, WITNESS, NOW)


def test_a_witness_refuses_a_checkpoint_under_another_key(honest: Honest) -> None:
    key = read_verifier_key(honest.signer.verifier_key)
    swap_the_key(honest)
    with pytest.raises(Refused, match="CHECKPOINT_NOT_THE_LOGS"):
        cosign(cosign_request(honest.folder, 0), None, key, WITNESS, NOW)


def test_a_witness_countersigns_a_log_that_only_grew(honest: Honest) -> None:
    log = AuditLog.open(honest.folder, honest.signer)
    write_night(log, "run-3")
    partly = verify_folder(honest.folder, honest.trust("witness"))
    assert (partly.exit_code, partly.verdict) == (
        UNWITNESSED,
        "Nothing in the log has been altered (10 entries, 3 runs). "
        "An outside witness has confirmed the first 7 entries, but not the rest yet.",
    )
    key = read_verifier_key(honest.signer.verifier_key)
    answer = cosign(cosign_request(honest.folder, 7), honest.witnessed, key, WITNESS, NOW)
    assert accept_cosignature(honest.folder, answer, WITNESS_KEY) == 10
    whole = verify_folder(honest.folder, honest.trust("witness"))
    assert (whole.exit_code, whole.verdict) == (
        INTACT,
        "Confirmed: nothing in the log has been altered (10 entries, 3 runs), "
        "and an outside witness has confirmed all of it.",
    )


def test_an_answer_of_another_witness_is_not_accepted(honest: Honest) -> None:
    stranger = NoteSigner("nhs-ig-office", Ed25519PrivateKey.generate())
    (honest.folder / "checkpoints" / "000000000007.note").write_bytes(honest.kept_elsewhere)
    key = read_verifier_key(honest.signer.verifier_key)
    answer = cosign(cosign_request(honest.folder, 0), None, key, stranger, NOW)
    with pytest.raises(Refused, match="COSIGNATURE_REFUSED"):
        accept_cosignature(honest.folder, answer, WITNESS_KEY)


def test_a_hand_made_event_outside_the_schema_is_found_though_it_is_chained(honest: Honest) -> None:
    import hashlib

    lines = lines_of(honest.folder)
    event = json.loads(lines[-1])
    event |= {"seq": len(lines), "prev": hashlib.sha256(lines[-1]).hexdigest(), "note": "extra"}
    put_lines(honest.folder, [*lines, json.dumps(event, sort_keys=True, separators=(",", ":")).encode()])
    assert "exactly the fields" in verify_folder(honest.folder).tampered[0]
