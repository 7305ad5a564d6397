"""What a check found, in the words of the registry of errors and of the contracts; never a cell."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from governance.counted import counted
from schemas.contract import Column, load_contract
from schemas.error_code import error_codes

#: stops: a run would be refused. loses: rows or cells are left out. repaired: Hearth mended it.
Level = Literal["stops", "loses", "repaired", "note"]
LEVELS: Mapping[Level, str] = {
    "stops": "A run would be refused",
    "loses": "Rows or cells would be left out",
    "repaired": "Repaired, nothing is lost",
    "note": "To know",
}


@dataclass(frozen=True)
class CheckFinding:
    """One finding. where: extract, or extract and column. rows: how many rows it concerns, None if all.

    effect: what it would do to the result. ask: what to change, or to ask the supplier. lines: first lines.
    """

    level: Level
    code: str
    where: str
    what: str
    rows: int | None
    effect: str
    ask: str
    lines: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"lines": list(self.lines)}


def effect_of(column: Column) -> str:
    """Return what happens to a row in which this cell has no value."""
    if column.required or column.on_invalid == "quarantine":
        return "The row is set aside, so this person, home or event is not counted."
    if column.form == "uprn":
        return "The record is linked by address and names only, which finds fewer links."
    if column.form == "nhs_number":
        return "Repeated registrations of the person are not recognised, so they may count twice."
    if column.date_kind == "death":
        return "The person counts as alive."
    if column.date_kind == "end":
        return "The person counts as still there."
    if column.date_kind == "birth":
        return "The person has no age, and is linked with less certainty."
    name = column.title.lower()
    if column.purpose == "linkage":
        return f"The record is linked with less certainty, because {name} is missing."
    return f"The row is in the category unknown where figures need {name}."


def cell_findings(table: str, facts: Mapping[str, Any]) -> Iterator[CheckFinding]:
    """Yield what the facts of one ingested extract show: rows set aside, cells left out, repairs, markers."""
    contract = load_contract("extract", table)
    for reason, rows in facts["quarantined_by_reason"].items():
        entry = error_codes()[reason]
        effect = "The rows are set aside and counted nowhere."
        yield CheckFinding("loses", reason, table, entry.title, rows, effect, entry.remedy)
    for name, reasons in facts["invalid"].items():
        shapes = ", ".join(facts["cells"][name]["shapes"])
        for reason, rows in reasons.items():
            entry = error_codes()[reason]
            what = entry.title + (f" (cells like {shapes})" if shapes else "")
            where = f"{table}.{name}"
            effect = effect_of(contract.column(name))
            yield CheckFinding("loses", reason, where, what, rows, effect, entry.remedy)
    for name, cells in facts["cells"].items():
        if markers := cells["markers"]:
            listed = ", ".join(f'"{marker}"' for marker in markers)
            yield CheckFinding(
                "loses",
                "MISSING_MARKER",
                f"{table}.{name}",
                f"Cells that usually mean missing: {listed}",
                sum(markers.values()),
                "They are read as values, or as faults.",
                f"Declare missing_markers = [{listed}] in [extracts.{table}] if they mean missing.",
            )
    for name, repairs in facts["repaired"].items():
        for repair, rows in repairs.items():
            entry = error_codes()[repair]
            yield CheckFinding(
                "repaired", repair, f"{table}.{name}", entry.title, rows, entry.meaning, entry.remedy
            )
    for name, rows in facts["replacement_characters"].items():
        yield CheckFinding(
            "loses",
            "REPLACEMENT_CHARACTER",
            f"{table}.{name}",
            "Letters were lost before the file was supplied",
            rows,
            effect_of(contract.column(name)),
            "Ask for an export in UTF-8.",
        )
    people = facts.get("people") or {}
    if dates := people.get("numbers_under_two_dates"):
        yield CheckFinding(
            "note",
            "NUMBERS_UNDER_TWO_DATES",
            f"{table}.birth_date",
            f"{counted(dates, 'NHS number')} with one forename under two birth dates",
            dates,
            "Read as one person each; one of the dates is wrong.",
            "Ask the supplier which date is right.",
        )
    if absent := facts["columns_absent"]:
        yield CheckFinding(
            "note",
            "COLUMNS_ABSENT",
            table,
            f"Columns that are not supplied: {', '.join(absent)}",
            None,
            "Measures that need them are not produced, and linkage has less to go by.",
            "Ask whether the supplier has them.",
        )
