"""Attacks on the finished files of a release, before anyone may see it."""

import json
from pathlib import Path
from typing import Any

from governance.artefact import Evidence
from governance.canonical import canonical_json, digest_of, digest_of_file
from governance.errors import Finding, Refused
from governance.recorded_state import ATTACKS
from pipeline.code_version import code_version
from pipeline.context import RunContext
from pipeline.disclosure.attack.run import run_attacks
from pipeline.disclosure.ledger import Ledger
from pipeline.publish.files.manifest import MANIFEST, STAGED_PREFIX
from schemas.storage.durable_write import write_durably


def attack_finished(folder: Path, context: RunContext, ledger: Ledger) -> dict[str, Any]:
    """Attack the finished files together with the release before them; a verdict is stored by manifest.

    A stored verdict is used only if it is the one whose digest is in the audit log; else the files are
    attacked again.
    """
    latest = ledger.latest_revealed()
    others = [] if latest is None else [context.workspace.zone("releases") / latest.release_id]
    folders = [folder, *(o for o in others if o != folder and o.is_dir())]
    name = digest_of([*sorted(digest_of_file(f / MANIFEST) for f in folders), code_version()])
    kept = ledger.folder / f"attacks-{name[:16]}.json"
    stored = _stored(kept, name, context)
    if stored is not None:
        return stored
    report = run_attacks(folders, engine=context.project.engine, spill=context.spill)
    context.report(f"attacks on the release: {report.successes} succeeded")
    record = report.record()
    release_id = folder.name.removeprefix(STAGED_PREFIX)
    facts: dict[str, Any] = {
        "attack_successes": report.successes,
        "attacks": record["attacks"],
        "intruder": next((r for r in record["intruders"] if r["release_id"] == release_id), None),
    }
    write_durably(kept, canonical_json(facts))
    context.recorded.record(ATTACKS, {"digest": digest_of(facts)}, name)
    return facts


def _stored(kept: Path, name: str, context: RunContext) -> dict[str, Any] | None:
    """Return the stored verdict of earlier attacks on the same files, if it is the one on record."""
    recorded = context.recorded.last(ATTACKS, name).get("digest")
    if recorded is None or not kept.is_file():
        return None
    try:
        facts: dict[str, Any] = json.loads(kept.read_bytes())
        is_on_record = digest_of(facts) == recorded
    except (OSError, ValueError, TypeError):
        is_on_record = False
    if is_on_record:
        return facts
    place = kept.relative_to(context.workspace.root).as_posix()
    context.recorded.report(place, "ATTACKS_CHANGED", "the files are attacked again", name)
    context.report(f"{place} is not the verdict on record, so the attacks are made again. This is on record.")
    return None


def check_repelled(evidence: Evidence) -> None:
    """Refuse a release on whose finished files an attack succeeded, whatever rules its gate has."""
    successes = int(evidence.facts["attack_successes"])
    if successes:
        findings = [
            Finding(
                code, f"attack {attack['number']}, {attack['name']}", f"succeeded {number:,} times", number
            )
            for attack in evidence.facts["attacks"]
            for code, number in attack["findings"].items()
        ]
        neighbour = evidence.facts["intruder"] or {}
        findings += [
            Finding(code.upper(), "the motivated intruder", f"{neighbour[code]:,} groups", neighbour[code])
            for code in ("singled_out", "learnt")
            if neighbour.get(code)
        ]
        raise Refused(
            "ATTACK_SUCCEEDED",
            f"Attacks on the finished files succeeded {successes:,} times.",
            "Nothing was published. Report the run's id, because the repair should have prevented this. "
            "Until then, remove tables that share a dimension from the outputs of the agreement.",
            tuple(findings),
        )
