"""Check an audit folder without trusting whoever wrote it, and without the rest of Hearth.

    python verify.py AUDIT_DIR [--trust trust.json] [--json]

Nothing but the standard library and `cryptography` is imported, so this file can be carried to
another machine beside a copy of the folder. Exit codes: 0 intact, 2 tampered, 3 incomplete,
4 intact but unwitnessed; the last line printed is plain English.

What is checked: every line against the closed schema; the chain (`prev` is the SHA-256 of the line
before); numbers and times that never go back; the RFC 6962 tree against every checkpoint (C2SP
signed notes, Ed25519); a change of the log's key, which the old key and the new one must both have
signed; each run's beginning, end and anchor in the run before; the checkpoints held elsewhere and
the witnesses' keys that `trust.json` names:

    {"log": ["<vkey>"], "witnesses": ["<vkey>"], "minimum_witnesses": 1, "checkpoints": ["<note>"]}
"""

import argparse
import base64
import binascii
import hashlib
import itertools
import json
import re
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG_NAME = "audit.jsonl"
CHECKPOINTS = "checkpoints"
LOG_KEY_NAME = "log.vkey"
INTACT, TAMPERED, INCOMPLETE, UNWITNESSED = 0, 2, 3, 4
NO_LINE_BEFORE = "0" * 64
_EMPTY_ROOT = hashlib.sha256(b"").digest()
ED25519, COSIGNATURE = 1, 4

FIELDS = ("actor", "event", "evidence", "policy", "prev", "rule", "run", "seq", "stage", "ts", "v", "verdict")
EVENTS = (
    "log_created", "log_recovered", "run_start", "run_end", "run_abandoned",
    "stage_start", "stage_end", "rule", "gate", "release", "approval", "disposal",
    "rights_request", "opt_out", "key", "attack", "fault", "note", "log_key", "state", "finding",
)  # fmt: skip
VERDICTS = (
    "pass", "warn", "waived", "fail", "cleared", "refused", "published", "fault",
    "interrupted", "abandoned", "done",
)  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:@/+-]{0,99}")


# ---- the tree (RFC 6962, section 2.1) ----------------------------------------------------------


def leaf_hash(line: bytes) -> bytes:
    """Return the hash of one log line, its newline left out."""
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes; SHA-256 of nothing for an empty tree."""
    root = _EMPTY_ROOT
    for root in _growing_roots(leaves):  # noqa: B007 - the last one is the answer
        pass
    return root


def prefix_roots(leaves: Iterable[bytes]) -> list[bytes]:
    """Return the root of every tree on the way: item n is the root over the first n leaf hashes."""
    return [_EMPTY_ROOT, *_growing_roots(leaves)]


def _growing_roots(leaves: Iterable[bytes]) -> Iterator[bytes]:
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        level, node = 0, leaf
        while stack and stack[-1][0] == level:
            node = node_hash(stack.pop()[1], node)
            level += 1
        stack.append((level, node))
        root = node
        for _, left in reversed(stack[:-1]):
            root = node_hash(left, root)
        yield root


def inclusion_holds(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Answer whether `leaf` stands at `index` of the tree with `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(step, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, step)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def consistency_holds(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Answer whether the new tree only appends to the old one (RFC 9162, 2.1.4.2)."""
    if old_size > new_size or old_size < 0:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == _EMPTY_ROOT
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, step)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


# ---- signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature) --------------------------


