"""Attacks on the finished files of a release, before anyone may see it."""

import json
from pathlib import Path
from typing import Any

from governance.artefact import Evidence
from governance.canonical import canonical_json, digest_of, digest_of_file
from governance.errors import Finding, Refused
from pipeline.code_version import code_version
from pipeline.context import RunContext
from pipeline.disclosure.attack.run import run_attacks
from pipeline.disclosure.ledger import Ledger
from pipeline.publish.manifest import MANIFEST, STAGED_PREFIX
from schemas.storage.durable_write import write_durably


def attack_finished(folder: Path, context: RunContext, ledger: Ledger) -> dict[str, Any]:
    """Attack the finished files together with the release before them; a verdict is stored by manifest."""
    latest = ledger.latest_revealed()
    others = [] if latest is None else [context.workspace.zone("releases") / latest.release_id]
    folders = [folder, *(o for o in others if o != folder and o.is_dir())]
    name = digest_of([*sorted(digest_of_file(f / MANIFEST) for f in folders), code_version()])
    kept = ledger.folder / f"attacks-{name[:16]}.json"
    if kept.is_file():
        facts: dict[str, Any] = json.loads(kept.read_bytes())
        return facts
    report = run_attacks(folders, engine=context.project.engine, spill=context.spill)
    context.report(f"attacks on the release: {report.successes} succeeded")
    record = report.record()
    release_id = folder.name.removeprefix(STAGED_PREFIX)
    facts = {
        "attack_successes": report.successes,
        "attacks": record["attacks"],
        "intruder": next((r for r in record["intruders"] if r["release_id"] == release_id), None),
    }
    write_durably(kept, canonical_json(facts))
    return facts


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
