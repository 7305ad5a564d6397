"""The data dictionary: every column of every table in plain words, generated from the contracts.

Ingest, gates and publication read the same contracts, so the dictionary always describes what is
checked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from schemas.code_list import load_code_list
from schemas.contract import STAGES, Column, Contract, all_contracts

_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "decimal number",
    "boolean": "yes or no",
    "date": "date",
}
_ITEMS = {"string": "texts", "integer": "whole numbers"}
_CLASSES = {
    "direct_identifier": "direct identifier",
    "special_category": "special category (UK GDPR art. 9)",
    "quasi_identifier": "quasi-identifier",
    "pseudonym": "pseudonym",
    "attribute": "attribute",
    "technical": "technical",
}
_INVALID = {
    "quarantine": "the row is quarantined",
    "null": "the cell is emptied and counted",
    "refuse": "the run is refused",
}


@dataclass(frozen=True)
class Entry:
    """One column of one table at one stage, for people. values: the allowed values, in words."""

    stage: str
    table: str
    column: str
    title: str
    description: str
    kind: str
    unit: str
    values: str
    is_required: bool
    classification: str
    purpose: str
    must_not_outlive: str
    retention_days: int
    on_invalid: str


def entries(contracts: Iterable[Contract] | None = None) -> tuple[Entry, ...]:
    """Return one entry for each column, in the order of the contracts (None: all contracts)."""
    return tuple(
        _entry(contract, column)
        for contract in (all_contracts() if contracts is None else contracts)
        for column in contract.columns
    )


def as_rows(dictionary: Sequence[Entry]) -> list[dict[str, str | int | bool]]:
    """Return the entries as rows of a table, for Parquet, CSV or JSON."""
    return [asdict(entry) for entry in dictionary]


def as_markdown(contracts: Sequence[Contract], title: str = "Data dictionary") -> str:
    """Return a page: a section for each stage and table, a line for each column, and the code lists used."""
    parts = [f"# {title}", ""]
    for stage in STAGES:
        tables = [contract for contract in contracts if contract.stage == stage]
        if tables:
            parts += [f"## Stage: {stage}", ""]
        for contract in tables:
            parts += _table_section(contract)
    lists = sorted({c.code_list for contract in contracts for c in contract.columns if c.code_list})
    if lists:
        parts += ["## Code lists", ""]
    for name in lists:
        parts += _code_list_section(name)
    return "\n".join(parts).rstrip() + "\n"


def _entry(contract: Contract, column: Column) -> Entry:
    return Entry(
        stage=contract.stage,
        table=contract.table,
        column=column.name,
        title=column.title,
        description=column.description,
        kind=_KINDS[column.logical_type]
        if column.item_type is None
        else f"list of {_ITEMS[column.item_type]}",
        unit=column.unit or "",
        values=_values(column),
        is_required=column.required,
        classification=_CLASSES[column.classification],
        purpose=column.purpose.replace("_", " "),
        must_not_outlive=column.must_not_outlive,
        retention_days=contract.retention_days,
        on_invalid=_INVALID[column.on_invalid],
    )


def _values(column: Column) -> str:
    parts = []
    if column.code_list is not None:
        parts.append(f"code list {column.code_list}")
    if column.form is not None:
        parts.append(
            {"uprn": "12 digits", "nhs_number": "10 digits, modulus 11", "postcode": "AN NAA"}[column.form]
        )
    if column.pattern is not None:
        parts.append(f"matches {column.pattern}")
    if column.minimum is not None and column.maximum is not None:
        parts.append(f"{column.minimum} to {column.maximum}")
    elif column.minimum is not None:
        parts.append(f"from {column.minimum}")
    elif column.maximum is not None:
        parts.append(f"up to {column.maximum}")
    if column.maximum_length is not None and column.form is None:
        parts.append(f"at most {column.maximum_length} characters")
    if column.unique:
        parts.append("unique")
    return "; ".join(parts)


def _table_section(contract: Contract) -> list[str]:
    about = [
        f"Supplied by the {contract.controller}." if contract.controller == "council" else "",
        "Supplied by the NHS body." if contract.controller == "nhs" else "",
        "Optional." if contract.is_optional else "",
        f"Kept at most {contract.retention_days} days.",
    ]
    lines = [
        f"### {contract.table}",
        "",
        f"{contract.row_meaning} {contract.purpose}",
        "",
        " ".join(filter(None, about)),
        "",
        "| Column | Meaning | Kind | Values | Class | Purpose | Last stage |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in entries([contract]):
        name = f"{entry.column}{' (required)' if entry.is_required else ''}"
        kind = f"{entry.kind}{f', {entry.unit}' if entry.unit else ''}"
        cells = (
            f"`{entry.column}`" + name.removeprefix(entry.column),
            entry.description,
            kind,
            entry.values,
            entry.classification,
            entry.purpose,
            entry.must_not_outlive,
        )
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return [*lines, ""]


def _code_list_section(name: str) -> list[str]:
    lines = [f"### {name}", "", "| Code | Meaning | Group |", "|---|---|---|"]
    lines += [
        f"| `{code.code}` | {_cell(code.label)} | {_cell(code.group or '')} |"
        for code in load_code_list(name).codes
    ]
    return [*lines, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
