"""The agreed limits of single columns: which share may be invalid, and which may be missing (rule ING-05).

Each column of an extract has limits in its contract. The agreement can set others for a column:

    [datasets.nhs_person.limits]
    death_date = { invalid = 0.02 }
    ethnic_category = { missing = 0.3 }
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.agreement.change import Change
from governance.errors import Finding
from schemas.contract import Column, Contract


@dataclass(frozen=True)
class ColumnLimit:
    """Largest shares of one column, from 0 to 1; None where the contract's limit applies.

    invalid: of the stated cells. missing: of all cells.
    """

    invalid: float | None = None
    missing: float | None = None


def column_limits(section: Mapping[str, Any]) -> dict[str, ColumnLimit]:
    """Return column -> limit of one dataset's `limits`."""
    return {column: ColumnLimit(**limit) for column, limit in section.items()}


def limit_faults(table: str, section: Mapping[str, Any], contract: Contract) -> Iterator[Finding]:
    """Yield limits of columns that the table's contract does not have."""
    for column in section:
        if contract.find(column) is None:
            place = f"datasets.{table}.limits.{column}"
            yield Finding("AGREEMENT", place, "is not a column of that extract's contract")


def limit_changes(
    old: Mapping[str, Mapping[str, ColumnLimit]], new: Mapping[str, Mapping[str, ColumnLimit]]
) -> list[Change]:
    """Return the changes of limits. old, new: table -> column -> limit."""
    places = {(table, column) for limits in (old, new) for table, of in limits.items() for column in of}
    changes: list[Change] = []
    for table, column in sorted(places):
        for what in ("invalid", "missing"):
            before, after = (getattr(of.get(table, {}).get(column), what, None) for of in (old, new))
            if before != after:
                changes.append(_change(f"datasets.{table}.limits.{column}.{what}", before, after))
    return changes


def _change(place: str, before: float | None, after: float | None) -> Change:
    if before is None or after is None:
        then, now = ("the contract's limit" if share is None else f"{share:g}" for share in (before, after))
        return Change("other", place, f"{now} instead of {then}.")
    return Change("looser" if after > before else "tighter", place, f"{after:g} instead of {before:g}.")


def limits_of(column: Column, agreed: ColumnLimit | None) -> tuple[float, float]:
    """Return the largest invalid and missing share of a column: as agreed, or else as in its contract."""
    invalid = agreed.invalid if agreed else None
    missing = agreed.missing if agreed else None
    return (
        column.maximum_invalid_share if invalid is None else invalid,
        column.maximum_missing_share if missing is None else missing,
    )
