"""Delivery: each file is the one that its supplier announced, signed and numbered.

Facts: see `pipeline/ingest/stage.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Principal
from governance.principals.extract_signature import extract_signed_by, extract_statement
from governance.rules.ingest import supplied_tables
from governance.rules.registry import Shown, Verdict, failed, passed, rule


@rule(
    id="ING-01",
    version=2,
    title="Each file is the one its supplier announced and signed, and not an old one again",
    stage="ingest",
    source="Five Safes, safe data; field-notes.md, late, partial or replayed file",
    remedy="Ask the supplier for the newest file with its signed manifest (`hearth governance announce`).",
)
def file_is_the_announced_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a sequence number below an accepted one, another file under its number, a false signature.

    In production every file needs a manifest, signed by a supplier of its controller. Digest and rows
    unlike the manifest stop ingest itself.
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
        f"{len(tables)} files, {len(announced)} with manifest, {len(announced) - len(unsigned)} of these "
        f"signed, {len(replayed)} older than accepted"
    )
    threshold = (
        "sequence numbers that do not fall, signatures that hold; in production a signed manifest each"
    )
    production = evidence.run.flag("production")
    for code, names, told in (
        ("FILE_REPLAYED", replayed, "older than accepted"),
        ("FILE_REPLACED", replaced, "another file under its number"),
        ("MANIFEST_SIGNATURE_FALSE", forged, f"no supplier of {evidence.part} signed this manifest"),
        ("MANIFEST_MISSING", without if production else [], "no manifest for"),
        ("MANIFEST_UNSIGNED", unsigned if production else [], "nobody signed the manifest of"),
    ):
        if names:
            return failed(code, observed, threshold, f"{told}: {', '.join(names)}")
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
    """Return what to remember of each table, the tables whose number fell, those with another file."""
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
