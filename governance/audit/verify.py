"""Check an audit folder without trusting the people who wrote it, and without the rest of Hearth.

    python verify.py AUDIT_DIR [--trust trust.json] [--json]

This file imports only the standard library and `cryptography`, so it runs on any machine that has a
copy of the folder. Exit codes: 0 intact, 2 tampered, 3 incomplete, 4 intact but unwitnessed. The last
line printed states the result in plain English. An entry is one line of `audit.jsonl`.

What is checked:

- the folder contains only the folders that Hearth makes and regular files; anything else (a link, a pipe, a
  device, an unknown folder) is a finding and is never opened;
- every entry has exactly the fields and values of the closed schema;
- `prev` of each entry is the SHA-256 of the entry before it, and numbers and times never decrease;
- every checkpoint (C2SP signed note, Ed25519) matches the RFC 6962 tree over the entries;
- a change of the log's key is signed by the old key and the new one;
- each run has a start, an end, and the root of the log before it;
- the log agrees with the keys and checkpoints that `trust.json` provides:

    {"log": ["<vkey>"], "witnesses": ["<vkey>"], "minimum_witnesses": 1, "checkpoints": ["<note>"]}

A finding always outranks an item that could not be checked. What is read is limited in size, nesting and
number, so no content of the folder can keep the check from ending.
"""

import argparse
import base64
import binascii
import contextlib
import hashlib
import itertools
import json
import os
import re
import stat
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:@/+-]{0,99}")


#: What an audit folder contains. A killed process can also leave a file `.<name>.partial`.
FILES = (LOG_NAME, LOG_KEY_NAME, ".lock")
FOLDERS = (CHECKPOINTS, "torn", "timestamps", "attacks", "certificates")
#: The most that is read of one file, in bytes. The log refuses to grow beyond its limit.
LARGEST_LOG, LARGEST_NOTE, LARGEST_KEY, LARGEST_TRUST = 512 << 20, 1_000_000, 4096, 16 << 20
#: The longest entry in bytes, its deepest nesting, and the most digits of a whole number in it.
LARGEST_ENTRY, DEEPEST_ENTRY, MOST_DIGITS = 4 << 20, 64, 21
MOST_SIGNATURES = 100
#: The check stops after this many findings, and names this many odd things in one folder.
MOST_FINDINGS, MOST_NAMED = 1000, 20


# ---- opening files -------------------------------------------------------------------------------


class OddFile(OSError):
    """Something other than a regular file of at most the expected size. strerror: what it is."""


def read_regular(path: Path, largest: int, *, follow_links: bool = False) -> bytes:
    """Return the bytes of a regular file; never waits, follows a link or reads more than `largest` bytes.

    follow_links: for a file that the person who checks named themselves.
    Raises OddFile where it is anything else or larger, OSError where it cannot be read.
    """
    if not follow_links:
        _check_regular(path.lstat().st_mode)
    wanted = ("nonblock", "cloexec", "noctty", "binary", *(() if follow_links else ("nofollow",)))
    flags = os.O_RDONLY
    for name in wanted:
        flags |= getattr(os, f"O_{name.upper()}", 0)  # some systems do not have all of them
    with os.fdopen(os.open(path, flags), "rb") as stream:
        _check_regular(os.fstat(stream.fileno()).st_mode)
        if os.fstat(stream.fileno()).st_size <= largest and len(data := stream.read(largest + 1)) <= largest:
            return data
    raise OddFile(0, f"is larger than {largest:,} bytes")


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OddFile(0, f"is {_kind_of(mode)}, not a regular file")


