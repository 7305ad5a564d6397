"""Assigns UPRNs to the records of one extract, and counts what happened to each record.

The result is a folder with a copy of the extract under its own name, `evidence.csv` (why each UPRN was
accepted), `unassigned.csv` (which records have no usable UPRN, and why) and `summary.json` (only counts). All
except the last contain data about people and dwellings, so they stay at the controller.

Reasons in `unassigned.csv`:

NO_ADDRESS       the record has no address
NO_CANDIDATE     no address in the list resembles the record's address
BELOW_THRESHOLD  the best candidate's match weight is below the minimum
CONTRADICTED     the best candidate has another unit, number, building or street
AMBIGUOUS        another candidate is about as good, another UPRN has the same address, or the list gives the
                 candidate's UPRN addresses of different dwellings
UNUSABLE_KEPT    its UPRN is invalid (`0`, exponent form, ...), and --overwrite does not allow replacing it
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv

from governance.counted import counted
from governance.errors import Fault
from pipeline.assign_uprn.address_list import ListTolerance, check_address_list
from pipeline.assign_uprn.columns import NamedColumns
from pipeline.assign_uprn.environment import MatcherEnvironment, open_environment
from pipeline.assign_uprn.extract_copy import UprnChange, write_copy
from pipeline.assign_uprn.loading import LoadedFile, load_addresses
from pipeline.assign_uprn.lookup import look_up
from pipeline.assign_uprn.parts import create_parts
from pipeline.assign_uprn.private_folder import private_folder
from pipeline.assign_uprn.statements import create_uprn_macros, run_statement
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.engine.tables import BATCH_ROWS
from pipeline.ingest.readers.supplied_file import is_parquet
from pipeline.printable import shown_file
from pipeline.project import ExtractSettings

#: Chosen on the sample project and confirmed on another population: docs/decisions/0020-uprn-assignment.md.
MINIMUM_MATCH_WEIGHT = 15.0
MINIMUM_DISTINGUISHABILITY = 5.0

EVIDENCE, UNASSIGNED, SUMMARY = "evidence.csv", "unassigned.csv", "summary.json"
#: Broken rows with these reasons were split into cells, so a UPRN cell can be added to them.
_SPLIT_REASONS = frozenset({"RAGGED_ROW", "NUL_BYTE", "CONTROL_CHARACTER"})


@dataclass(frozen=True)
class Thresholds:
    """The lowest scores with which a match is accepted. Exact rules of the matcher give no score.

    match_weight: for the best candidate, log2. distinguishability: its match weight minus that of the next.
    """

    match_weight: float = MINIMUM_MATCH_WEIGHT
    distinguishability: float = MINIMUM_DISTINGUISHABILITY


@dataclass(frozen=True)
class AssignmentRequest:
    """The files and options of one `hearth assign-uprn`.

    out: new folder for the results. overwrites: which UPRNs may be replaced, in addition to filling in
    missing ones: "unusable" (those that ingest would reject), "supplied" (those that the list contradicts).
    compares_supplied: also look up addresses that have a UPRN, to count how many the list contradicts.
    report: called with sentences about progress, with counts but never values.
    """

    extract: ExtractSettings
    columns: NamedColumns
    address_list: ExtractSettings
    list_columns: NamedColumns
    out: Path
    thresholds: Thresholds = field(default_factory=Thresholds)
    overwrites: tuple[str, ...] = ()
    compares_supplied: bool = True
    tolerance: ListTolerance = field(default_factory=ListTolerance)
    engine: EngineSettings = field(default_factory=lambda: EngineSettings(memory_limit="2GB"))
    report: Callable[[str], None] = field(default=lambda _: None, repr=False)


def assign_uprns(request: AssignmentRequest) -> dict[str, Any]:
    """Carry out the request and write the results; returns the content of `summary.json`.

    Raises Fault, and leaves nothing behind, if the matcher is not installed, a file cannot be used, or `out`
    already exists.
    """
    if request.out.exists():
        raise Fault(
            "WOULD_OVERWRITE",
            f"The folder {request.out.name} already exists, so nothing was done.",
            "Give a new folder with --out, or delete that folder first.",
        )
    if request.extract.path.name in (EVIDENCE, UNASSIGNED, SUMMARY):
        raise Fault(
            "ASSIGN_FILE_NAME",
            f"The extract has the same name as one of the results, {request.extract.path.name}. Nothing was "
            "done.",
            "Rename the extract, then repeat `hearth assign-uprn`.",
        )
    environment = open_environment()
    with private_folder(request.out) as folder:
        result, spill = folder / "result", folder / "spill"
        result.mkdir(mode=0o700)
        spill.mkdir(mode=0o700)
        with locked_connection(request.engine, spill) as connection:
            summary = _assign(connection, request, environment, folder, result)
        (result / SUMMARY).write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", "utf-8")
        try:
            os.rename(result, request.out)  # noqa: PTH104 Path.rename would replace an empty folder too
        except OSError as error:
            raise Fault(
                "OUT_NOT_WRITABLE",
                f"The results could not be moved to --out ({error.strerror}), so they were deleted.",
                "Give a new folder with --out, then repeat `hearth assign-uprn`.",
            ) from None
    return summary


def _assign(
    connection: duckdb.DuckDBPyConnection,
    request: AssignmentRequest,
    environment: MatcherEnvironment,
    folder: Path,
    result: Path,
) -> dict[str, Any]:
    create_uprn_macros(connection)
    listed = load_addresses(
        connection, "list_row", request.address_list, request.list_columns, "--list-", needs_uprn=True
    )
    list_counts = check_address_list(connection, listed, request.tolerance)
    addresses = counted(list_counts["addresses"], "address", "addresses")
    request.report(f"Address list: {addresses} of {counted(list_counts['uprns'], 'UPRN')}")
    extract = load_addresses(connection, "extract_row", request.extract, request.columns, "--")
    overwrites = list(request.overwrites)
    run_statement(
        connection,
        "address_to_match.sql",
        {"compares_supplied": request.compares_supplied, "overwrites": overwrites},
    )
    addresses = counted(_count(connection, "address_to_match"), "address", "addresses")
    request.report(f"To look up: {addresses} of {counted(extract.rows, 'record')}")
    look_up(connection, environment, request.engine, folder)
    create_parts(connection)
    run_statement(connection, "agreement.sql")
    run_statement(
        connection,
        "verdict.sql",
        {
            "minimum_match_weight": request.thresholds.match_weight,
            "minimum_distinguishability": request.thresholds.distinguishability,
        },
    )
    run_statement(connection, "outcome.sql", {"overwrites": overwrites})
    source = f"uk-address-matcher {environment.version}"
    _write_tables(connection, result, source)
    counts = _counts(connection, extract)
    sha256 = write_copy(extract.settings, _change(connection, extract), result / extract.settings.path.name)
    if sha256 != extract.sha256:
        raise Fault(
            "ASSIGN_FILE_CHANGED",
            f"{shown_file(extract.settings.path)} changed while it was read, so no UPRNs were assigned.",
            "Wait until the supplier has finished writing the file, then repeat `hearth assign-uprn`.",
        )
    return {
        "extract": {"file": shown_file(extract.settings.path), "sha256": extract.sha256, **counts},
        "address_list": list_counts,
        "source": source,
        "thresholds": asdict(request.thresholds),
        "overwrites": overwrites,
    }


def _counts(connection: duckdb.DuckDBPyConnection, extract: LoadedFile) -> dict[str, Any]:
    """Count records by supplied UPRN, outcome and reason; raises Fault if the sums differ."""

    def by(column: str, condition: str) -> dict[str, int]:
        rows = connection.execute(
            f"SELECT {column}, COUNT(*) FROM outcome WHERE {condition} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return {str(value): int(count) for value, count in rows}

    by_uprn, by_outcome = by("state", "true"), by("outcome", "true")
    if {sum(by_uprn.values()), sum(by_outcome.values())} != {extract.rows}:
        raise Fault(
            "ASSIGN_UNACCOUNTED",
            f"The records do not add up, so no UPRNs were assigned. Read: {extract.rows:,}; with an outcome: "
            f"{sum(by_outcome.values()):,}.",
            "Report this as a defect of Hearth.",
        )
    return {
        "rows": extract.rows + len(extract.broken),
        "broken_rows": len(extract.broken),
        "records": extract.rows,
        "by_uprn": by_uprn,
        "by_outcome": by_outcome,
        "assigned_by_match_reason": by("match_reason", "outcome IN ('assigned', 'replaced')"),
        "not_assigned_by_reason": by("reason", "outcome = 'not_assigned'"),
    }


def _change(connection: duckdb.DuckDBPyConnection, extract: LoadedFile) -> UprnChange:
    written = connection.execute(
        "SELECT line_number, candidate_uprn FROM outcome WHERE outcome IN ('assigned', 'replaced')"
    ).fetchall()
    supplied: dict[int, str | None] = {}
    if extract.columns.uprn is None or is_parquet(extract.settings.path):
        supplied = dict.fromkeys(row.line for row in extract.broken if row.reason in _SPLIT_REASONS)
        supplied |= connection.execute("SELECT line_number, uprn FROM extract_row").fetchall()
    return UprnChange(extract.columns.uprn, dict(written), supplied)


def _write_tables(connection: duckdb.DuckDBPyConnection, result: Path, source: str) -> None:
    """Write `evidence.csv` and `unassigned.csv`, in the order of the extract."""
    for statement, name in (("evidence.sql", EVIDENCE), ("unassigned.sql", UNASSIGNED)):
        run_statement(connection, statement, {"source": source} if name == EVIDENCE else None)
        table = statement.removesuffix(".sql")
        reader = connection.sql(f"SELECT * FROM {table} ORDER BY line_number").to_arrow_reader(BATCH_ROWS)
        with pyarrow.csv.CSVWriter(result / name, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchall()[0][0])
