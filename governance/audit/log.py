"""Writing the audit log: one canonical JSON line for each decision, chained, synced and signed.

    audit.jsonl      the lines (entries)
    checkpoints/     <size>.note, signed at each stage boundary
    log.vkey         the log's public key (officers keep their own copy)
    torn/            partly written lines that a killed process left, moved out of the log

Evidence is counts, rates, digests and codes. Text that looks like an identifier is refused.
"""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict, Unpack

from governance.audit.evidence_filter import content_fault
from governance.audit.folder import changed_log as _changed
from governance.audit.folder import log_event
from governance.audit.signer import LogSigner
from governance.audit.verify import (
    CHECKPOINTS,
    LARGEST_LOG,
    LOG_KEY_NAME,
    LOG_NAME,
    NO_LINE_BEFORE,
    Checkpoint,
    ReleaseStatement,
    event_fault,
    leaf_hash,
    prefix_roots,
    read_event,
)
from governance.canonical import canonical_json
from governance.counted import counted
from governance.errors import Fault, Refused
from governance.linkage_precision import REVIEW_IMPORTED
from schemas.storage.durable_write import write_durably

TORN = "torn"
LOG_RUN = "log"
#: A clock may be set back by this much; beyond it the log refuses a line dated before its last.
CLOCK_TOLERANCE = timedelta(minutes=2)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Judged:
    """What a gate judged: digests of an artefact's files and of its evidence. time: of the verdict."""

    fingerprint: str
    artefact_digest: str
    evidence_digest: str
    time: str


def _now() -> datetime:
    return datetime.now(UTC)


class EventDetails(TypedDict, total=False):
    """What an event may carry besides run, actor, stage and kind. policy: digest of the agreement."""

    rule: str | None
    verdict: str | None
    evidence: Mapping[str, Any] | None
    policy: str | None


