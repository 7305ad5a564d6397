"""Which columns a table may have at a stage: those of its contract, and none that had to end earlier."""

from collections.abc import Iterable, Mapping

from schemas.contract import STAGES, load_contract


def undeclared(stage: str, columns: Mapping[str, Iterable[str]]) -> list[str]:
    """Return "table.column" of every column that the stage's contracts do not declare, and unknown tables."""
    found: list[str] = []
    for table, names in columns.items():
        try:
            contract = load_contract(stage, table)
        except KeyError:
            found.append(f"{table} (no contract)")
            continue
        found += [f"{table}.{name}" for name in names if contract.find(name) is None]
    return found


def outlived(stage: str, columns: Mapping[str, Iterable[str]]) -> list[str]:
    """Return "table.column" of every column that, by its contract, had to end at an earlier stage."""
    found: list[str] = []
    for table, names in columns.items():
        contract = load_contract(stage, table)
        for name in names:
            column = contract.find(name)
            if column and STAGES.index(column.must_not_outlive) < STAGES.index(stage):
                found.append(f"{table}.{name}")
    return found


def direct_identifiers(columns: Mapping[str, Iterable[str]]) -> list[str]:
    """Return "table.column" of every column named like a direct identifier of any extract contract.

    A pseudonymised record id has another name; under its own name it is still a direct identifier.
    """
    names = {
        column.name
        for table in ("council_property", "council_person", "nhs_person", "nhs_condition", "nhs_event")
        for column in load_contract("extract", table).columns
        if column.classification == "direct_identifier"
    }
    return [f"{table}.{name}" for table, found in columns.items() for name in found if name in names]