def _kind_of(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def entries_of(folder: Path) -> list[tuple[Path, int]]:
    """Return (path, mode) of what a folder contains, in order of name; nothing is opened or followed.

    Raises OddFile where it is not a folder itself, OSError where it cannot be listed.
    """
    mode = folder.lstat().st_mode
    if not stat.S_ISDIR(mode):
        raise OddFile(0, f"is {'a file' if stat.S_ISREG(mode) else _kind_of(mode)}, not a folder")
    with os.scandir(folder) as listing:
        found = [(folder / entry.name, entry.stat(follow_symlinks=False).st_mode) for entry in listing]
    return sorted(found, key=lambda item: os.fsencode(item[0].name))


def shown_name(name: str) -> str:
    """Return a file's name as it may be printed: an odd character cannot imitate or hide another line."""
    plain = name.encode("ascii", "backslashreplace").decode()
    shown = "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in plain)
    return shown if len(shown) <= 100 else f"{shown[:97]}..."


# ---- the tree (RFC 6962, section 2.1) ----------------------------------------------------------


def leaf_hash(line: bytes) -> bytes:
    """Return the hash of one log line without its newline."""
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
    """Return the root of every prefix: item n is the root over the first n leaf hashes."""
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
    """Return whether `leaf` is at `index` of the tree with `root` (RFC 9162, 2.1.3.2)."""
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
    """Return whether the new tree only appends to the old one (RFC 9162, 2.1.4.2)."""
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
        """Return whether `signature` (of a note, without its key hash) is this key's signature of `text`."""
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
        """Return whether the note has a valid signature of that key."""
        return self.signature_of(key) is not None

    def signature_of(self, key: VerifierKey) -> bytes | None:
        """Return the valid signature of that key, if there is one."""
        for name, key_hash, signature in self.signatures:
            if (name, key_hash) == (key.name, key.key_hash) and key.accepts(self.text, signature):
                return signature
        return None


@dataclass(frozen=True)
class Checkpoint:
    """The content of a log's note: its origin, the number of lines, and the root over them."""

    origin: str
    size: int
    root: bytes


def cosigned_at(signature: bytes) -> int:
    """Return the POSIX time that a witness's signature states."""
    return int(struct.unpack(">Q", signature[:8])[0])


def key_hash_of(name: str, kind: int, public: bytes) -> bytes:
    """Return the four bytes that identify a key in a note."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def read_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key; raises ValueError if it is malformed or its hash does not match."""
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
        raise ValueError("a verifier key's hash does not match the key")
    return key


def read_note(data: bytes) -> Note:
    """Read a signed note; raises ValueError if it is malformed."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("a note is not UTF-8") from None
    if any(byte < 0x20 and byte != 0x0A for byte in data):
        raise ValueError("a note contains control characters")
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
        if len(signatures) > MOST_SIGNATURES:
            raise ValueError(f"a note has more than {MOST_SIGNATURES} signatures")
    return Note(data[: split + 1], tuple(signatures))


def read_checkpoint(note: Note) -> Checkpoint:
    """Read a checkpoint from a note's text; raises ValueError if it is malformed."""
    lines = note.text.decode().split("\n")
    if len(lines) < 4 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]):
        raise ValueError("a checkpoint is malformed")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error:
        raise ValueError("a checkpoint's root is not base64") from None
    if len(root) != 32:
        raise ValueError("a checkpoint's root is not a SHA-256")
    return Checkpoint(lines[0], int(lines[1]), root)


# ---- what the person who checks provides ---------------------------------------------------------


@dataclass(frozen=True)
class Trust:
    """Keys and checkpoints that did not come from the folder; empty if none were given."""

    log: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    minimum_witnesses: int = 1
    checkpoints: tuple[Note, ...] = ()


