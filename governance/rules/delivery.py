"""Delivery: each file matches its supplier's signed and numbered manifest.

Facts: see `pipeline/ingest/stage.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Principal
from governance.counted import counted
from governance.principals.extract_signature import extract_signed_by, extract_statement
from governance.rules.ingest import supplied_tables
from governance.rules.invented import people_are_invented
from governance.rules.registry import Shown, Verdict, failed, passed, rule


@rule(
    id="ING-01",
    version=2,
    title="Each file matches its supplier's signed manifest and is not an older file sent again",
    stage="ingest",
    source="Five Safes, safe data; field-notes.md, late, partial or replayed file",
    remedy="Ask the supplier for the newest file and a signed manifest; the supplier makes the manifest with "
    "`hearth governance announce`.",
)
def file_matches_its_manifest(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse an older sequence number, a different file under the same number, and an invalid signature.

    In production every file needs a manifest signed by a supplier of its controller. A digest or row
    count that differs from the manifest stops ingest before this rule.
    """
    tables = supplied_tables(evidence)
    announced = {
        name: facts.within("manifest") for name, facts in tables.items() if not facts.is_null("manifest")
    }
    without = sorted(set(tables) - set(announced))
    unsigned = [name for name, manifest in announced.items() if manifest.is_null("signature")]
    forged = [
        name
        for name, manifest in announced.items()
        if name not in unsigned
        and _extract_signed_by(name, tables[name], manifest, evidence.part, agreement) is None
    ]
    accepted, replayed, replaced = _sequences(tables, announced, evidence.remembered)
    observed = (
        f"{counted(len(tables), 'file')}, {len(announced)} with a manifest, "
        f"{len(announced) - len(unsigned)} with a signed one, {len(replayed)} older than the last accepted"
    )
    threshold = "no file older than the last accepted, valid signatures; in production a signed manifest each"
    production = not people_are_invented(evidence.run)
    for code, names, problem in (
        ("FILE_REPLAYED", replayed, "the file is older than the last accepted one"),
        ("FILE_REPLACED", replaced, "a different file has the same sequence number"),
        ("MANIFEST_SIGNATURE_FALSE", forged, f"no supplier of {evidence.part} signed the manifest"),
        ("MANIFEST_MISSING", without if production else [], "the manifest is missing"),
        ("MANIFEST_UNSIGNED", unsigned if production else [], "the manifest is not signed"),
    ):
        if names:
            return failed(code, observed, threshold, f"{problem}: {', '.join(names)}")
    return passed(observed, threshold, remember=accepted)


def _extract_signed_by(
    table: str, facts: Shown, manifest: Shown, controller: str, agreement: Agreement
) -> Principal | None:
    content = extract_statement(
        table,
        facts.text("file_sha256"),
        facts.count("rows_in"),
        manifest.optional_count("sequence"),
        manifest.optional_text("supplied"),
    )
    signature = manifest.text("signature")
    return extract_signed_by(agreement, controller, content, manifest.optional_text("signed_by"), signature)


def _sequences(
    tables: Mapping[str, Shown], announced: Mapping[str, Shown], before: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return what to remember for each table, the tables with an older number, those with another file."""
    accepted: dict[str, Any] = {}
    replayed, replaced = [], []
    for name, facts in tables.items():
        digest, earlier = facts.text("file_sha256"), before.get(name, {})
        sequence = announced[name].optional_count("sequence") if name in announced else None
        if sequence is None:
            accepted |= {name: earlier} if earlier else {}
            continue
        accepted[name] = {"sequence": sequence, "sha256": digest}
        if sequence < earlier.get("sequence", 0):
            replayed.append(name)
        elif sequence == earlier.get("sequence") and digest != earlier.get("sha256"):
            replaced.append(name)
    return accepted, replayed, replaced
