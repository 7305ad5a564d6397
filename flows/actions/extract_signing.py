"""`hearth governance announce`: a supplier's signed manifest, written next to the extract."""

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
    """Write the signed manifest of an extract. Returns its path, the number of rows, and who signed.

    Raises Refused if the key does not belong to a supplier of the table's controller, and Fault if the
    extract cannot be read.
    """
    project = read_project(config)
    agreement = read_agreement(project.agreement)
    settings, terms = project.extracts.get(table), agreement.dataset_terms.get(table)
    if settings is None or terms is None:
        raise Fault(
            "EXTRACT_UNKNOWN",
            f"An extract {table} is missing in hearth.toml or in the agreement, so there is nothing to sign.",
            f"Use one of: {', '.join(sorted(set(project.extracts) & set(agreement.dataset_terms)))}.",
        )
    principal, key = key_of_principal(agreement, None, ACTION, key_path)
    if not any(item.id == principal and item.party == terms.controller for item in agreement.principals):
        raise Refused(
            "NOT_PERMITTED",
            f"{principal} is not a supplier of {terms.controller}, which supplies {table}.",
            f"Have a supplier of {terms.controller} run this command with --key and their own key.",
        )
    day = (supplied or datetime.now(UTC).date()).isoformat()
    try:
        with open_table(settings) as (file, reader):
            rows = sum(len(batch.lines) + len(batch.broken) for batch in reader.rows([0]))
            sha256 = file.finish()
    except FileRefused as refusal:
        raise Fault(
            "EXTRACT_UNREADABLE",
            f"{table} {refusal.what}, so no manifest was written.",
            "Export the extract again, then repeat `hearth governance announce`.",
        ) from None
    content = extract_statement(table, sha256, rows, sequence, day)
    manifest = {name: content[name] for name in ("sha256", "rows", "sequence", "supplied")}
    manifest |= {"signed_by": principal, "signature": sign_extract_statement(content, key)}
    path = settings.manifest or settings.path.with_name(settings.path.name + ".manifest.json")
    path.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    return path, rows, principal
