"""The ingest stage: one controller's extracts, checked and typed, in the clear zone."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from governance.artefact import Artefact, Evidence
from governance.errors import Fault
from governance.retention.rights import read_requests
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.exhaustion import exhaustion_fault
from pipeline.engine.tables import write_table
from pipeline.ingest.inspection import InspectedExtract, contracts_of
from pipeline.ingest.rights import PERSON_TABLES, PeopleToRemove, requests_digest
from pipeline.ingest.table import ingest_table
from pipeline.leakage.canary import canary_of
from schemas.code_list import load_code_list, packaged_areas
from schemas.contract import load_contract

STAGE = "ingest"


def fingerprint_settings(
    controller: str, extracts: tuple[InspectedExtract, ...], clear_zone: Path
) -> dict[str, Any]:
    """Return what the ingested tables follow from: contracts, code lists, settings, file digests.

    People's requests to be erased or left out are among it: a new one makes the tables anew.
    """
    lists = {
        column.code_list
        for contract in contracts_of(controller)
        for column in contract.columns
        if column.code_list
    }
    return {
        "requests": requests_digest(read_requests(clear_zone, controller)),
        "contracts": {contract.table: contract.digest for contract in contracts_of(controller)},
        "code_lists": {name: load_code_list(name).digest for name in sorted(lists)},
        "extracts": {extract.contract.table: _settings(extract) for extract in extracts},
    }


def ingest(
    controller: str, extracts: tuple[InspectedExtract, ...], fingerprint: str, context: RunContext
) -> tuple[Artefact, Evidence]:
    """Read a controller's extracts into typed tables; what breaks the contract goes to quarantine.

    Writes `<table>.parquet` (columns of the contract and `line_number`, ordered by it; after the extract's
    rows those of a canary, which have no line number and are in no count: `pipeline/leakage/canary.py`) and
    `quarantine/<table>.parquet` (line_number, column_name, reason, columns, cells).

    Facts: `controller`; `requests_applied`, commitments of the erasures and objections in effect, and
    `rows_removed_on_request`, their rows in all tables (RET-04); `tables`, for each table
    - rows_in, rows_kept, rows_quarantined, rows_removed (the first is the sum of the others, or the run
      is refused), quarantined_by_reason;
    - filled: column -> kept cells with a value; invalid: column -> reason -> kept rows whose cell
      became NULL; repaired: column -> how -> kept cells;
    - validity: column (UPRN and NHS number) -> stated, valid, invalid_share of those stated;
    - rounding_suspected: UPRN column -> valid UPRNs that a spreadsheet seems to have rounded;
    - identifier_patterns: column -> pattern -> cells, of columns that are no identifiers (ING-06);
    - file_sha256, file_bytes, manifest (sequence, supplied, signed_by, signature; None without one);
    - columns_read, columns_absent, columns_ignored (how many), header_case_differences (columns);
    - source: "extract", or "packaged" for an area lookup that was not supplied.

    extracts: those that `inspect_extracts` let pass. Raises Refused where rows cannot be accounted for.
    """
    clear_zone = context.workspace.zone("clear")
    zone = clear_zone / controller
    requests = read_requests(clear_zone, controller)
    canary = canary_of(controller, fingerprint)

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        rows: dict[str, int | None] = {}
        tables: dict[str, Any] = {}
        people = PeopleToRemove.of(requests)
        for extract in sorted(extracts, key=lambda extract: extract.contract.table not in PERSON_TABLES):
            table = extract.contract.table
            try:
                with locked_connection(context.project.engine, context.spill) as connection:
                    result = ingest_table(connection, extract, folder, canary, people)
            except (duckdb.Error, pa.ArrowException) as error:
                raise exhaustion_fault(error, f"ingest of {table}") or Fault(
                    "INGEST_ENGINE",
                    f"{table}: the engine stopped ({type(error).__name__}); its message may hold cells.",
                    "Run again; if it stops again, report it as a defect.",
                ) from None
            rows |= result.rows
            tables[table] = {"source": "extract", **result.facts}
            context.report(
                f"{table}: {result.facts['rows_kept']:,} rows kept, "
                f"{result.facts['rows_quarantined']:,} quarantined"
            )
            for column, count in result.facts["rounding_suspected"].items():
                if count:
                    context.report(f"{table}: {count:,} values of {column} look rounded by a spreadsheet")
        if controller == load_contract("extract", "area_lookup").controller and "area_lookup" not in tables:
            kept = _write_packaged_areas(folder / "area_lookup.parquet")
            rows["area_lookup.parquet"] = kept
            tables["area_lookup"] = {
                "source": "packaged",
                "rows_in": kept,
                "rows_kept": kept,
                "rows_quarantined": 0,
                "rows_removed": 0,
            }
        facts = {
            "controller": controller,
            "tables": tables,
            "requests_applied": sorted(request.commitment for request in requests),
            "rows_removed_on_request": sum(table["rows_removed"] for table in tables.values()),
        }
        return rows, Evidence(STAGE, controller, facts)

    return write_artefact(zone, STAGE, controller, fingerprint, fill)


def _settings(extract: InspectedExtract) -> dict[str, Any]:
    return {
        "sha256": extract.sha256,
        "places": extract.columns.places,
        "encoding": extract.settings.encoding,
        "delimiter": extract.settings.delimiter,
        "date_formats": list(extract.settings.date_formats),
    }


def _write_packaged_areas(path: Path) -> int:
    areas = packaged_areas()
    table = pa.table(
        {
            "lsoa21": [area.lsoa21 for area in areas],
            "msoa21": [area.msoa21 for area in areas],
            "local_authority": [area.local_authority for area in areas],
            "imd_decile": pa.array([area.imd_decile for area in areas], pa.int64()),
            "aqma": pa.nulls(len(areas), pa.bool_()),
            "line_number": pa.array(range(2, len(areas) + 2), pa.int64()),
        }
    )
    return write_table(table.to_reader(), path)
