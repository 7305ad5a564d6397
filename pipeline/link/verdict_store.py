"""The verdicts on record: one table in the linkage zone, named by the signed log.

Each import of a review writes all verdicts anew, and the log has the digest of their artefact. So a table
that was edited, or replaced by an older copy, is refused. Verdicts are disposed of with the links of their
age; then none is applied.
"""

from pathlib import Path

import pyarrow as pa

from governance.artefact import Evidence
from governance.canonical import digest_of
from governance.errors import Fault
from governance.recorded_state import VERDICTS, RecordedState
from pipeline.artefact_store import find_artefact, write_artefact
from pipeline.engine.tables import BATCH_ROWS, read_columns, write_table
from pipeline.link.verdicts import VERDICT, Verdicts
from pipeline.workspace import Workspace
from schemas.storage.artefact_record import DISPOSED, artefact_folder

_STAGE, _PART, _TABLE = "verdict", "all", "verdict.parquet"


def read_verdicts(workspace: Workspace, record: RecordedState) -> Verdicts:
    """Return the verdicts that the log names; none where it names none, or they were disposed of.

    Raises Fault if the table is missing or is not the one that the log names.
    """
    last = record.last(VERDICTS)
    if not last:
        return Verdicts()
    zone, fingerprint = workspace.zone("linkage"), str(last["fingerprint"])
    folder = artefact_folder(zone, _STAGE, _PART, fingerprint)
    if (folder / DISPOSED).is_file():
        return Verdicts()
    found = find_artefact(zone, _STAGE, _PART, fingerprint)
    if found is None or found[0].digest != last["artefact"]:
        raise Fault(
            "VERDICTS_CHANGED",
            "The verdicts of reviewers are not those that the audit log names, so nothing was linked.",
            f"Restore the folder {folder.name} of the linkage zone from a copy, or import the review again.",
        )
    rows = pa.table(read_columns(found[0].path("verdict"), VERDICT.names), schema=VERDICT)
    return Verdicts(rows, found[0].digest, last["kappa"])


def write_verdicts(
    workspace: Workspace, record: RecordedState, rows: pa.Table, kappa: float | None
) -> Verdicts:
    """Add verdicts to those on record, and put the new table on record; returns it.

    rows: see VERDICT. A verdict replaces an earlier one with the same id. kappa: agreement of this review.
    """
    before = read_verdicts(workspace, record)
    new = set(rows["verdict_id"].to_pylist())
    kept = [row for row in before.rows.to_pylist() if row["verdict_id"] not in new]
    order = [(name, "ascending") for name in ("verdict_id", "nhs_record_pseudonym")]
    every = pa.concat_tables([pa.Table.from_pylist(kept, VERDICT), rows.cast(VERDICT)]).sort_by(order)
    known = [value for value in (before.kappa if kept else None, kappa) if value is not None]
    lowest = min(known, default=None)
    fingerprint = digest_of({"rows": every.to_pylist(), "kappa": None if lowest is None else f"{lowest:.6f}"})

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        reader = pa.RecordBatchReader.from_batches(VERDICT, every.to_batches(BATCH_ROWS))
        written = write_table(reader, folder / _TABLE)
        return {_TABLE: written}, Evidence(_STAGE, _PART, {"verdicts": len(every)})

    artefact, _ = write_artefact(workspace.zone("linkage"), _STAGE, _PART, fingerprint, fill)
    facts = {"fingerprint": fingerprint, "artefact": artefact.digest, "kappa": lowest, "rows": len(every)}
    record.record(VERDICTS, facts)
    return Verdicts(every, artefact.digest, lowest)
