"""The attack certificate: which releases were attacked, how, when, and what was found; signed.

It is a C2SP signed note: readable text, an empty line, and a signature. `governance.audit` verifies the
signature in the same way as that of a checkpoint.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from governance.audit.note import NoteSigner
from governance.audit.signer import KEY_NAME, read_signing_key
from governance.canonical import canonical_json, digest_of
from governance.errors import Fault
from pipeline.disclosure.attack.run import AttackReport

SIGNER_NAME = "hearth/attack"


@dataclass(frozen=True)
class Certificate:
    """A certificate that was written. signed_by: name and key hash of the signer; None if there is no key."""

    path: Path
    signed_by: str | None


def certificate_text(report: AttackReport, at: datetime) -> bytes:
    """Return the text of the certificate. Its last line is the attack report as canonical JSON."""
    lines = [
        "hearth attack certificate v1",
        f"time {at.isoformat(timespec='seconds')}",
        *(f"release {release_id} manifest {digest}" for release_id, digest in report.releases.items()),
    ]
    for outcome in report.record()["attacks"]:
        lines.append(f"attack {outcome['number']} {outcome['name']}: {outcome['verdict']}")
    lines.append(f"successes {report.successes}")
    lines.append(canonical_json(report.record()).decode())
    return ("\n".join(lines) + "\n").encode()


def certify(
    report: AttackReport, at: datetime, release: Path, target: Path | None, key: Path | None
) -> Certificate | None:
    """Write the certificate and return it; None if there is neither a target nor a workspace.

    release: the folder of one of the attacked releases. If no target or key is named, the audit folder and
    log key of its workspace are used. Raises Fault if the certificate cannot be written.
    """
    workspace = release.absolute().parent.parent
    if target is None:
        if not (workspace / "audit").is_dir():
            return None
        name = digest_of(report.releases)[:12]
        target = workspace / "audit" / "attacks" / f"attack-{at:%Y%m%dT%H%M%SZ}-{name}.note"
    if key is None and (workspace / "keys" / KEY_NAME).is_file():
        key = workspace / "keys" / KEY_NAME
    text = certificate_text(report, at)
    signer = None if key is None else NoteSigner(SIGNER_NAME, read_signing_key(key))
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_bytes(text if signer is None else text + b"\n" + signer.sign(text))
    except OSError as error:
        raise Fault(
            "CERTIFICATE_NOT_WRITTEN",
            f"The attack certificate cannot be written ({error.strerror}).",
            "Name another place with --certificate.",
        ) from None
    return Certificate(target, None if signer is None else signer.verifier_key())