class AuditLog:
    """An audit log open for appending. Several processes may use it; a lock protects each write.

    Create it with `AuditLog.open`.
    """

    def __init__(self, folder: Path, signer: LogSigner | None, clock: Callable[[], datetime]) -> None:
        self.folder = folder
        self._signer = signer
        self._clock = clock
        self._path = folder / LOG_NAME
        self._bytes = 0
        self._leaves: list[bytes] = []
        self._previous = NO_LINE_BEFORE
        self._latest = ""
        self._key: str | None = None
        self._open_runs: dict[str, str] = {}
        self._remembered: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._requests: dict[str, frozenset[str]] = {}
        self._noted: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._judged: dict[tuple[str, str], dict[str, Judged]] = {}
        self._states: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._key_states: dict[str, str] = {}
        self._last_event = ""
        self._is_past_gate = False
        self._releases: dict[str, str] = {}
        self._review: Mapping[str, Any] | None = None

    @classmethod
    def open(
        cls, folder: Path, signer: LogSigner | None = None, clock: Callable[[], datetime] = _now
    ) -> "AuditLog":
        """Open the log in `folder`, creating it if missing; a partly written last line is moved to torn/.

        Raises Refused if the lines were changed or the signer has a different key than the log, and
        Fault if the folder cannot be written.
        """
        log = cls(folder, signer, clock)
        with _as_fault("opened"):
            for name in ("", CHECKPOINTS, TORN):
                (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            with log._locked():
                log._catch_up()
                if not log._leaves:
                    if signer is not None:
                        signer.check_grown(prefix_roots(()), log._was_signed())
                    key = None if signer is None else signer.verifier_key
                    log._write(LOG_RUN, "hearth", None, "log_created", {"evidence": {"log_key": key}})
                log._check_key()
        return log

    @property
    def size(self) -> int:
        """Number of lines."""
        return len(self._leaves)

    @property
    def leaves(self) -> tuple[bytes, ...]:
        """The lines' RFC 6962 leaf hashes, in order."""
        return tuple(self._leaves)

    @property
    def root(self) -> bytes:
        """The root over all lines."""
        return prefix_roots(self._leaves)[-1]

    def remembered(self, rule: str, part: str) -> Mapping[str, Any]:
        """Return what a rule recorded for a part of a stage when its gate last cleared; empty before that."""
        return self._remembered.get((rule, part), {})

    def requests(self, part: str) -> frozenset[str]:
        """Return the commitments of the erasures and objections on record for a controller's data."""
        return self._requests.get(part, frozenset())

    def judged(self, stage: str, part: str, fingerprint: str) -> "Judged | None":
        """Return what the gate of a stage last judged under a fingerprint; None where it never did."""
        return self._judged.get((stage, part), {}).get(fingerprint)

    def last_judged(self, stage: str, part: str) -> "Judged | None":
        """Return what the gate of a stage and part judged last; None where it never did."""
        judged = self._judged.get((stage, part))
        return None if not judged else list(judged.values())[-1]

    def state(self, name: str, part: str = "all") -> Mapping[str, Any]:
        """Return the last recorded state of that name and part; empty where none was ever recorded."""
        return self._states.get((name, part), {})

    def key_state(self, key_id: str) -> str | None:
        """Return the state into which a key was last put here; None where no action on it is on record."""
        return self._key_states.get(key_id)

    @property
    def is_signing(self) -> bool:
        """Answer whether the log was opened with its signing key."""
        return self._signer is not None

    @property
    def newest_review(self) -> Mapping[str, Any] | None:
        """The facts of the newest clerical review in the log, its time as `at`; None where there is none."""
        return self._review

    def append(
        self,
        run: str,
        actor: str,
        stage: str | None,
        event: str,
        **details: Unpack[EventDetails],
    ) -> int:
        """Write one line and return its number; it is on disk when this returns.

        stage: None if the event belongs to no stage. A `run_start` first records earlier runs without an
        end as abandoned, and contains the root of the log before it.

        Raises Fault if the event breaks the closed schema or the disk cannot be written, and Refused if
        the clock was set back. The log is then unchanged.
        """
        with _as_fault("written"), self._locked():
            self._catch_up()
            if event == "run_start":
                for abandoned in list(self._open_runs):
                    found: EventDetails = {"verdict": "abandoned", "evidence": {"found_by": run}}
                    found["policy"] = details.get("policy")
                    self._write(abandoned, actor, None, "run_abandoned", found)
                before = {"previous_root": self.root.hex(), "previous_size": self.size}
                details["evidence"] = {**(details.get("evidence") or {}), **before}
            return self._write(run, actor, stage, event, details)

    def checkpoint(self) -> Checkpoint:
        """Sign the whole log and return its checkpoint; the note is on disk when this returns.

        Raises Refused if signed lines were changed or removed since the last signature.
        """
        if self._signer is None:
            raise Fault(
                "LOG_SIGNER_MISSING",
                "The audit log was opened without its signing key, so it cannot be signed.",
                "Report this as a defect in Hearth.",
            )
        with _as_fault("signed"), self._locked():
            self._catch_up()
            roots = prefix_roots(self._leaves)
            path = self.folder / CHECKPOINTS / f"{self.size:012d}.note"
            if not _is_regular(path):
                write_durably(path, self._signer.sign(roots))
            return Checkpoint(self._signer.origin, self.size, roots[-1])

    def published_manifest(self, release_id: str) -> str | None:
        """Return the digest of the manifest under which a release was recorded; None where it was not."""
        return self._releases.get(release_id)

    def sign_release(self, release_id: str, manifest_sha256: str, epoch: str, reference_date: str) -> bytes:
        """Return the signed statement of a release (C2SP signed note), which the release then contains.

        Raises Refused where the log does not record that release with that manifest.
        """
        if self._signer is None:
            raise Fault("LOG_SIGNER_MISSING", "This log was opened without its signing key.", "Name its key.")
        if self.published_manifest(release_id) != manifest_sha256:
            raise Refused(
                "RELEASE_RECORD_MISSING",
                f"The audit log has no record of release {release_id} with this manifest.",
                "Report this as a defect of the program; a release is recorded before it is signed.",
            )
        statement = ReleaseStatement(release_id, manifest_sha256, epoch, reference_date, self._signer.origin)
        return self._signer.sign_statement(statement)

    def change_key(self, actor: str, old: LogSigner, new: LogSigner) -> int:
        """Change the signing key; both keys sign the change. Returns the number of the line that records it.

        Completes an interrupted change. Raises Refused if `old` is not the log's key.
        """
        with _as_fault("signed"), self._locked():
            self._catch_up()
            if self._key == old.verifier_key:
                facts = {"old": old.verifier_key, "new": new.verifier_key}
                number = self._write(LOG_RUN, actor, None, "log_key", {"verdict": "done", "evidence": facts})
            elif self._key == new.verifier_key:
                number = self.size - 1
            else:
                self._signer = old
                self._check_key()
            write_durably(
                self.folder / CHECKPOINTS / f"{self.size:012d}.note", old.sign_with(new, self._roots())
            )
            write_durably(self.folder / LOG_KEY_NAME, f"{new.verifier_key}\n".encode())
            self._signer = new
        return number

    def _roots(self) -> list[bytes]:
        return prefix_roots(self._leaves)

    # -- the methods below run while the log is locked --

    @contextmanager
    def _locked(self) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.folder / ".lock", flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, ".lock is not a regular file")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _catch_up(self) -> None:
        """Read what another process or an earlier run wrote; move a partly written line to torn/."""
        data = b""
        if _is_regular(self._path):
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                size = os.fstat(descriptor).st_size
                if size < self._bytes:
                    raise _changed("it is shorter than when it was last read")
                if size > LARGEST_LOG:
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
                stream.seek(self._bytes)
                data = stream.read(LARGEST_LOG)
        elif self._bytes:
            raise _changed("it is missing")
        whole, _, torn = data.rpartition(b"\n")
        for line in whole.split(b"\n") if whole else ():
            self._apply(line)
        if torn:
            self._move_torn_line(torn)
        elif data and self._signer is not None:
            is_own = self._key == self._signer.verifier_key  # if it is not, `_check_key` says so
            self._signer.check_grown(prefix_roots(self._leaves), is_own and self._was_signed())

    def _apply(self, line: bytes) -> None:
        """Check that a line continues the chain, and update what is known of the log from its event."""
        event = log_event(line, self.size)
        if event["prev"] != self._previous or event["seq"] != self.size:
            raise _changed(f"entry {self.size} does not follow from the entry before it")
        self._is_past_gate = self._is_past_gate or self._last_event == "gate"
        self._last_event = event["event"]
        if event["event"] in ("log_created", "log_key"):
            named = event["evidence"] or {}
            self._key = named.get("log_key") if event["event"] == "log_created" else named.get("new")
        elif event["event"] == "run_start":
            self._open_runs[event["run"]] = event["ts"]
        elif event["event"] in ("run_end", "run_abandoned"):
            self._open_runs.pop(event["run"], None)
        elif event["event"] == "rule" and (facts := event["evidence"] or {}).get("remember"):
            self._noted[(event["rule"], str(facts.get("part", "")))] = facts["remember"]
        elif event["event"] == "rights_request":
            named = event["evidence"] or {}
            part, commitment = str(named.get("part", "")), str(named.get("commitment"))
            self._requests[part] = self.requests(part) | {commitment}
        elif event["event"] == "release":
            named = event["evidence"] or {}
            self._releases[str(named.get("release_id"))] = str(named.get("manifest_sha256"))
        elif event["event"] == "note" and (event["evidence"] or {}).get("what") == REVIEW_IMPORTED:
            self._review = {**event["evidence"], "at": event["ts"]}
        elif event["event"] == "gate":
            if event["verdict"] == "cleared":
                self._remembered |= self._noted
            self._noted = {}
            self._take_judged(event)
        elif event["event"] == "state":
            facts = event["evidence"] or {}
            self._states[str(facts.get("name")), str(facts.get("part"))] = facts
        elif event["event"] == "key" and event["verdict"] == "done":
            self._key_states |= _key_states(event["evidence"] or {})
        self._latest = event["ts"]
        self._previous = hashlib.sha256(line).hexdigest()
        self._leaves.append(leaf_hash(line))
        self._bytes += len(line) + 1

    def _was_signed(self) -> bool:
        """Answer whether the log was signed before: it has a checkpoint, or a line after a gate."""
        folder = self.folder / CHECKPOINTS
        return self._is_past_gate or any(folder.glob("*.note"))

    def _take_judged(self, event: Mapping[str, Any]) -> None:
        facts = event["evidence"] or {}
        if facts.get("fingerprint") is None or facts.get("artefact_digest") is None:
            return
        judged = Judged(
            str(facts["fingerprint"]),
            str(facts["artefact_digest"]),
            str(facts["evidence_digest"]),
            event["ts"],
        )
        of_step = self._judged.setdefault((event["stage"], str(facts.get("part"))), {})
        of_step.pop(judged.fingerprint, None)
        of_step[judged.fingerprint] = judged

    def _move_torn_line(self, torn: bytes) -> None:
        digest = hashlib.sha256(torn).hexdigest()
        (self.folder / TORN).mkdir(exist_ok=True, mode=0o700)
        write_durably(self.folder / TORN / f"{self.size:012d}-{digest[:16]}.part", torn)
        os.truncate(self._path, self._bytes)
        facts = {"bytes": len(torn), "sha256": digest}
        self._write(LOG_RUN, "hearth", None, "log_recovered", {"evidence": facts})

    def _write(self, run: str, actor: str, stage: str | None, event: str, details: EventDetails) -> int:
        evidence = details.get("evidence")
        record = {
            "v": 1,
            "seq": self.size,
            "prev": self._previous,
            "ts": self._time(),
            "run": run,
            "actor": actor,
            "stage": stage,
            "event": event,
            "rule": details.get("rule"),
            "verdict": details.get("verdict"),
            "evidence": None if evidence is None else dict(evidence),
            "policy": details.get("policy"),
        }
        fault = event_fault(record) or content_fault(evidence)
        line = b"" if fault else canonical_json(record)
        if fault := fault or read_event(line)[1]:
            raise Fault(
                "AUDIT_EVENT_REFUSED",
                f"An audit event {event!r} {fault}, so it was not written. The log is unchanged.",
                "Report this as a defect in Hearth: audit events contain only counts, rates, digests and "
                "codes.",
            )
        if self._bytes + len(line) >= LARGEST_LOG:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            _write_whole(descriptor, line + b"\n")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, self._bytes)
            raise
        finally:
            os.close(descriptor)
        self._apply(line)
        return self.size - 1

    def _time(self) -> str:
        now = self._clock().astimezone(UTC)
        if self._latest:
            latest = datetime.strptime(self._latest, _TIME_FORMAT).replace(tzinfo=UTC)
            if now + CLOCK_TOLERANCE < latest:
                behind = round((latest - now).total_seconds())
                raise Refused(
                    "CLOCK_SET_BACK",
                    f"This machine's clock is {counted(behind, 'second')} behind the last entry of the audit "
                    "log.",
                    "Correct the clock, then run the command again. Dates decide whether an agreement is in "
                    "force.",
                )
            now = max(now, latest)
        return now.strftime(_TIME_FORMAT)

    def _check_key(self) -> None:
        stated = self._key
        if self._signer is not None and stated != self._signer.verifier_key:
            raise Refused(
                "LOG_KEY_DIFFERS",
                "The signing key in this workspace is not the key of this audit log.",
                "Restore the key from its backup. If a change of key was interrupted, run `hearth audit "
                "change-key` again. If the key is lost, keep this audit folder unchanged and start a new "
                "one.",
            )
        path = self.folder / LOG_KEY_NAME
        if stated is not None and not path.is_file():
            write_durably(path, f"{stated}\n".encode())


def _key_states(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the states that an action on keys left: key id -> state."""
    states = {
        str(facts[f"{which}key_id"]): str(facts[f"{which}state"])
        for which in ("", "old_", "new_")
        if f"{which}key_id" in facts and f"{which}state" in facts
    }
    if facts.get("act") == "destroy" and "key_id" in facts:
        states[str(facts["key_id"])] = "destroyed"
    return states


def _is_regular(path: Path) -> bool:
    """Return False where there is nothing; raises OSError where there is anything but a regular file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{path.name} is not a regular file")
    return True


@contextmanager
def _as_fault(attempted: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Fault(
            "AUDIT_LOG_NOT_WRITABLE",
            f"The audit log cannot be {attempted} ({error.strerror}). No command continues without it.",
            "Correct the audit folder's owner, permissions or free space, then run the command again.",
        ) from None


def _write_whole(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