def read_trust(path: Path) -> Trust:
    """Read `trust.json`; raises ValueError if it is malformed, so that a mistake never weakens the check."""
    data = read_regular(path, LARGEST_TRUST, follow_links=True)
    if _nesting(data) > DEEPEST_ENTRY:
        raise ValueError("trust.json is nested too deeply")
    raw = json.loads(data.decode("utf-8"), object_pairs_hook=_object_without_repeats)
    known = {"log", "witnesses", "minimum_witnesses", "checkpoints"}
    if not isinstance(raw, dict) or set(raw) - known:
        raise ValueError(f"trust.json may contain only {', '.join(sorted(known))}")
    for name in known & set(raw) - {"minimum_witnesses"}:
        if not isinstance(raw[name], list) or not all(isinstance(item, str) for item in raw[name]):
            raise ValueError(f"{name} in trust.json must be a list of texts")
    minimum = raw.get("minimum_witnesses", 1)
    if isinstance(minimum, bool) or not isinstance(minimum, int) or minimum < 1:
        raise ValueError("minimum_witnesses must be a whole number above zero")
    return Trust(
        tuple(read_verifier_key(item) for item in raw.get("log", [])),
        tuple(read_verifier_key(item) for item in raw.get("witnesses", [])),
        minimum,
        tuple(read_note(item.encode()) for item in raw.get("checkpoints", [])),
    )


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


# ---- the log -------------------------------------------------------------------------------------


@dataclass
class Report:
    """What was found. tampered, incomplete: findings, one sentence each. remarks: further information."""

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
        """Return the result in plain English; its first words differ for each exit code."""
        entries = f"{_counted(self.lines, 'entry', 'entries')}, {_counted(self.runs, 'run', 'runs')}"
        if self.tampered:
            findings = _counted(len(self.tampered), "finding", "findings")
            return f"Altered: the log or its folder was changed after it was written ({findings})."
        if self.incomplete:
            missing = _counted(len(self.incomplete), "required item is", "required items are")
            return f"Incomplete: {missing} missing or unreadable; the rest is unaltered ({entries})."
        if self.witnessed_lines == self.lines:
            return (
                f"Confirmed: nothing in the log has been altered ({entries}), "
                "and an outside witness has confirmed all of it."
            )
        if not self.witnessed_lines:
            witnessed = "No outside witness has confirmed it yet."
        else:
            first = _counted(self.witnessed_lines, "entry", "entries")
            witnessed = f"An outside witness has confirmed the first {first}, but not the rest yet."
        return f"Nothing in the log has been altered ({entries}). {witnessed}"


