"""Looks at the beginning of a file and proposes how hearth.toml describes it. No cell is returned.

Columns are recognised by their names, and identifiers also by the shape of their cells. Every other column is
listed under `ignore`.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from governance.errors import Fault
from pipeline.ingest.counting.column_facts import MARKERS
from pipeline.ingest.counting.nhs_number_range import count_nhs_numbers
from pipeline.ingest.readers.file_kind import utf16_without_mark, what_it_is
from pipeline.ingest.readers.parquet_reader import ParquetReader
from pipeline.ingest.readers.supplied_file import FileRefused, is_parquet, open_supplied
from schemas.contract import Contract, contracts

_FIRST_BYTES = 512 << 10
_DELIMITERS = ",;\t|^~¦¬"
_FORMATS = (
    "%Y-%m-%d",
    "%Y%m%d",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d/%m/%y",
    "%m/%d/%Y",
)
#: Contract column -> other names of it, in letters and digits only.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "record_id": ("id", "recordid", "personref", "personid", "patientid", "nhspersonid", "councilpersonid",
                  "propertyref", "propertyid", "councilpropertyid", "reference", "accountref", "rowid"),
    "property_record_id": ("propertyref", "propertyid", "councilpropertyid", "accountref"),
    "person_record_id": ("personid", "patientid", "personref", "nhspersonid"),
    "nhs_number": ("nhsno", "nhsnumber", "nhsnum"),
    "forename": ("firstname", "givenname", "forenames", "firstforename"),
    "surname": ("lastname", "familyname"),
    "birth_date": ("dob", "dateofbirth", "birthdate"),
    "death_date": ("dod", "dateofdeath", "deathdate"),
    "sex": ("gender", "personstatedgender"),
    "postcode": ("pcode", "postalcode"),
    "lsoa21": ("lsoa21cd", "lsoa", "lsoacode", "lsoa2021"),
    "msoa21": ("msoa21cd", "msoa", "msoacode"),
    "local_authority": ("lad", "ladcode", "authority", "lad24cd"),
    "practice_code": ("gppracticecode", "gpcode", "practice", "practicecode"),
    "address_group_id": ("nhshouseholdid", "householdid"),
    "council_tax_band": ("ctband", "band", "taxband"),
    "council_tax_support": ("ctrclaimant", "cts"),
    "arrears": ("ctarrears",),
    "epc_rating": ("epc",),
    "ethnic_category": ("ethnicity", "ethnicgroup"),
    "long_term_conditions": ("ltccount",),
    "emergency_admissions": ("emergencyadmissions12m",),
    "address_start": ("movedin", "addressfrom"),
    "address_end": ("movedout", "addressto"),
}  # fmt: skip
_WORDS = {"council_property": ("propert", "dwelling", "llpg"), "nhs_person": ("nhs", "patient", "gp"),
          "council_person": ("council_person", "resident", "people", "elector", "occupier"),
          "area_lookup": ("area", "lookup"), "nhs_condition": ("condition", "diagnos"),
          "nhs_event": ("event", "admission", "appointment")}  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """How one file is described. columns: contract column -> the file's column, where the names differ."""

    path: Path
    table: str
    columns: Mapping[str, str]
    ignore: tuple[str, ...]
    missing: tuple[str, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    markers: tuple[str, ...] = ()
    found: int = 0
    unsure: tuple[str, ...] = field(default=())


def propose(path: Path) -> Proposal:
    """Return a proposal for a file. Raises Fault if it cannot be read or is like no extract."""
    try:
        if is_parquet(path):
            names, cells = _parquet(path)
            encoding, delimiter = "utf-8", ","
        else:
            encoding, text = _text(path)
            delimiter = _delimiter(text)
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
            names = [name.strip() for name in rows[0]] if rows else []
            whole = [row for row in rows[1:] if len(row) == len(names)]
            cells = {name: [row[place].strip() for row in whole] for place, name in enumerate(names)}
    except FileRefused as refusal:
        raise _unlike(path, refusal.what) from None
    except csv.Error:
        raise _unlike(path, "has a quote in the wrong place in its first rows") from None
    contract, mapped = max(
        ((contract, _mapped(names, cells, contract)) for contract in contracts("extract")),
        key=lambda pair: (_score(path, *pair), pair[0].table),
    )
    if len(mapped) < 2:
        raise _unlike(path, "has no header that is like that of any extract")
    dated = [
        cell
        for name, supplied in mapped.items()
        if contract.column(name).logical_type == "date"
        for cell in cells[supplied]
        if cell and cell.upper() not in MARKERS
    ]
    formats, unsure = _formats(dated)
    markers = sorted({cell for column in cells.values() for cell in column if cell.upper() in MARKERS})
    return Proposal(
        path,
        contract.table,
        mapped,
        tuple(name for name in names if name and name not in mapped.values()),
        tuple(c.name for c in contract.columns if c.required and c.name not in (*mapped, "line_number")),
        encoding,
        delimiter,
        formats,
        tuple(markers),
        len(mapped),
        unsure,
    )


def _unlike(path: Path, what: str) -> Fault:
    return Fault(
        "EXTRACT_UNLIKE_CONTRACTS",
        f"{path.name} {what}, so no hearth.toml was written.",
        "Give files with a header line, as CSV or Parquet. schemas/contracts/extract lists the columns.",
    )


def _parquet(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    with open_supplied(path) as (file, _), file.again() as source:
        reader = ParquetReader(source)
        names = list(reader.header)
        first = next(reader.rows(range(len(names))), None)
        columns = [] if first is None else [column.slice(0, 2000).to_pylist() for column in first.columns]
    return names, dict(zip(names, [[cell or "" for cell in column] for column in columns], strict=False))


def _text(path: Path) -> tuple[str, str]:
    with open_supplied(path) as (_, content):
        start = b""
        while len(start) < _FIRST_BYTES and (more := content.read(_FIRST_BYTES - len(start))):
            start += more
    if what := what_it_is(start):
        raise FileRefused("ING-02", what)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = utf16_without_mark(start) or "utf-8"
    if encoding == "utf-8":
        whole = start[: start.rfind(b"\n") + 1] or start
        try:
            return encoding, whole.decode("utf-8-sig")
        except UnicodeDecodeError:
            return "cp1252", whole.decode("cp1252", errors="replace")
    text = start.decode(encoding, errors="ignore").lstrip("\ufeff")
    return encoding, text[: text.rfind("\n") + 1] or text


def _delimiter(text: str) -> str:
    lines = text.splitlines()[:20]

    def agreement(mark: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
        return (widths.count(widths[0]) if widths and widths[0] > 1 else 0, widths[0] if widths else 0)

    return max(_DELIMITERS, key=agreement)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _mapped(names: Sequence[str], cells: Mapping[str, list[str]], contract: Contract) -> dict[str, str]:
    """Return contract column -> column of the file: by name, by another name of it, then by shape."""
    mapped: dict[str, str] = {}
    free = [name for name in names if name and names.count(name) == 1]
    for column in contract.columns:
        wanted = (_plain(column.name), *_ALIASES.get(column.name, ()))
        found = next((name for alias in wanted for name in free if _plain(name) == alias), None)
        if found is not None:
            mapped[column.name] = found
            free.remove(found)
    for column in contract.columns:
        if column.name not in mapped and column.form and column.name not in ("parent_uprn", "previous_uprn"):
            found = next((name for name in free if _has_shape(cells.get(name, []), column.form)), None)
            if found is not None:
                mapped[column.name] = found
                free.remove(found)
    return mapped


def _has_shape(cells: Sequence[str], form: str) -> bool:
    stated = [cell for cell in cells if cell]
    if len(stated) < 10:
        return False
    if form == "nhs_number":
        return count_nhs_numbers(pa.array(stated)).stated > 0.8 * len(stated)
    pattern = {"uprn": r"[1-9][0-9]{8,11}", "postcode": r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"}[form]
    fits = sum(re.fullmatch(pattern, cell.upper()) is not None for cell in stated)
    return fits > 0.8 * len(stated) and len(set(stated)) > 5


def _score(path: Path, contract: Contract, mapped: Mapping[str, str]) -> float:
    named = any(word in path.name.lower() for word in _WORDS.get(contract.table, ()))
    return (
        len(mapped)
        + 3 * named
        - 2
        * sum(column.required and column.name not in (*mapped, "line_number") for column in contract.columns)
    )


def _formats(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the date formats that read most cells, and a sentence if day and month look alike."""
    left = list(dict.fromkeys(re.sub(r"[ T]00:00(:00(\.0+)?)?$", "", cell) for cell in cells))
    chosen: list[str] = []
    while left:
        read = {form: sum(_reads(cell, form) for cell in left) for form in _FORMATS}
        best = max(_FORMATS, key=lambda form: (read[form], -_FORMATS.index(form)))
        if read[best] < max(1, 0.02 * len(left)):
            break
        chosen.append(best)
        left = [cell for cell in left if not _reads(cell, best)]
    both = "%d/%m/%Y" in chosen and all(
        _reads(cell, "%m/%d/%Y") for cell in cells if _reads(cell, "%d/%m/%Y")
    )
    return tuple(chosen) or ("%Y-%m-%d",), ("day and month of its dates look alike",) if both else ()


def _reads(cell: str, form: str) -> bool:
    try:
        datetime.strptime(cell, form)  # noqa: DTZ007 a day has no time zone
    except ValueError:
        return False
    return form != "%Y%m%d" or len(cell) == 8
