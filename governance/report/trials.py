"""Attacks that were tried on pseudonyms and releases, from these records:

the run's evidence             attacks on the encoding and on the finished files
audit/attacks/*.note           signed certificates of `hearth attack`
[intruder_review]              the motivated-intruder review, as the agreement records it
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.audit.folder import regular_files
from governance.audit.verify import (
    ED25519,
    LARGEST_KEY,
    LARGEST_NOTE,
    LOG_KEY_NAME,
    Note,
    VerifierKey,
    key_hash_of,
    read_note,
    read_regular,
    read_verifier_key,
)
from governance.counted import counted

ATTACKS = "attacks"
_SIGNER = "hearth/attack"


@dataclass(frozen=True)
class Trial:
    """One attack. verdict: "repelled", "succeeded" or "not run". detail: figures, or why it was not run."""

    name: str
    verdict: str
    detail: str


@dataclass(frozen=True)
class AttackCertificate:
    """One certificate. signed: "by the log's key", "by another key" or "not signed"."""

    name: str
    time: str
    releases: tuple[str, ...]
    attacks: int
    successes: int
    signed: str


def trials_of(stages: Mapping[tuple[str, str], Mapping[str, Any]]) -> tuple[Trial, ...]:
    """Return the attacks that the run itself tried, from the facts of its stages."""
    found: list[Trial] = []
    for (stage, part), facts in sorted(stages.items()):
        attack = facts.get("self_attack") if stage == "pseudonymise" else None
        if attack:
            verdict = "succeeded" if attack["recovered"] else "repelled"
            detail = (
                f"{counted(attack['tried'], 'hash', 'hashes')} of {counted(attack['candidates'], 'UPRN')} "
                f"tried, {attack['recovered']:,} recovered"
            )
            found.append(Trial(f"Dictionary of UPRNs ({part})", verdict, detail))
    published = stages.get(("publish", "all"), {})
    for attack in published.get("attacks", ()):
        detail = attack["not_run"] or _figures(attack["findings"] or attack["figures"])
        found.append(Trial(str(attack["name"]).capitalize(), attack["verdict"], detail))
    if intruder := published.get("intruder"):
        verdict = "succeeded" if intruder.get("outcome") == "disclosure" else "repelled"
        found.append(Trial("Scripted motivated intruder", verdict, _figures(intruder)))
    return tuple(found)


def _figures(figures: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {_written(value)}" for name, value in figures.items())


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def certificates_of(audit_folder: Path) -> tuple[AttackCertificate, ...]:
    """Return the attack certificates stored with the log, oldest first; unreadable ones are marked."""
    return tuple(_certificate(path, audit_folder) for path in regular_files(audit_folder / ATTACKS, ".note"))


def _certificate(path: Path, audit_folder: Path) -> AttackCertificate:
    try:
        data = read_regular(path, LARGEST_NOTE)
        note = read_note(data) if b"\n\n" in data else Note(data, ())
        lines = note.text.decode().rstrip("\n").split("\n")
        record = json.loads(lines[-1])
        time = next(line.removeprefix("time ") for line in lines if line.startswith("time "))
        return AttackCertificate(
            path.name,
            time,
            tuple(record["releases"]),
            sum(attack["verdict"] != "not run" for attack in record["attacks"]),
            int(record["successes"]),
            _signed(note, audit_folder),
        )
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        StopIteration,
        OverflowError,
        RecursionError,
    ):
        return AttackCertificate(path.name, "", (), 0, 0, "cannot be read")


def _signed(note: Note, audit_folder: Path) -> str:
    if not note.signatures:
        return "not signed"
    try:
        public = read_verifier_key(
            read_regular(audit_folder / LOG_KEY_NAME, LARGEST_KEY).decode("utf-8")
        ).public
    except (OSError, ValueError):
        return "by another key"
    key = VerifierKey(_SIGNER, key_hash_of(_SIGNER, ED25519, public), ED25519, public)
    return "by the log's key" if note.signed_by(key) else "by another key"