def _counted(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def verify_folder(folder: Path, trust: Trust | None = None) -> Report:
    """Check the audit folder; whatever it contains, the check ends with a report."""
    report = Report()
    try:
        _check_folder(folder, trust or Trust(), report)
    except (OSError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        report.incomplete.append(f"the check could not be completed ({_reason(error)}).")
    return report


def _check_folder(folder: Path, trust: Trust, report: Report) -> None:
    _check_contents(folder, report)
    data = _read_or_report(folder / LOG_NAME, LARGEST_LOG, report)
    if data is None:
        if not os.path.lexists(folder / LOG_NAME):
            _report_missing_log(folder, report)
        return
    end = data.rfind(b"\n")
    if torn := len(data) - end - 1:
        report.incomplete.append(
            f"the last entry is only partly written ({_counted(torn, 'byte', 'bytes')}); "
            "the next run removes it and records that."
        )
    outside = len(report.tampered)
    lines = _lines_of(data, end, report)
    events = _check_lines(lines, report)
    if len(report.tampered) > MOST_FINDINGS:
        report.tampered.append("the check stopped here: there are too many findings.")
        return
    roots = prefix_roots(leaf_hash(line) for line in lines)
    report.lines, report.root = len(lines), roots[-1]
    if len(report.tampered) == outside:
        _check_runs(events, roots, report)
    report.remarks += [_remark_on(event) for event in events if event["event"] == "finding"]
    _check_checkpoints(folder, roots, events, trust, report)


def _report_missing_log(folder: Path, report: Report) -> None:
    """Report that there is no log; if there are checkpoints of it, it was deleted."""
    if signed := len(_checkpoint_files(folder, report)):
        notes = _counted(signed, "signed checkpoint", "signed checkpoints")
        report.tampered.append(f"{LOG_NAME} was deleted: the folder still contains {notes} of it.")
    else:
        report.incomplete.append(f"{LOG_NAME} is missing.")


def _check_contents(folder: Path, report: Report) -> None:
    """Report what is neither a regular file nor one of the folders that Hearth makes; nothing is opened."""
    try:
        found = entries_of(Path(os.path.realpath(folder)))
    except (FileNotFoundError, OddFile):
        return  # the log is missing, which is stated when it is read
    except OSError as error:
        report.incomplete.append(f"the folder cannot be listed ({_reason(error)}).")
        return
    _report_odd([(path, mode) for path, mode in found if not _is_zone(path, mode)], "", report)
    strange = [
        path.name
        for path, mode in found
        if stat.S_ISREG(mode) and path.name not in FILES and not _is_left_over(path.name)
    ]
    for name in strange[:MOST_NAMED]:
        report.remarks.append(f"{shown_name(name)} is not part of the log; it was not read.")
    for zone, mode in found:
        if _is_zone(zone, mode):
            try:
                _report_odd(entries_of(zone), f"{zone.name}/", report)
            except OSError as error:
                report.incomplete.append(f"{zone.name} cannot be listed ({_reason(error)}).")


def _is_zone(path: Path, mode: int) -> bool:
    return stat.S_ISDIR(mode) and path.name in FOLDERS


def _is_left_over(name: str) -> bool:
    return name.startswith(".") and name.endswith(".partial")


def _report_odd(found: Sequence[tuple[Path, int]], where: str, report: Report) -> None:
    odd = [(path, mode) for path, mode in found if not stat.S_ISREG(mode)]
    for path, mode in odd[:MOST_NAMED]:
        report.tampered.append(f"{where}{shown_name(path.name)} is {_kind_of(mode)}, not a regular file.")
    if (more := len(odd) - MOST_NAMED) > 0:
        place = where.rstrip("/") or "the folder"
        report.tampered.append(f"{place} contains {more:,} more that are not regular files.")


def _read_or_report(path: Path, largest: int, report: Report, name: str = "") -> bytes | None:
    """Return the bytes of a file; None where it is missing, or is reported as odd or unreadable."""
    name = name or path.name
    try:
        return read_regular(path, largest)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OddFile as error:
        if (finding := f"{name} {error.strerror}.") not in report.tampered:
            report.tampered.append(finding)
    except OSError as error:
        report.incomplete.append(f"{name} cannot be read ({_reason(error)}).")
    return None


def _reason(error: BaseException) -> str:
    """Return why something failed, without a path."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return shown_name(text.rstrip("."))


def _lines_of(data: bytes, end: int, report: Report) -> list[bytes]:
    """Return the whole lines of a log; one that is blank or too long ends the list, and is reported."""
    lines: list[bytes] = []
    start = 0
    while start <= end:
        stop = data.index(b"\n", start)
        if not 0 < stop - start <= LARGEST_ENTRY:
            what = f"is longer than {LARGEST_ENTRY:,} bytes" if stop > start else "is blank"
            report.tampered.append(f"entry {len(lines)} {what}; the entries after it were not read.")
            break
        lines.append(data[start:stop])
        start = stop + 1
    return lines


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
            report.tampered.append(f"entry {number} {fault}.")
        else:
            if event["seq"] != number:
                report.tampered.append(f"entry {number} is numbered {event['seq']}.")
            if event["prev"] != previous:
                report.tampered.append(f"entry {number} does not follow from the entry before it.")
            if event["ts"] < latest:
                report.tampered.append(f"entry {number} has an earlier time than the entry before it.")
            latest = max(latest, event["ts"])
            events.append(event)
        previous = hashlib.sha256(line).hexdigest()
        if len(report.tampered) > MOST_FINDINGS:
            break
    return events


def read_event(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """Return the event in a line, or None and what is wrong with the line."""
    if len(line) > LARGEST_ENTRY or _nesting(line) > DEEPEST_ENTRY:
        return None, "is too long or nested too deeply"
    try:
        event = _DECODER.decode(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None, "is not canonical JSON"
    if not isinstance(event, dict) or tuple(event) != FIELDS:
        return None, "does not have exactly the fields of an event"
    return (None, fault) if (fault := event_fault(event)) else (event, "")


def event_fault(event: dict[str, Any]) -> str:
    """Return how an event breaks the closed schema, or an empty text."""
    digests = [event["prev"], *([] if event["policy"] is None else [event["policy"]])]
    names = [event["run"], event["actor"], *(event[k] for k in ("stage", "rule") if event[k] is not None)]
    if type(event["v"]) is not int or event["v"] != 1 or type(event["seq"]) is not int:
        return "has an unknown version or no number"
    if not all(isinstance(item, str) and _DIGEST.fullmatch(item) for item in digests):
        return "has a malformed digest"
    if not all(isinstance(item, str) and _NAME.fullmatch(item) for item in names):
        return "has a malformed name"
    if not isinstance(event["ts"], str) or not _is_time(event["ts"]):
        return "has a malformed time"
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


def _whole_number(text: str) -> int:
    if len(text.lstrip("-")) > MOST_DIGITS:
        raise ValueError("a whole number is too large")
    return int(text)


def _finite_number(text: str) -> float:
    if (number := float(text)) - number != 0:
        raise ValueError("a number is too large")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


#: The same answer on every version of Python: no NaN, no number without an exact form, no repeated key.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_ordered_object,
    parse_int=_whole_number,
    parse_float=_finite_number,
    parse_constant=_no_number,
)


def _nesting(line: bytes) -> int:
    """Return how deeply JSON is nested, at least; one that cannot be too deep is not looked through."""
    if (most := line.count(b"{") + line.count(b"[")) <= DEEPEST_ENTRY:
        return most
    depth = deepest = skipped = 0
    in_text = False
    for found in re.finditer(rb'["\\\[\]{}]', line):
        at, sign = found.start(), found[0]
        if at < skipped:
            continue
        if sign == b"\\":
            skipped = at + 2
        elif sign == b'"':
            in_text = not in_text
        elif not in_text:
            depth += 1 if sign in b"[{" else -1
            deepest = max(deepest, depth)
    return deepest


def _is_time(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(_TIME.fullmatch(text)) and bool(datetime.fromisoformat(text))
    return False


def _check_runs(events: Sequence[dict[str, Any]], roots: Sequence[bytes], report: Report) -> None:
    if not events or events[0]["event"] != "log_created":
        report.tampered.append("the log's first entry is not its creation.")
    begun: set[str] = set()
    open_runs: dict[str, int] = {}
    for event in events:
        run, number = event["run"], event["seq"]
        if event["event"] == "run_start":
            if run in begun:
                report.tampered.append(f"entry {number}: run {run} starts a second time.")
            begun.add(run)
            open_runs[run] = number
            before = (event["evidence"] or {}).get("previous_root")
            if before != roots[number].hex():
                report.tampered.append(f"entry {number}: run {run} was started on a different log.")
        elif event["event"] in ("run_end", "run_abandoned"):
            if open_runs.pop(run, None) is None:
                report.tampered.append(f"entry {number}: run {run} ends but was never started.")
            if event["event"] == "run_abandoned":
                report.remarks.append(f"run {run} was cut off; a later run recorded it as abandoned.")
        elif event["event"] == "log_recovered":
            report.remarks.append(f"entry {number}: a partly written entry was removed here.")
    report.runs = len(begun)
    for run in open_runs:
        report.incomplete.append(f"run {run} has no end: it was cut off or is still running.")


def _check_checkpoints(
    folder: Path, roots: Sequence[bytes], events: Sequence[dict[str, Any]], trust: Trust, report: Report
) -> None:
    keys = _LogKeys.of(events)
    if trust.log and not keys.is_known_to(trust.log):
        keys = _LogKeys(((0, trust.log),))
    elif not trust.log:
        _check_stored_key(folder, keys, report)
    origins: set[str] = set()
    endorsed: set[int] = set()
    for path in _checkpoint_files(folder, report):
        if len(report.tampered) > MOST_FINDINGS:
            report.tampered.append("the check stopped here: there are too many findings.")
            return
        name = shown_name(path.name)
        data = _read_or_report(path, LARGEST_NOTE, report, f"{CHECKPOINTS}/{name}")
        if data is None:
            continue
        try:
            note = read_note(data)
            checkpoint = read_checkpoint(note)
        except ValueError as error:
            report.tampered.append(f"{name}: {error}.")
            continue
        origins.add(checkpoint.origin)
        if not any(note.signed_by(key) for key in keys.at(checkpoint.size)):
            report.tampered.append(f"{name} is not signed by the log's key.")
            continue
        if path.name != f"{checkpoint.size:012d}.note":
            report.tampered.append(
                f"{name} is not the name of a checkpoint over {checkpoint.size:,} entries."
            )
            continue
        if _matches_log(checkpoint, roots, name, report):
            if keys.change_is_signed(note, checkpoint.size):
                endorsed.add(checkpoint.size)
            report.signed_lines = max(report.signed_lines, checkpoint.size)
            signers = {key.public for key in trust.witnesses if note.signed_by(key)}
            if len(signers) >= trust.minimum_witnesses:
                report.witnessed_lines = max(report.witnessed_lines, checkpoint.size)
    for size in keys.changes:
        if size in endorsed:
            report.remarks.append(
                f"entry {size - 1}: the log's key was changed; the old key and the new one both signed."
            )
        else:
            report.tampered.append(
                f"entry {size - 1}: the log's key was changed without the old key's signature."
            )
    if len(origins) > 1:
        report.tampered.append("the folder contains checkpoints of more than one log.")
    if report.signed_lines < report.lines:
        unsigned = _counted(report.lines - report.signed_lines, "entry is", "entries are")
        report.incomplete.append(f"a signature is missing: the last {unsigned} not signed.")
    for number, note in enumerate(trust.checkpoints, 1):
        _check_kept_checkpoint(note, number, roots, (*keys.all, *trust.log, *trust.witnesses), report)


def _checkpoint_files(folder: Path, report: Report) -> list[Path]:
    """Return the regular files that are named as notes; what else is there is reported with the folder."""
    try:
        found = entries_of(folder / CHECKPOINTS)
    except (FileNotFoundError, OddFile):
        return []
    except OSError as error:
        if (item := f"{CHECKPOINTS} cannot be listed ({_reason(error)}).") not in report.incomplete:
            report.incomplete.append(item)
        return []
    return [path for path, mode in found if stat.S_ISREG(mode) and path.name.endswith(".note")]


def _check_kept_checkpoint(
    note: Note, number: int, roots: Sequence[bytes], keys: Sequence[VerifierKey], report: Report
) -> None:
    try:
        checkpoint = read_checkpoint(note)
    except ValueError as error:
        report.incomplete.append(f"checkpoint {number} of trust.json: {error}.")
        return
    if not any(note.signed_by(key) for key in keys):
        report.tampered.append(f"checkpoint {number} of trust.json is not signed by a known key of this log.")
    _matches_log(checkpoint, roots, f"checkpoint {number} of trust.json", report)


def _matches_log(checkpoint: Checkpoint, roots: Sequence[bytes], name: str, report: Report) -> bool:
    signed = _counted(checkpoint.size, "entry", "entries")
    if checkpoint.size >= len(roots):
        report.tampered.append(
            f"{name} covers {signed} but the log has {len(roots) - 1:,}: entries were removed from the end."
        )
        return False
    if roots[checkpoint.size] != checkpoint.root:
        report.tampered.append(f"{name} covers {signed}, but they are not the ones that were signed.")
        return False
    return True


@dataclass(frozen=True)
class _LogKeys:
    """The log's keys according to its own entries: (number of entries before a key applies, the key)."""

    periods: tuple[tuple[int, tuple[VerifierKey, ...]], ...]

    @classmethod
    def of(cls, events: Sequence[dict[str, Any]]) -> "_LogKeys":
        """Read the keys from the log's first entry and every change of key; malformed ones are left out."""
        named: list[tuple[int, Any]] = []
        if events:
            named.append((0, (events[0]["evidence"] or {}).get("log_key")))
        named += [(e["seq"] + 1, (e["evidence"] or {}).get("new")) for e in events if e["event"] == "log_key"]
        return cls(tuple((since, _read_keys(text)) for since, text in named))

    @property
    def all(self) -> tuple[VerifierKey, ...]:
        """Every key that the log has had."""
        return tuple(key for _, keys in self.periods for key in keys)

    @property
    def changes(self) -> tuple[int, ...]:
        """The sizes whose checkpoint needs the signatures of both the old key and the new one."""
        return tuple(since for since, _ in self.periods if since)

    def is_known_to(self, trusted: Sequence[VerifierKey]) -> bool:
        """Return whether one of the keys is trusted; signed changes extend that trust to the others."""
        known = {key.public for key in trusted}
        return any(key.public in known for key in self.all)

    def at(self, size: int) -> tuple[VerifierKey, ...]:
        """Return the keys that can sign a checkpoint of that size."""
        return next((keys for since, keys in reversed(self.periods) if since <= size), ())

    def change_is_signed(self, note: Note, size: int) -> bool:
        """Return whether the note has both keys' signatures for a change of key in its last entry."""
        for (_, old), (since, new) in itertools.pairwise(self.periods):
            if since == size:
                return any(map(note.signed_by, old)) and any(map(note.signed_by, new))
        return False


def _read_keys(text: Any) -> tuple[VerifierKey, ...]:
    try:
        return (read_verifier_key(text),) if isinstance(text, str) else ()
    except ValueError:
        return ()


def _check_stored_key(folder: Path, keys: _LogKeys, report: Report) -> None:
    """Compare the key in the folder with the log's own; this does not detect its owner's own changes."""
    data = _read_or_report(folder / LOG_KEY_NAME, LARGEST_KEY, report)
    try:
        stored = () if data is None else _read_keys(data.decode("utf-8").strip())
    except UnicodeDecodeError:
        stored = ()
    if not stored or not keys.all:
        report.incomplete.append("the log's public key is missing: it is not in the folder or in trust.json.")
        return
    if stored != keys.periods[-1][1]:
        report.tampered.append(f"{LOG_KEY_NAME} is not the key that the log's entries name.")
    report.remarks.append(
        "The key used was the one stored beside the log. "
        "To rule out a swapped key, give your own copy in trust.json."
    )


# ---- the command ---------------------------------------------------------------------------------


def report_lines(report: Report) -> list[str]:
    """Return what is printed: findings first, the result in plain English last."""
    return [
        *(f"altered:    {item}" for item in report.tampered),
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
        prog="verify", description="Check a Hearth audit folder without trusting the people who wrote it."
    )
    parser.add_argument("folder", type=Path, help="the audit folder, or a copy of it")
    parser.add_argument(
        "--trust", type=Path, help="trust.json: the keys and checkpoints that you keep yourself"
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    options = parser.parse_args(arguments)
    trust, fault = Trust(), ""
    if options.trust:
        try:
            trust = read_trust(options.trust)
        except (OSError, ValueError, RecursionError) as error:
            fault = f"trust.json could not be used: {_reason(error)}; the folder was checked without it."
    report = verify_folder(options.folder, trust)
    if fault:
        report.incomplete.insert(0, fault)
    print(json.dumps(report_facts(report)) if options.json else "\n".join(report_lines(report)))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
