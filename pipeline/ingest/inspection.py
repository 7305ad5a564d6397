"""Inspects every extract before any is loaded, so that one refusal lists all faults of all files.

Rules ING-01 (manifest), ING-02 (the file itself) and ING-03 (its columns). The digests found here are part
of the stage's fingerprint. Ingest reads each file a second time and refuses one that has changed.

In single-operator custody valid NHS numbers are counted as well, see `invented.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from governance.counted import counted
from governance.errors import Finding, Refused
from pipeline.ingest.converting.date_cast import DateTerms
from pipeline.ingest.counting.nhs_number_range import NhsNumberCount, count_nhs_numbers
from pipeline.ingest.header import ColumnMap, map_columns
from pipeline.ingest.manifest import Manifest, read_manifest
from pipeline.ingest.readers.delimited_reader import DelimitedReader
from pipeline.ingest.readers.parquet_reader import TYPED_DATE_FORMAT, ParquetReader
from pipeline.ingest.readers.rows import TableReader
from pipeline.ingest.readers.supplied_file import (
    FileRefused,
    SuppliedFile,
    check_path,
    is_parquet,
    open_supplied,
)
from pipeline.ingest.readers.text_block import TextBlocks
from pipeline.printable import shown
from pipeline.project import ExtractSettings, Project
from schemas.contract import Contract, contracts

_REMEDY = "Correct hearth.toml, or ask the supplier for corrected files. Then repeat the command."


@dataclass(frozen=True)
class InspectedExtract:
    """A file that passed the inspection.

    sha256, bytes: of the file as supplied. rows: counted, including those that could not be parsed.
    nhs_numbers: counted in single-operator custody; None elsewhere, and for a table without NHS numbers.
    reference_date: of the project; it decides which dates are plausible.
    """

    settings: ExtractSettings
    contract: Contract
    columns: ColumnMap
    sha256: str
    bytes: int
    rows: int
    manifest: Manifest | None
    reference_date: date
    nhs_numbers: NhsNumberCount | None = None

    @property
    def dates(self) -> DateTerms:
        """How dates are read: in the formats declared, and for Parquet also in that of typed dates."""
        formats = self.settings.date_formats
        if is_parquet(self.settings.path) and TYPED_DATE_FORMAT not in formats:
            formats = (*formats, TYPED_DATE_FORMAT)
        return DateTerms(formats, self.reference_date, self.settings.default_values)


def contracts_of(controller: str) -> tuple[Contract, ...]:
    """Return the contracts of the extracts that a controller supplies, ordered by table."""
    return tuple(contract for contract in contracts("extract") if contract.controller == controller)


def inspect_extracts(
    controllers: tuple[str, ...], project: Project
) -> dict[str, tuple[InspectedExtract, ...]]:
    """Inspect every extract of the controllers. Returns controller -> its extracts, ordered by table.

    Raises Refused with every fault of every file; its code is the first rule that was broken.
    """
    inspected, findings = inspect_each(controllers, project)
    _refuse_if_any(findings)
    return inspected


def inspect_each(
    controllers: tuple[str, ...], project: Project
) -> tuple[dict[str, tuple[InspectedExtract, ...]], tuple[Finding, ...]]:
    """Inspect every extract; return those that passed, by controller, and every fault of the others."""
    inspected: dict[str, tuple[InspectedExtract, ...]] = {}
    findings: list[Finding] = []
    for controller in controllers:
        inspected[controller], faults = _inspect_controller(controller, project)
        findings += faults
    return inspected, tuple(dict.fromkeys(findings))


def _refuse_if_any(findings: tuple[Finding, ...]) -> None:
    if findings:
        files = len({finding.where for finding in findings})
        raise Refused(
            min(finding.code for finding in findings),
            f"No data was loaded, because inspection found {counted(len(findings), 'fault')} in "
            f"{counted(files, 'extract')}.",
            _REMEDY,
            findings,
        )


def _inspect_controller(
    controller: str, project: Project
) -> tuple[tuple[InspectedExtract, ...], tuple[Finding, ...]]:
    """Return the extracts of a controller that passed, and every fault of the others."""
    inspected: list[InspectedExtract] = []
    findings: list[Finding] = []
    tables = {contract.table for contract in contracts("extract")}
    findings += [
        Finding(
            "ING-03",
            shown(table),
            "hearth.toml lists this extract, but there is no contract for such a table",
        )
        for table in sorted(set(project.extracts) - tables)
    ]
    for contract in contracts_of(controller):
        settings = project.extracts.get(contract.table)
        if settings is None:
            if not contract.is_optional:
                what = f"hearth.toml has no [extracts.{contract.table}], and this extract is required"
                findings.append(Finding("ING-03", contract.table, what))
            continue
        extract, faults = _inspect(contract, settings, project)
        findings += faults
        if extract is not None and not faults:
            inspected.append(extract)
    return tuple(inspected), tuple(findings)


@contextmanager
def open_table(settings: ExtractSettings) -> Iterator[tuple[SuppliedFile, TableReader]]:
    """Open an extract with the reader for its file name; yields the file and the reader.

    The file computes its SHA-256 from the bytes that the reader reads; `file.finish()` returns it.
    Raises FileRefused if the file cannot be opened or has no readable header.
    """
    with open_supplied(settings.path) as (file, content):
        if is_parquet(settings.path):
            with file.again() as source:
                yield file, ParquetReader(source, settings.time_zone)
        else:
            blocks = iter(TextBlocks(content, settings.encoding, settings.undefined_bytes))
            order = None if settings.header else settings.column_order
            yield file, DelimitedReader(blocks, settings.delimiter, order)


def _inspect(
    contract: Contract, settings: ExtractSettings, project: Project
) -> tuple[InspectedExtract | None, list[Finding]]:
    where = contract.table
    findings: list[Finding] = []
    manifest = None
    if not settings.date_formats:
        findings.append(Finding("ING-03", where, "the list date_formats in hearth.toml is empty"))
    try:
        manifest = read_manifest(settings, project.folder)
    except FileRefused as refusal:
        findings.append(Finding(refusal.code, where, refusal.what))
    try:
        check_path(settings.path, project.folder)
        with open_table(settings) as (file, reader):
            columns, faults = map_columns(reader.header, contract, settings)
            findings += faults if reader.header else ()
            rows, nhs_numbers = 0, _first_count(contract, columns, project)
            wanted = [0] if nhs_numbers is None else _nhs_number_places(contract, columns)
            for batch in reader.rows(wanted) if reader.header else ():
                rows += len(batch.lines) + len(batch.broken)
                if nhs_numbers is not None:
                    for cells in batch.columns:
                        nhs_numbers += count_nhs_numbers(cells)
            sha256 = file.finish()
            size = file.bytes_read
    except FileRefused as refusal:
        return None, [*findings, Finding(refusal.code, where, refusal.what)]
    if rows == 0:
        findings.append(Finding("ING-02", where, "is empty: it has no rows of data", 0))
    if manifest is not None and manifest.sha256 != sha256:
        what = "has a different SHA-256 from its manifest, so it is not the file that was announced"
        findings.append(Finding("ING-01", where, what))
    if manifest is not None and manifest.rows != rows:
        what = f"has {counted(rows, 'row')}, but {manifest.rows:,} according to its manifest"
        findings.append(Finding("ING-01", where, what))
    extract = InspectedExtract(
        settings, contract, columns, sha256, size, rows, manifest, project.reference_date, nhs_numbers
    )
    return extract, findings


def _nhs_number_places(contract: Contract, columns: ColumnMap) -> list[int]:
    return [
        columns.positions[column.name]
        for column in contract.columns
        if column.form == "nhs_number" and column.name in columns.positions
    ]


def _first_count(contract: Contract, columns: ColumnMap, project: Project) -> NhsNumberCount | None:
    """Return a count of nothing yet where NHS numbers are to be counted, else None."""
    counts = project.custody == "single-operator" and _nhs_number_places(contract, columns)
    return NhsNumberCount() if counts else None
