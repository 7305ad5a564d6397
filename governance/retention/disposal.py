"""Disposal: files and their keys are destroyed, and two people certify it.

Every encrypted table has its own key, which is stored (wrapped) only in the table's file. A file is
overwritten before it is removed, so its key is destroyed with it.

A certificate is a signed statement, stored with the audit log: what was disposed of, how many files,
and by which person. A second person with the right to witness checks that the files are gone and
signs too. The log contains the certificate's digest, so a certificate cannot be replaced later.
"""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.audit.folder import LARGEST_CERTIFICATE
from governance.audit.log import AuditLog
from governance.audit.verify import read_regular
from governance.canonical import canonical_json, digest_of
from governance.errors import Fault, Refused
from governance.principals.roles import may
from governance.principals.statement import is_signed, public_key_of, sign_statement
from governance.retention.holdings import Holding
from schemas.storage.durable_write import sync, write_durably

CERTIFICATES = "certificates"
STATEMENT = "disposal"
_ENCRYPTED = b"PARE"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class DisposalStatus:
    """Status of one recorded disposal: whether it is certified, witnessed, and its files are gone."""

    name: str
    certified: bool
    witnessed: bool
    is_gone: bool


def dispose(
    root: Path,
    holding: Holding,
    agreement: Agreement,
    audit: AuditLog,
    actor: str,
    key: Ed25519PrivateKey,
    now: datetime,
) -> Path:
    """Delete a holding and certify it; returns the certificate, which a second person must also sign.

    The certificate and the log's event are on disk before the first file is deleted. A kill in between
    leaves a disposal that RET-02 reports as unfinished, never an unrecorded one.
    """
    folder = root / holding.name
    if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
        raise Fault(
            "NOTHING_TO_DISPOSE",
            f"{holding.name} does not exist, so nothing was deleted.",
            "Run `hearth retention list` to see what can be disposed of.",
        )
    content = {
        "agreement": agreement.id,
        "what": holding.name,
        "retention": holding.retention,
        "due": None if holding.due is None else holding.due.isoformat(),
        "files": holding.files,
        "bytes": holding.bytes,
        "keys_destroyed": sum(map(_has_own_key, _files(folder))),
        "method": "each file overwritten, synced and removed, and with it the wrapped key that it carried",
        "disposed_by": actor,
        "on": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    certificate = {
        "statement": STATEMENT,
        "content": content,
        "signatures": [
            {
                "by": actor,
                "public_key": public_key_of(key),
                "signature": sign_statement(STATEMENT, content, key),
            }
        ],
    }
    path = certificate_path(audit.folder, content)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    write_durably(path, canonical_json(certificate) + b"\n")
    facts = {
        "what": "artefact",
        "name": holding.name,
        "files": holding.files,
        "keys_destroyed": content["keys_destroyed"],
        "certificate": digest_of(content),
    }
    audit.append(
        f"disposal-{digest_of(content)[:12]}", actor, None, "disposal", verdict="done", evidence=facts
    )
    for file in _files(folder):
        _overwrite(file)
        file.unlink()
    shutil.rmtree(folder)
    sync(folder.parent)
    audit.checkpoint()
    return path


def witness_disposal(
    root: Path, path: Path, agreement: Agreement, audit: AuditLog, person: str, key: Ed25519PrivateKey
) -> None:
    """Add the second person's signature; raises Refused if they may not sign or the files still exist."""
    certificate = read_certificate(path)
    content = certificate["content"]
    principal = next((item for item in agreement.principals if item.id == person), None)
    if (
        principal is None
        or principal.public_key != public_key_of(key)
        or not may(principal, "witness-disposal")
        or any(item["public_key"] == principal.public_key for item in certificate["signatures"])
    ):
        raise Refused(
            "NOT_A_SECOND_PERSON",
            f"{person} may not witness this disposal: a witness is an approver or auditor who has not signed "
            "it yet.",
            "Ask another approver or auditor named under [[principals]] of the agreement to run `hearth "
            "retention witness`.",
        )
    if (root / content["what"]).exists():
        raise Refused(
            "STILL_PRESENT",
            f"{content['what']} still exists, so its disposal cannot be witnessed.",
            "Run `hearth retention dispose` for it again, then `hearth retention witness`.",
        )
    signature = sign_statement(STATEMENT, content, key)
    certificate["signatures"].append(
        {"by": person, "public_key": principal.public_key, "signature": signature}
    )
    write_durably(path, canonical_json(certificate) + b"\n")
    facts = {"what": "witnessed", "name": content["what"], "certificate": digest_of(content)}
    audit.append(
        f"disposal-{digest_of(content)[:12]}", person, None, "disposal", verdict="done", evidence=facts
    )
    audit.checkpoint()


def certificate_path(audit_folder: Path, content: dict[str, Any]) -> Path:
    """Return the path of a disposal's certificate."""
    return audit_folder / CERTIFICATES / f"disposal-{digest_of(content)[:16]}.json"


def read_certificate(path: Path) -> dict[str, Any]:
    """Return a certificate; raises Fault if it cannot be read."""
    try:
        certificate: dict[str, Any] = json.loads(read_regular(path, LARGEST_CERTIFICATE))
        if certificate["statement"] != STATEMENT or not isinstance(certificate["signatures"], list):
            raise ValueError  # noqa: TRY301
        stated = [certificate["content"][name] for name in ("what", "disposed_by")]
        stated += [
            item[name] for item in certificate["signatures"] for name in ("by", "public_key", "signature")
        ]
        if not all(isinstance(item, str) for item in stated):
            raise ValueError  # noqa: TRY301
        digest_of(certificate["content"])  # raises ValueError where it has no canonical form
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Fault(
            "CERTIFICATE_UNREADABLE",
            f"{path.name} is not a readable disposal certificate.",
            "Restore it from a copy, or name a file in the workspace's audit/certificates folder.",
        ) from None
    return certificate


def disposal_status(
    root: Path, audit_folder: Path, event: dict[str, Any], agreement: Agreement
) -> DisposalStatus:
    """Return the status of one disposal in the log; event: its evidence."""
    name, digest = str(event["name"]), str(event["certificate"])
    path = audit_folder / CERTIFICATES / f"disposal-{digest[:16]}.json"
    is_gone = not (root / name).exists()
    try:
        certificate = read_certificate(path)
    except Fault:
        return DisposalStatus(name, certified=False, witnessed=False, is_gone=is_gone)
    content = certificate["content"]
    signers = {
        item["public_key"]: item["by"]
        for item in certificate["signatures"]
        if is_signed(STATEMENT, content, item["signature"], item["public_key"])
    }
    certified = digest_of(content) == digest and content["what"] == name and bool(signers)
    witnesses = {
        principal.public_key
        for principal in agreement.principals
        if may(principal, "witness-disposal")
        and principal.public_key in signers
        and signers[principal.public_key] != content["disposed_by"]
    }
    return DisposalStatus(name, certified, certified and len(signers) >= 2 and bool(witnesses), is_gone)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        left = os.fstat(descriptor).st_size
        while left:
            left -= os.write(descriptor, os.urandom(min(left, _BLOCK)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _has_own_key(path: Path) -> bool:
    """Return whether a file is a table encrypted with its own key (Parquet's encrypted footer)."""
    with path.open("rb") as stream:
        return stream.read(len(_ENCRYPTED)) == _ENCRYPTED