@dataclass(frozen=True)
class VerifierKey:
    """A public key with its name, as C2SP writes it: `name+hash+base64(type and key)`."""

    name: str
    key_hash: bytes
    kind: int
    public: bytes

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Answer whether `signature` (a note's, its key hash taken off) is this key's over `text`."""
        if self.kind == COSIGNATURE:
            if len(signature) != 72:
                return False
            text = b"cosignature/v1\ntime %d\n" % cosigned_at(signature) + text
            signature = signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Note:
    """A signed note: its text (with the final newline) and (name, key hash, signature) of each signer."""

    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def signed_by(self, key: VerifierKey) -> bool:
        """Answer whether one of the signatures is this key's and holds."""
        return self.signature_of(key) is not None

    def signature_of(self, key: VerifierKey) -> bytes | None:
        """Return the signature of that key, if it is there and holds."""
        for name, key_hash, signature in self.signatures:
            if (name, key_hash) == (key.name, key.key_hash) and key.accepts(self.text, signature):
                return signature
        return None


@dataclass(frozen=True)
class Checkpoint:
    """What a log's note says: its origin, how many lines, and the root over them."""

    origin: str
    size: int
    root: bytes


def cosigned_at(signature: bytes) -> int:
    """Return the POSIX time that a witness's signature states."""
    return int(struct.unpack(">Q", signature[:8])[0])


def key_hash_of(name: str, kind: int, public: bytes) -> bytes:
    """Return the four bytes by which a note names a key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def read_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key; raises ValueError where it is malformed or its hash is not its own."""
    name, _, rest = text.strip().partition("+")
    hashed, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("a verifier key is not base64") from None
    if not name or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
        raise ValueError("a verifier key is malformed")
    key = VerifierKey(name, key_hash_of(name, raw[0], raw[1:]), raw[0], raw[1:])
    if key.key_hash.hex() != hashed:
        raise ValueError("a verifier key's hash is not its own")
    return key


def read_note(data: bytes) -> Note:
    """Read a signed note; raises ValueError where it is malformed."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("a note is not UTF-8") from None
    if any(byte < 0x20 and byte != 0x0A for byte in data):
        raise ValueError("a note holds control characters")
    split = data.rfind(b"\n\n")
    if split < 0 or not data.endswith(b"\n"):
        raise ValueError("a note has no signatures")
    signatures = []
    for line in data[split + 2 : -1].split(b"\n"):
        words = line.decode().split(" ")
        if len(words) != 3 or words[0] != "—" or not words[1] or "+" in words[1]:
            raise ValueError("a note's signature line is malformed")
        try:
            raw = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            raise ValueError("a note's signature is not base64") from None
        if len(raw) < 5:
            raise ValueError("a note's signature is too short")
        signatures.append((words[1], raw[:4], raw[4:]))
    return Note(data[: split + 1], tuple(signatures))


def read_checkpoint(note: Note) -> Checkpoint:
    """Read a checkpoint from a note's text; raises ValueError where it is malformed."""
    lines = note.text.decode().split("\n")
    if len(lines) < 4 or not lines[0] or not re.fullmatch(r"0|[1-9]\d{0,15}", lines[1]):
        raise ValueError("a checkpoint is malformed")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error:
        raise ValueError("a checkpoint's root is not base64") from None
    if len(root) != 32:
        raise ValueError("a checkpoint's root is not a SHA-256")
    return Checkpoint(lines[0], int(lines[1]), root)


# ---- what a sceptic brings -----------------------------------------------------------------------


@dataclass(frozen=True)
class Trust:
    """What the verifier knows from elsewhere than the folder; empty when nothing was given."""

    log: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    minimum_witnesses: int = 1
    checkpoints: tuple[Note, ...] = ()


def read_trust(path: Path) -> Trust:
    """Read `trust.json`; raises ValueError where it is malformed, so that a slip never weakens the check."""
    raw = json.loads(path.read_text("utf-8"))
    known = {"log", "witnesses", "minimum_witnesses", "checkpoints"}
    if not isinstance(raw, dict) or set(raw) - known:
        raise ValueError(f"trust.json may hold {', '.join(sorted(known))}")
    minimum = raw.get("minimum_witnesses", 1)
    if isinstance(minimum, bool) or not isinstance(minimum, int) or minimum < 1:
        raise ValueError("minimum_witnesses must be a whole number above zero")
    return Trust(
        tuple(read_verifier_key(item) for item in raw.get("log", [])),
        tuple(read_verifier_key(item) for item in raw.get("witnesses", [])),
        minimum,
        tuple(read_note(item.encode()) for item in raw.get("checkpoints", [])),
    )


# ---- the log -------------------------------------------------------------------------------------


@dataclass
class Report:
    """What was found. tampered and incomplete hold sentences; remarks hold what is worth knowing."""

    lines: int = 0
    runs: int = 0
    signed_lines: int = 0
    witnessed_lines: int = 0
    root: bytes = b""
    tampered: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Return 0 intact, 2 tampered, 3 incomplete, 4 intact but unwitnessed."""
        if self.tampered:
            return TAMPERED
        if self.incomplete:
            return INCOMPLETE
        return INTACT if self.witnessed_lines == self.lines else UNWITNESSED

    @property
    def verdict(self) -> str:
        """Return the plain sentence that is printed last."""
        runs = f"{self.lines} lines of {self.runs} run{'' if self.runs == 1 else 's'}"
        if self.tampered:
            return f"TAMPERED: this log was changed after it was written ({len(self.tampered)} findings)."
        if self.incomplete:
            return (
                f"INCOMPLETE: nothing was found changed in {runs}, but {len(self.incomplete)} "
                "things that must be there are missing."
            )
        if self.witnessed_lines < self.lines:
            return (
                f"INTACT BUT UNWITNESSED: {runs} stand as they were written; no trusted witness has "
                f"countersigned them all ({self.witnessed_lines} are)."
            )
        return f"INTACT: {runs} stand as they were written, and a trusted witness has countersigned them all."


def verify_folder(folder: Path, trust: Trust | None = None) -> Report:
    """Check the audit folder; never raises for what it finds there, only for an unreadable disk."""
    trust = trust or Trust()
    report = Report()
    path = folder / LOG_NAME
    if not path.is_file():
        report.incomplete.append(f"{LOG_NAME} is not there.")
        return report
    data = path.read_bytes()
    body, _, torn = data.rpartition(b"\n")
    lines = body.split(b"\n") if body else []
    if torn:
        report.incomplete.append(
            f"the last line is half written ({len(torn)} bytes); the next run sets it aside and says so."
        )
    events = _check_lines(lines, report)
    roots = prefix_roots(leaf_hash(line) for line in lines)
    report.lines, report.root = len(lines), roots[-1]
    if not report.tampered:
        _check_runs(events, roots, report)
    report.remarks += [_remark_on(event) for event in events if event["event"] == "finding"]
    _check_checkpoints(folder, roots, events, trust, report)
    return report


def _remark_on(finding: dict[str, Any]) -> str:
    """Return what a run found to be changed outside the log, for the person who reads the report."""
    facts = finding["evidence"] or {}
    name, code = facts.get("name", "a state file"), facts.get("code", "no code")
    return f"line {finding['seq']}: run {finding['run']} found that {name} is not the one on record ({code})."


def _check_lines(lines: Sequence[bytes], report: Report) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    previous, latest = NO_LINE_BEFORE, ""
    for number, line in enumerate(lines):
        event, fault = read_event(line)
        if event is None:
            report.tampered.append(f"line {number}: {fault}.")
        else:
            if event["seq"] != number:
                report.tampered.append(f"line {number} says it is number {event['seq']}.")
            if event["prev"] != previous:
                report.tampered.append(f"line {number} does not follow from the line before it.")
            if event["ts"] < latest:
                report.tampered.append(f"line {number} is dated before the line it follows.")
            latest = max(latest, event["ts"])
            events.append(event)
        previous = hashlib.sha256(line).hexdigest()
    return events


def read_event(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """Return the event that a line holds, or None and what is wrong with the line."""
    try:
        event = json.loads(line.decode("utf-8"), object_pairs_hook=_ordered_object)
    except (ValueError, RecursionError):
        return None, "is not canonical JSON"
    if not isinstance(event, dict) or tuple(event) != FIELDS:
        return None, "does not have exactly the fields of an event"
    return (None, fault) if (fault := event_fault(event)) else (event, "")


def event_fault(event: dict[str, Any]) -> str:
    """Return what breaks the closed schema in an event, or nothing."""
    digests = [event["prev"], *([] if event["policy"] is None else [event["policy"]])]
    names = [event["run"], event["actor"], *(event[k] for k in ("stage", "rule") if event[k] is not None)]
    if event["v"] != 1 or isinstance(event["seq"], bool) or not isinstance(event["seq"], int):
        return "has another version or no number"
    if not all(isinstance(item, str) and _DIGEST.fullmatch(item) for item in digests):
        return "has a digest that is not one"
    if not all(isinstance(item, str) and _NAME.fullmatch(item) for item in names):
        return "has a name that is not one"
    if not isinstance(event["ts"], str) or not _TIME.fullmatch(event["ts"]):
        return "has no time"
    if event["event"] not in EVENTS:
        return "has an unknown event"
    if event["verdict"] is not None and event["verdict"] not in VERDICTS:
        return "has an unknown verdict"
    if event["evidence"] is not None and not isinstance(event["evidence"], dict):
        return "has evidence that is not an object"
    return ""


def _ordered_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key.encode("utf-16-be", "surrogatepass") for key, _ in pairs]
    if any(first >= second for first, second in itertools.pairwise(keys)):
        raise ValueError("keys repeat or are out of order")
    return dict(pairs)


def _check_runs(events: Sequence[dict[str, Any]], roots: Sequence[bytes], report: Report) -> None:
    if not events or events[0]["event"] != "log_created":
        report.tampered.append("the log does not begin with its creation.")
    begun: set[str] = set()
    open_runs: dict[str, int] = {}
    for event in events:
        run, number = event["run"], event["seq"]
        if event["event"] == "run_start":
            if run in begun:
                report.tampered.append(f"line {number}: run {run} begins a second time.")
            begun.add(run)
            open_runs[run] = number
            before = (event["evidence"] or {}).get("previous_root")
            if before != roots[number].hex():
                report.tampered.append(f"line {number}: run {run} is anchored in another history.")
        elif event["event"] in ("run_end", "run_abandoned"):
            if open_runs.pop(run, None) is None:
                report.tampered.append(f"line {number}: run {run} ends without having begun.")
            if event["event"] == "run_abandoned":
                report.remarks.append(f"run {run} was cut off; a later run recorded it as abandoned.")
        elif event["event"] == "log_recovered":
            report.remarks.append(f"line {number}: a half-written line was set aside here.")
    report.runs = len(begun)
    for run in open_runs:
        report.incomplete.append(f"run {run} has no end: it was cut off, or is still going on.")


def _check_checkpoints(
    folder: Path, roots: Sequence[bytes], events: Sequence[dict[str, Any]], trust: Trust, report: Report
) -> None:
    keys = _LogKeys.of(events)
    if trust.log and not keys.is_known_to(trust.log):
        keys = _LogKeys(((0, trust.log),))
    elif not trust.log:
        _compare_with_the_folder(folder, keys, report)
    origins: set[str] = set()
    endorsed: set[int] = set()
    for path in sorted((folder / CHECKPOINTS).glob("*.note")):
        try:
            note = read_note(path.read_bytes())
            checkpoint = read_checkpoint(note)
        except ValueError as error:
            report.tampered.append(f"{path.name}: {error}.")
            continue
        origins.add(checkpoint.origin)
        if not any(note.signed_by(key) for key in keys.at(checkpoint.size)):
            report.tampered.append(f"{path.name} is not signed by the log's key.")
            continue
        if _fits(checkpoint, roots, path.name, report):
            if keys.change_is_signed(note, checkpoint.size):
                endorsed.add(checkpoint.size)
            report.signed_lines = max(report.signed_lines, checkpoint.size)
            signers = {key.public for key in trust.witnesses if note.signed_by(key)}
            if len(signers) >= trust.minimum_witnesses:
                report.witnessed_lines = max(report.witnessed_lines, checkpoint.size)
    for size in keys.changes:
        if size in endorsed:
            report.remarks.append(
                f"line {size - 1}: the log's key was changed, signed by the old and the new."
            )
        else:
            report.tampered.append(
                f"line {size - 1}: the log's key was changed without the old key's signature."
            )
    if len(origins) > 1:
        report.tampered.append("checkpoints of more than one log lie in this folder.")
    if report.signed_lines < report.lines:
        report.incomplete.append(f"the last {report.lines - report.signed_lines} lines are not signed.")
    for number, note in enumerate(trust.checkpoints, 1):
        _check_kept_checkpoint(note, number, roots, (*keys.all, *trust.log, *trust.witnesses), report)


def _check_kept_checkpoint(
    note: Note, number: int, roots: Sequence[bytes], keys: Sequence[VerifierKey], report: Report
) -> None:
    try:
        checkpoint = read_checkpoint(note)
    except ValueError as error:
        report.incomplete.append(f"checkpoint {number} of trust.json: {error}.")
        return
    if not any(note.signed_by(key) for key in keys):
        report.tampered.append(
            f"checkpoint {number} of trust.json is signed by no key that is known for this log."
        )
    _fits(checkpoint, roots, f"checkpoint {number} of trust.json", report)


def _fits(checkpoint: Checkpoint, roots: Sequence[bytes], name: str, report: Report) -> bool:
    if checkpoint.size >= len(roots):
        report.tampered.append(
            f"{name} counts {checkpoint.size} lines and the log has {len(roots) - 1}: lines were cut off."
        )
        return False
    if roots[checkpoint.size] != checkpoint.root:
        report.tampered.append(f"{name}: the first {checkpoint.size} lines are not those that were signed.")
        return False
    return True


@dataclass(frozen=True)
class _LogKeys:
    """The log's keys as it names them itself: (lines from which a key is in force, its readings)."""

    periods: tuple[tuple[int, tuple[VerifierKey, ...]], ...]

    @classmethod
    def of(cls, events: Sequence[dict[str, Any]]) -> "_LogKeys":
        """Read them from the log's first line and from every change of key; what is no key is none."""
        named: list[tuple[int, Any]] = []
        if events:
            named.append((0, (events[0]["evidence"] or {}).get("log_key")))
        named += [(e["seq"] + 1, (e["evidence"] or {}).get("new")) for e in events if e["event"] == "log_key"]
        return cls(tuple((since, _keys_read(text)) for since, text in named))

    @property
    def all(self) -> tuple[VerifierKey, ...]:
        """Every key that the log ever had."""
        return tuple(key for _, keys in self.periods for key in keys)

    @property
    def changes(self) -> tuple[int, ...]:
        """The sizes whose checkpoint must carry both the old key's signature and the new one's."""
        return tuple(since for since, _ in self.periods if since)

    def is_known_to(self, trusted: Sequence[VerifierKey]) -> bool:
        """Answer whether one of them is known from elsewhere; signed changes carry that to the others."""
        known = {key.public for key in trusted}
        return any(key.public in known for key in self.all)

    def at(self, size: int) -> tuple[VerifierKey, ...]:
        """Return the keys that may sign a checkpoint of that size."""
        return next((keys for since, keys in reversed(self.periods) if since <= size), ())

    def change_is_signed(self, note: Note, size: int) -> bool:
        """Answer whether the note carries the old and the new key's signature on a change at its end."""
        for (_, old), (since, new) in itertools.pairwise(self.periods):
            if since == size:
                return any(map(note.signed_by, old)) and any(map(note.signed_by, new))
        return False


def _keys_read(text: Any) -> tuple[VerifierKey, ...]:
    try:
        return (read_verifier_key(text),) if isinstance(text, str) else ()
    except ValueError:
        return ()


def _compare_with_the_folder(folder: Path, keys: _LogKeys, report: Report) -> None:
    """Hold the key in the folder against the log's own: better than none, worthless against its holder."""
    try:
        beside = _keys_read((folder / LOG_KEY_NAME).read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError):
        beside = ()
    if not beside or not keys.all:
        report.incomplete.append("the log's public key is not in the folder, and no trust.json names it.")
        return
    if beside != keys.periods[-1][1]:
        report.tampered.append(f"{LOG_KEY_NAME} is not the key that the log itself names.")
    report.remarks.append("the log's key was taken from the folder itself; name it in trust.json.")


# ---- the command ---------------------------------------------------------------------------------


def report_lines(report: Report) -> list[str]:
    """Return what is printed: findings first, the plain verdict last."""
    return [
        *(f"tampered:   {item}" for item in report.tampered),
        *(f"incomplete: {item}" for item in report.incomplete),
        *(f"note:       {item}" for item in report.remarks),
        report.verdict,
    ]


def report_facts(report: Report) -> dict[str, Any]:
    """Return the report as JSON-able facts."""
    return {
        "exit_code": report.exit_code,
        "verdict": report.verdict,
        "lines": report.lines,
        "runs": report.runs,
        "signed_lines": report.signed_lines,
        "witnessed_lines": report.witnessed_lines,
        "root": report.root.hex(),
        "tampered": report.tampered,
        "incomplete": report.incomplete,
        "remarks": report.remarks,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="verify", description="Check a Hearth audit folder without trusting whoever wrote it."
    )
    parser.add_argument("folder", type=Path, help="the audit folder, or a copy of it")
    parser.add_argument("--trust", type=Path, help="trust.json: keys and checkpoints held elsewhere")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    options = parser.parse_args(arguments)
    try:
        trust = read_trust(options.trust) if options.trust else Trust()
        report = verify_folder(options.folder, trust)
    except (OSError, ValueError) as error:
        print(f"INCOMPLETE: the check could not be made: {error}")
        return INCOMPLETE
    print(json.dumps(report_facts(report)) if options.json else "\n".join(report_lines(report)))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
