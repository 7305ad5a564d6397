"""Which of the supplier's columns is which column of the contract (rule ING-03).

Names must be equal after surrounding blanks are removed. A name that differs only in case is accepted and
counted, because export settings change the case and the name is still unambiguous.

A header without any declared column is taken for a row of data. Messages then have no name from it, and
otherwise only names that look like names of columns (see `pipeline/printable.py`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from governance.counted import counted
from governance.errors import Finding
from pipeline.printable import resembles, shown, shown_in_quotes
from pipeline.project import ExtractSettings
from schemas.contract import Contract

#: Characters that may separate the cells of a file that is not delimited as declared, in words.
_DELIMITER_NAMES = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
    "^": "circumflexes",
    "~": "tildes",
    "¦": "broken bars",
    "¬": "not signs",
}

#: Added by ingest, so suppliers need not send it.
LINE_NUMBER = "line_number"


@dataclass(frozen=True)
class ColumnMap:
    """How the columns of a header correspond to those of the contract.

    positions: contract column -> position in the header, from 0. absent: optional contract columns that are
    not supplied. ignored: supplier's columns that are not read, because hearth.toml lists them under ignore.
    case_differences: contract columns accepted although the name in the header differs in case.
    """

    positions: dict[str, int]
    absent: tuple[str, ...]
    ignored: tuple[str, ...]
    case_differences: tuple[str, ...]


def map_columns(
    header: Sequence[str], contract: Contract, settings: ExtractSettings
) -> tuple[ColumnMap, tuple[Finding, ...]]:
    """Match a header with the contract. Returns the map and every fault found.

    The map is only usable if there are no faults.
    """
    where = settings.table
    names = [name.strip() for name in header]
    faults: list[Finding] = []

    def fault(what: str, count: int = 1) -> None:
        faults.append(Finding("ING-03", where, what, count))

    other = next((mark for mark in _DELIMITER_NAMES if len(names) == 1 and mark in names[0]), None)
    if other is not None:
        fault(
            f"the header was read as one column, and it contains {_DELIMITER_NAMES[other]}: "
            + _delimiter_remedy(other, where)
        )
        return ColumnMap({}, (), (), ()), tuple(faults)
    declared = [name for name in contract.names if name != LINE_NUMBER]
    found = sum(_position(names, settings.columns.get(name, name)) is not None for name in declared)
    if not found and names:
        fault(
            f"the first line does not look like a header (0 of {len(declared)} declared columns found). Add "
            "the header line, or declare `header = false` with the columns in order"
            if settings.header
            else f"none of the columns listed in hearth.toml is one of the {len(declared)} columns of this "
            "table's contract. List the columns in the order of the file"
        )
        return ColumnMap({}, (), (), ()), tuple(faults)
    blank = sum(not name for name in names)
    if blank:
        fault(counted(blank, "column of the header has no name", "columns of the header have no name"), blank)
    for name, times in sorted(Counter(filter(None, names)).items()):
        if times > 1:
            places = ", ".join(str(place) for place, other in enumerate(names, 1) if other == name)
            fault(
                f"the column {shown_in_quotes(name)} appears {times} times in the header (columns {places})",
                times,
            )
    for name in sorted(set(settings.columns) - set(contract.names) | {LINE_NUMBER} & set(settings.columns)):
        fault(f"hearth.toml maps {shown(name, declared)}, which is not a column of this table's contract")
    positions: dict[str, int] = {}
    absent: list[str] = []
    case_differences: list[str] = []
    for column in contract.columns:
        if column.name == LINE_NUMBER:
            continue
        supplied = settings.columns.get(column.name, column.name)
        position = _position(names, supplied)
        if position is not None:
            positions[column.name] = position
            if names[position] != supplied:
                case_differences.append(column.name)
        elif column.required or column.name in settings.columns:
            mapped = f", which hearth.toml maps to {column.name}," if column.name in settings.columns else ""
            fault(f"the column {shown(supplied)}{mapped} is missing")
        else:
            absent.append(column.name)
    to_ignore = {name.casefold() for name in settings.ignore}
    read = {names[position] for position in positions.values()}
    ignored = [name for name in names if name.casefold() in to_ignore]
    for name in sorted(read & set(ignored)):
        place = f"column {names.index(name) + 1} {shown_in_quotes(name)}"
        fault(f"{place} is both mapped under columns and listed under ignore")
    for name in dict.fromkeys(filter(None, names)):
        if name not in read and name not in ignored:
            fault(_undeclared(names.index(name) + 1, name, absent))
    return ColumnMap(positions, tuple(absent), tuple(ignored), tuple(case_differences)), tuple(faults)


def _delimiter_remedy(mark: str, table: str) -> str:
    written = "\\t" if mark == "\t" else mark
    return f'set delimiter = "{written}" in [extracts.{table}]'


def _position(names: list[str], supplied: str) -> int | None:
    """Return the position of a column: by its exact name, or by the only name that differs just in case."""
    if supplied in names:
        return names.index(supplied)
    alike = [position for position, name in enumerate(names) if name.casefold() == supplied.casefold()]
    return alike[0] if len(alike) == 1 else None


def _undeclared(number: int, name: str, absent: Sequence[str]) -> str:
    """Return what is wrong with a supplier's column that no one declared. number: its place, from 1."""
    like = resembles(name, absent)
    alike = f" and its name resembles {like}" if like else ""
    what = f"column {number} {shown_in_quotes(name, absent)} is not declared{alike}"
    return f"{what}: map it under columns, or list it under ignore"
