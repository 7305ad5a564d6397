"""Erasure and objection: ingest removes a person's rows before any other stage uses them.

The request is stored in its controller's clear zone, where the identifier is known anyway. The audit
log gets a commitment: the SHA-256 of a random number, the kind and the identifier. With the receipt,
the person or the officer can later prove that this request is recorded and applied. Without it, no one
can be identified from the log.
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
        """SHA-256 that identifies the request without revealing the person."""
        return commitment_of(self.nonce, self.kind, self.identifier, self.value)


def commitment_of(nonce: str, kind: str, identifier: str, value: str) -> str:
    """Return the commitment of a request, to be compared with the log."""
    return hashlib.sha256(canonical_json([nonce, kind, identifier, value])).hexdigest()


def requests_path(clear_zone: Path, controller: str) -> Path:
    """Return the path of a controller's requests."""
    return clear_zone / controller / FILE


def read_requests(clear_zone: Path, controller: str) -> tuple[RightsRequest, ...]:
    """Return a controller's requests in the order received; raises Fault if the file is damaged."""
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
            f"The erasure and objection requests of {controller} ({FILE}) cannot be read. Nothing is "
            "published until every request is applied.",
            f"Restore {FILE} in the controller's folder of the clear zone from its copy.",
        ) from None


@dataclass(frozen=True)
class Received:
    """A request as a person sent it. kind, identifier: as in `RightsRequest`; value: as typed."""

    kind: str
    identifier: str
    value: str = field(repr=False)
    day: date


def record_request(
    clear_zone: Path, controller: str, received: Received, audit: AuditLog, actor: str
) -> RightsRequest:
    """Record a request so that it applies from the next run; returns it with its nonce.

    The file is written before the log. A kill in between leaves a request that applies and is recorded
    on the second attempt, never one that is recorded and does not apply.
    """
    kind, identifier, value = received.kind, received.identifier, received.value
    if kind not in KINDS or identifier not in IDENTIFIERS:
        raise Fault(
            "REQUEST_UNKNOWN",
            "The kind of request or of identifier is unknown, so nothing was recorded.",
            f"Give one of {' or '.join(KINDS)} with --kind, and a {' or '.join(IDENTIFIERS)}.",
        )
    cleaned = "".join(value.split()) if identifier == "nhs_number" else value.strip()
    if not cleaned or (identifier == "nhs_number" and not (cleaned.isdigit() and len(cleaned) == 10)):
        form = "10 digits" if identifier == "nhs_number" else "a text"
        raise Fault(
            "REQUEST_VALUE",
            f"The {identifier} given is not {form}, so nothing was recorded.",
            "Compare it with the correspondence and run the command again.",
        )
    earlier = read_requests(clear_zone, controller)
    request = RightsRequest(
        f"R{len(earlier) + 1:05d}-{secrets.token_hex(3)}",
        kind,
        received.day,
        identifier,
        cleaned,
        secrets.token_hex(32),
    )
    path = requests_path(clear_zone, controller)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [
        canonical_json({**asdict(item), "received": item.received.isoformat()})
        for item in (*earlier, request)
    ]
    write_durably(path, b"".join(line + b"\n" for line in lines))
    facts = {
        "part": controller,
        "request": request.id,
        "kind": kind,
        "received": received.day.isoformat(),
        "due": (received.day + ANSWER_WITHIN).isoformat(),
        "commitment": request.commitment,
    }
    audit.append(f"rights-{request.id}", actor, None, "rights_request", evidence=facts)
    audit.checkpoint()
    return request


@dataclass(frozen=True)
class RequestProof:
    """Proof that a receipt's request is recorded: its line, its time, and the runs that applied it."""

    request: str
    seq: int
    time: str
    runs: tuple[str, ...]


def write_receipt(path: Path, request: RightsRequest) -> None:
    """Write the receipt that proves the request later; it identifies the person, so it is private."""
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
    """Find a receipt's request in the log; raises Refused if the log does not contain it."""
    try:
        content = json.loads(receipt.read_bytes())
        commitment = commitment_of(content["nonce"], content["kind"], content["identifier"], content["value"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Fault(
            "RECEIPT_UNREADABLE",
            f"{receipt.name} is not a readable receipt.",
            "Use the file that `hearth retention request` wrote.",
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
            "The audit log does not contain the request of this receipt.",
            "Check that this is the audit log of the same project, run `hearth audit verify`, and compare "
            "the receipt with the correspondence.",
        )
    return RequestProof(str(content["request"]), int(str(found["seq"])), str(found["ts"]), tuple(runs))
