"""Looking at every extract before any is read: all faults of all files in one refusal.

Rules ING-01 (manifest), ING-02 (the file itself) and ING-03 (its columns). The digests found
here enter the stage's fingerprint; ingest reads each file again and refuses one that changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from governance.errors import Finding, Refused
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
from pipeline.project import ExtractSettings, Project
from schemas.contract import Contract, contracts

_REMEDY = "Ask the supplier to mend or send the files again, or correct hearth.toml; nothing was read in."


@dataclass(frozen=True)
class InspectedExtract:
    """A file that may be read. sha256 and bytes are those of the file as supplied; rows as counted."""

    settings: ExtractSettings
    contract: Contract
    columns: ColumnMap
    sha256: str
    bytes: int
    rows: int
    manifest: Manifest | None

    @property
    def date_formats(self) -> tuple[str, ...]:
        """The formats in which dates are understood: those declared, and that in which typed dates come."""
        if is_parquet(self.settings.path) and TYPED_DATE_FORMAT not in self.settings.date_formats:
            return (*self.settings.date_formats, TYPED_DATE_FORMAT)
        return self.settings.date_formats


def contracts_of(controller: str) -> tuple[Contract, ...]:
    """Return the contracts of the extracts that a controller supplies, ordered by table."""
    return tuple(contract for contract in contracts("extract") if contract.controller == controller)


def inspect_extracts(
    controllers: tuple[str, ...], project: Project
) -> dict[str, tuple[InspectedExtract, ...]]:
    """Inspect every extract of the controllers, and return what each supplied.

    Raises Refused with every fault of every file.
    """
    inspected: dict[str, tuple[InspectedExtract, ...]] = {}
    findings: list[Finding] = []
    for controller in controllers:
        inspected[controller], faults = find_faults(controller, project)
        findings += faults
    refuse_if_any(tuple(dict.fromkeys(findings)))
    return inspected


def refuse_if_any(findings: tuple[Finding, ...]) -> None:
    """Raise Refused, coded by the first rule that was broken, when there are findings."""
    if findings:
        files = len({finding.where for finding in findings})
        raise Refused(
            min(finding.code for finding in findings),
            f"{len(findings)} faults in {files} extracts.",
            _REMEDY,
            findings,
        )


def find_faults(
    controller: str, project: Project
) -> tuple[tuple[InspectedExtract, ...], tuple[Finding, ...]]:
    """Return the extracts of a controller that may be read, and every fault of the others."""
    inspected: list[InspectedExtract] = []
    findings: list[Finding] = []
    tables = {contract.table for contract in contracts("extract")}
    findings += [
        Finding("ING-03", table, "hearth.toml names an extract that no contract knows")
        for table in sorted(set(project.extracts) - tables)
    ]
    for contract in contracts_of(controller):
        settings = project.extracts.get(contract.table)
        if settings is None:
            if not contract.is_optional:
                findings.append(Finding("ING-03", contract.table, "hearth.toml names no file for this table"))
            continue
        extract, faults = _inspect(contract, settings, project)
        findings += faults
        if extract is not None and not faults:
            inspected.append(extract)
    return tuple(inspected), tuple(findings)


@contextmanager
def open_table(settings: ExtractSettings) -> Iterator[tuple[SuppliedFile, TableReader]]:
    """Lend the reader that a file's name calls for, and the file whose digest it moves on."""
    with open_supplied(settings.path) as (file, content):
        if is_parquet(settings.path):
            with file.again() as source:
                yield file, ParquetReader(source)
        else:
            blocks = iter(TextBlocks(content, settings.encoding))
            yield file, DelimitedReader(blocks, settings.delimiter)


def _inspect(
    contract: Contract, settings: ExtractSettings, project: Project
) -> tuple[InspectedExtract | None, list[Finding]]:
    where = contract.table
    findings: list[Finding] = []
    manifest = None
    if not settings.date_formats:
        findings.append(Finding("ING-03", where, "hearth.toml declares an empty list of date formats"))
    try:
        manifest = read_manifest(settings, project.folder)
    except FileRefused as refusal:
        findings.append(Finding(refusal.code, where, refusal.what))
    try:
        check_path(settings.path, project.folder)
        with open_table(settings) as (file, reader):
            columns, faults = map_columns(reader.header, contract, settings)
            findings += faults if reader.header else ()
            rows = (
                sum(len(batch.lines) + len(batch.broken) for batch in reader.rows([0]))
                if reader.header
                else 0
            )
            sha256 = file.finish()
            size = file.bytes_read
    except FileRefused as refusal:
        return None, [*findings, Finding(refusal.code, where, refusal.what)]
    if rows == 0:
        findings.append(Finding("ING-02", where, "is empty: it has no row of data", 0))
    if manifest is not None and manifest.sha256 != sha256:
        findings.append(Finding("ING-01", where, "has another SHA-256 than its manifest says"))
    if manifest is not None and manifest.rows != rows:
        findings.append(Finding("ING-01", where, f"has {rows} rows and its manifest says {manifest.rows}"))
    return InspectedExtract(settings, contract, columns, sha256, size, rows, manifest), findings
