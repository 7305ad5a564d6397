"""Erasure and objection: a person's rows leave before anything else is made of them.

The request lies in its controller's clear zone, where the identifier is known anyway. The audit log
gets a commitment: the SHA-256 of a random number, the kind and the identifier. Whoever holds the
receipt (the person, or the officer who answers) can show later that this very request is on record
and in effect; nobody can find a person from the log.
"""

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

from governance.audit.log import AuditLog
from governance.canonical import canonical_json
from governance.errors import Fault, Refused
from governance.history import events
from schemas.storage.durable_write import write_durably

FILE = "rights_requests.jsonl"
KINDS = ("erasure", "objection")
IDENTIFIERS = ("nhs_number", "record_id")
#: UK GDPR art. 12(3).
ANSWER_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class RightsRequest:
    """One request. identifier: "nhs_number" or "record_id" (the supplier's id of the person's row)."""

    id: str
    kind: str
    received: date
    identifier: str
    value: str = field(repr=False)
    nonce: str = field(repr=False)

    @property
    def commitment(self) -> str:
        """SHA-256 that binds the request without telling whose it is."""
        return commitment_of(self.nonce, self.kind, self.identifier, self.value)


def commitment_of(nonce: str, kind: str, identifier: str, value: str) -> str:
    """Return the commitment that a receipt's holder works out to compare with the log."""
    return hashlib.sha256(canonical_json([nonce, kind, identifier, value])).hexdigest()


def requests_path(clear_zone: Path, controller: str) -> Path:
    """Return where a controller's requests lie."""
    return clear_zone / controller / FILE


def read_requests(clear_zone: Path, controller: str) -> tuple[RightsRequest, ...]:
    """Return a controller's requests in the order they came; raises Fault where the file is damaged."""
    try:
        lines = requests_path(clear_zone, controller).read_text("utf-8").splitlines()
        raw = [json.loads(line) for line in lines]
        return tuple(
            RightsRequest(**{**item, "received": date.fromisoformat(item["received"])}) for item in raw
        )
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError):
        raise Fault(
            "RIGHTS_REQUESTS_UNREADABLE",
            f"The requests of controller {controller} cannot be read.",
            "Restore the file from its copy; no release goes out until every request is in effect.",
        ) from None


def record_request(
    clear_zone: Path,
    controller: str,
    kind: str,
    identifier: str,
    value: str,
    received: date,
    audit: AuditLog,
    actor: str,
) -> RightsRequest:
    """Put a request into effect from the next run on, and on record; returns it, nonce and all.

    The file is written before the log: a kill in between leaves a request in effect that is recorded
    on the second attempt, never one on record and not in effect.
    """
    if kind not in KINDS or identifier not in IDENTIFIERS:
        raise Fault("REQUEST_UNKNOWN", "The request is of no known kind.", f"Give one of {', '.join(KINDS)}.")
    cleaned = "".join(value.split()) if identifier == "nhs_number" else value.strip()
    if not cleaned or (identifier == "nhs_number" and not (cleaned.isdigit() and len(cleaned) == 10)):
        raise Fault("REQUEST_VALUE", f"The {identifier} is not one.", "Check it against the correspondence.")
    standing = read_requests(clear_zone, controller)
    request = RightsRequest(
        f"R{len(standing) + 1:05d}-{secrets.token_hex(3)}",
        kind,
        received,
        identifier,
        cleaned,
        secrets.token_hex(32),
    )
    path = requests_path(clear_zone, controller)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [
        canonical_json({**asdict(item), "received": item.received.isoformat()})
        for item in (*standing, request)
    ]
    write_durably(path, b"".join(line + b"\n" for line in lines))
    facts = {
        "part": controller,
        "request": request.id,
        "kind": kind,
        "received": received.isoformat(),
        "due": (received + ANSWER_WITHIN).isoformat(),
        "commitment": request.commitment,
    }
    audit.append(f"rights-{request.id}", actor, None, "rights_request", None, None, facts)
    audit.checkpoint()
    return request


@dataclass(frozen=True)
class RequestProof:
    """That a receipt's request is on record: its line, its time, and the runs it was in effect in."""

    request: str
    seq: int
    time: str
    runs: tuple[str, ...]


def write_receipt(path: Path, request: RightsRequest) -> None:
    """Write what its holder needs to prove the request later; it names the person, so it is private."""
    content = {
        "request": request.id,
        "kind": request.kind,
        "received": request.received.isoformat(),
        "identifier": request.identifier,
        "value": request.value,
        "nonce": request.nonce,
        "commitment": request.commitment,
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(json.dumps(content, indent=1).encode() + b"\n")


def prove_request(receipt: Path, audit_folder: Path) -> RequestProof:
    """Find the request of a receipt in the log; raises Refused where it is not there, or not this one."""
    try:
        held = json.loads(receipt.read_bytes())
        commitment = commitment_of(held["nonce"], held["kind"], held["identifier"], held["value"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Fault(
            "RECEIPT_UNREADABLE", "The receipt cannot be read.", "Use the file that was handed out."
        ) from None
    found: dict[str, object] | None = None
    controller, runs = "", []
    for event in events(audit_folder):
        facts = event["evidence"] or {}
        if event["event"] == "rights_request" and facts.get("commitment") == commitment:
            found, controller = event, facts["part"]
        elif (
            found
            and event["rule"] == "RET-04"
            and facts.get("part") == controller
            and event["verdict"] == "pass"
        ):
            runs.append(event["run"])
    if found is None:
        raise Refused(
            "REQUEST_NOT_ON_RECORD",
            "The log holds no request with this receipt's commitment.",
            "Verify the log; compare the receipt with the correspondence.",
        )
    return RequestProof(str(held["request"]), int(str(found["seq"])), str(found["ts"]), tuple(runs))
