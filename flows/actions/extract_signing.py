"""`hearth governance announce`: what a supplier says of an extract, signed, beside the file."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

from governance.agreement.agreement import read_agreement
from governance.errors import Fault, Refused
from governance.principals.extract_signature import ACTION, extract_statement, sign_extract_statement
from governance.principals.signing_key import key_of_principal
from pipeline.ingest.inspection import open_table
from pipeline.ingest.readers.supplied_file import FileRefused
from pipeline.project import read_project


def sign_extract(
    config: Path, table: str, sequence: int, supplied: date | None, key_path: Path
) -> tuple[Path, int, str]:
    """Write the signed manifest of an extract; returns its path, the rows, and who signed.

    Raises Refused where the key is not that of a supplier of the table's controller, Fault where the
    extract cannot be read.
    """
    project = read_project(config)
    agreement = read_agreement(project.agreement)
    settings, terms = project.extracts.get(table), agreement.dataset_terms.get(table)
    if settings is None or terms is None:
        raise Fault(
            "EXTRACT_UNKNOWN",
            f"hearth.toml and the agreement do not both name an extract {table}.",
            f"Name one of {', '.join(sorted(set(project.extracts) & set(agreement.dataset_terms)))}.",
        )
    principal, key = key_of_principal(agreement, None, ACTION, key_path)
    if not any(item.id == principal and item.party == terms.controller for item in agreement.principals):
        raise Refused(
            "NOT_PERMITTED",
            f"{principal} supplies nothing for {terms.controller}, whose table {table} is.",
            "Ask that controller's supplier.",
        )
    day = (supplied or datetime.now(UTC).date()).isoformat()
    try:
        with open_table(settings) as (file, reader):
            rows = sum(len(batch.lines) + len(batch.broken) for batch in reader.rows([0]))
            sha256 = file.finish()
    except FileRefused as refusal:
        raise Fault("EXTRACT_UNREADABLE", f"{table} {refusal.what}.", "Export it again.") from None
    content = extract_statement(table, sha256, rows, sequence, day)
    manifest = {name: content[name] for name in ("sha256", "rows", "sequence", "supplied")}
    manifest |= {"signed_by": principal, "signature": sign_extract_statement(content, key)}
    path = settings.manifest or settings.path.with_name(settings.path.name + ".manifest.json")
    path.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    return path, rows, principal
