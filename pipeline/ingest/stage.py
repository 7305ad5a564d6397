"""The ingest stage: checks one controller's extracts, converts them to types, writes the clear zone.

The contracts in `schemas/contracts` decide what is accepted.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from governance.artefact import Artefact, Evidence
from governance.counted import counted
from governance.errors import Fault
from governance.retention.rights import read_requests
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.exhaustion import exhaustion_fault
from pipeline.engine.tables import write_table
from pipeline.ingest.consistency.facts import consistency_facts
from pipeline.ingest.consistency.people import sentences_on_people
from pipeline.ingest.converting.repairs import DEFAULT_DATE
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
    """Return everything on which the ingested tables depend: contracts, code lists, settings, file digests.

    People's requests for erasure and their objections are part of it, so a new request makes the stage run
    again.
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
    """Read a controller's extracts into typed tables; rows that break the contract go to quarantine.

    Writes `<table>.parquet` and `quarantine/<table>.parquet` (line_number, column_name, reason, columns,
    cells). One row of `<table>.parquet` is one kept row of the extract: the columns of the contract and
    `line_number`, by which the rows are ordered. The rows of a canary follow; they have no line number and
    are not counted anywhere (see `pipeline/leakage/canary.py`).

    Facts: `controller`; `requests_applied`, commitments of the erasures and objections in effect;
    `rows_removed_on_request`, the rows removed for them in all tables (RET-04); and `tables`, for each table
    - rows_in, rows_kept, rows_quarantined, rows_removed (the first is the sum of the other three, otherwise
      the run is refused), quarantined_by_reason;
    - filled: column -> kept cells with a value; invalid: column -> reason -> kept rows whose cell
      became NULL; repaired: column -> how -> kept cells;
    - validity: column (UPRN and NHS number) -> stated (cells that are not empty), valid, invalid_share (0 to
      1, of those stated);
    - nhs_numbers: stated (valid NHS numbers of all rows), outside_test_range (how many do not begin with
      999), share_outside_test_range; None for a table without NHS numbers (ING-10);
    - cells: column -> rows, stated, invalid, missing, reasons, shapes, markers (ING-05); distribution:
      column -> filled, top, first_of_january, shares; wrong_order: column of ends -> both, wrong; period:
      seen_first, seen_last, declared_first, declared_last (ING-11);
      see `column_facts.py`;
    - newest_birth: people, born, after_reference (ING-13); None for a table without birth dates;
    - people: contradictions between NHS numbers and people that were settled (ING-14), see
      `consistency/people.py`; {} for other tables;
    - replacement_characters: column -> cells in which a letter was lost before the file was supplied;
    - rounding_suspected: UPRN column -> valid UPRNs that a spreadsheet seems to have rounded;
    - identifier_patterns: column -> pattern -> cells, for columns that are not identifiers (ING-06);
    - file_sha256, file_bytes, manifest (sequence, supplied, signed_by, signature; None without one);
    - columns_read, columns_absent, columns_ignored (a number), header_case_differences (columns);
    - source: "extract", or "packaged" if no area lookup was supplied and Hearth's own is used.

    `consistency`: areas (ING-12), properties and homes (ING-14), over all tables of the controller; see
    `consistency/facts.py`.

    extracts: from `inspect_extracts`. Raises Refused if the rows do not add up, and Fault if DuckDB stops or
    disk or memory run out.
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
                    f"{table} could not be ingested: the database engine stopped ({type(error).__name__}). "
                    "Its message is not shown, because it can quote cells.",
                    "Repeat the command. If the engine stops again, report it as a defect of Hearth.",
                ) from None
            rows |= result.rows
            tables[table] = {"source": "extract", **result.facts}
            context.report(
                f"{table}: {counted(result.facts['rows_kept'], 'row')} kept, "
                f"{result.facts['rows_quarantined']:,} quarantined"
            )
            for column, count in result.facts["rounding_suspected"].items():
                if count:
                    values = counted(count, f"value of {column} looks", f"values of {column} look")
                    context.report(f"{table}: {values} rounded by a spreadsheet")
            for sentence in (
                *_sentences_on_defaults(table, result.facts["repaired"]),
                *sentences_on_people(table, result.facts["people"]),
            ):
                context.report(sentence)
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
        with locked_connection(context.project.engine, context.spill) as connection:
            consistency = consistency_facts(connection, folder, context.project.reference_date)
        facts = {
            "controller": controller,
            "tables": tables,
            "consistency": consistency,
            "requests_applied": sorted(request.commitment for request in requests),
            "rows_removed_on_request": sum(table["rows_removed"] for table in tables.values()),
        }
        return rows, Evidence(STAGE, controller, facts)

    return write_artefact(zone, STAGE, controller, fingerprint, fill)


def _sentences_on_defaults(table: str, repaired: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return a sentence for each column in which default values were read as missing."""
    return [
        f"{table}: {counted(count, f'default value of {column} was', f'default values of {column} were')} "
        "read as missing"
        for column, repairs in repaired.items()
        if (count := repairs.get(DEFAULT_DATE, 0))
    ]


def _settings(extract: InspectedExtract) -> dict[str, Any]:
    return {
        "sha256": extract.sha256,
        "places": extract.columns.positions,
        "encoding": extract.settings.encoding,
        "delimiter": extract.settings.delimiter,
        "header": extract.settings.header,
        "date_formats": list(extract.settings.date_formats),
        "reference_date": extract.reference_date.isoformat(),
        "missing_markers": list(extract.settings.missing_markers),
        "undefined_bytes": extract.settings.undefined_bytes,
        "time_zone": extract.settings.time_zone,
        "covers": [day.isoformat() for day in extract.settings.covers or ()],
        "default_values": {name: list(v) for name, v in sorted(extract.settings.default_values.items())},
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
