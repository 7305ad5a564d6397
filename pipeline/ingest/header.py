"""Which supplier's column is which of the contract's (rule ING-03).

Names must be equal once surrounding blanks are gone. A name that differs in case alone is
accepted and counted, because a supplier's export settings change it and it can mean nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from governance.errors import Finding
from pipeline.project import ExtractSettings
from schemas.contract import Contract

#: What separates cells in files that are not delimited as declared, in words.
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

#: Added by ingest, so no supplier is asked for it.
LINE_NUMBER = "line_number"


@dataclass(frozen=True)
class ColumnMap:
    """How a header meets its contract.

    places: contract column -> place in the header. absent: optional contract columns that
    are not supplied. ignored: supplier's columns that are not read, by the project's choice.
    case_differences: columns accepted although their names differ in case.
    """

    places: dict[str, int]
    absent: tuple[str, ...]
    ignored: tuple[str, ...]
    case_differences: tuple[str, ...]


def map_columns(
    header: Sequence[str], contract: Contract, settings: ExtractSettings
) -> tuple[ColumnMap, tuple[Finding, ...]]:
    """Match a header with the contract; returns the map and every fault found."""
    where = settings.table
    names = [name.strip() for name in header]
    faults: list[Finding] = []

    def fault(what: str, count: int = 1) -> None:
        faults.append(Finding("ING-03", where, what, count))

    other = next((mark for mark in _DELIMITERS if len(names) == 1 and mark in names[0]), None)
    if other is not None:
        fault(f"the header is one column that holds {_DELIMITERS[other]}: declare the delimiter")
        return ColumnMap({}, (), (), ()), tuple(faults)
    blank = sum(not name for name in names)
    if blank:
        fault(f"{blank} columns of the header have no name", blank)
    for name, times in sorted(Counter(filter(None, names)).items()):
        if times > 1:
            fault(f"the column {_shown(name)} stands {times} times in the header", times)
    for name in sorted(set(settings.columns) - set(contract.names) | {LINE_NUMBER} & set(settings.columns)):
        fault(f"hearth.toml maps {name}, which the contract does not know")
    places: dict[str, int] = {}
    absent: list[str] = []
    case_differences: list[str] = []
    for column in contract.columns:
        if column.name == LINE_NUMBER:
            continue
        supplied = settings.columns.get(column.name, column.name)
        place = _place(names, supplied)
        if place is not None:
            places[column.name] = place
            if names[place] != supplied:
                case_differences.append(column.name)
        elif column.required or column.name in settings.columns:
            fault(f"the column {supplied} is missing (it supplies {column.name})")
        else:
            absent.append(column.name)
    to_ignore = {name.casefold() for name in settings.ignore}
    read = {names[place] for place in places.values()}
    ignored = [name for name in names if name.casefold() in to_ignore]
    for name in sorted(read & set(ignored)):
        fault(f"the column {_shown(name)} is both mapped and ignored")
    for name in sorted(set(filter(None, names)) - read - set(ignored)):
        fault(f"the column {_shown(name)} is undeclared: map it, or list it under ignore")
    return ColumnMap(places, tuple(absent), tuple(ignored), tuple(case_differences)), tuple(faults)


def _place(names: list[str], supplied: str) -> int | None:
    """Return where a column stands: by its exact name, else by the only name that differs in case."""
    if supplied in names:
        return names.index(supplied)
    alike = [place for place, name in enumerate(names) if name.casefold() == supplied.casefold()]
    return alike[0] if len(alike) == 1 else None


def _shown(name: str) -> str:
    """Return a column's name as it may be told: a header that is really a row of data must not be."""
    plain = len(name) <= 60 and name.isprintable() and not any(digit in name for digit in "0123456789")
    looks_like_a_name = name.replace("_", "").replace(" ", "").replace("-", "").isalnum() and len(name) <= 40
    return repr(name) if plain or (looks_like_a_name and name[:1].isalpha()) else "(name withheld)"
